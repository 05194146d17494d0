#include <weir/open_archive.hpp>

#include "archives/tar_archive.hpp"
#include "archives/tar_endings.hpp"
#include "archives/tar_block.hpp"
#include "archives/zip_archive.hpp"
#include "archives/zip_format.hpp"
#include "archives/zip_stream.hpp"
#include "base/ascii.hpp"
#include "streams/decoding_ahead.hpp"
#include "streams/peeked_source.hpp"

#include <weir/as_result.hpp>
#include <weir/decoder.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

namespace asio = boost::asio;

namespace {

constexpr std::size_t input_bytes = std::size_t{64} << 10; // of a decoder, at a time

constexpr std::string_view tar_magic = "ustar";
constexpr std::size_t tar_magic_offset = 257;

// Of an entry, of the end of an archive without any, and of one that was to be cut in parts but fits in one.
constexpr std::string_view zip_magics[] = {"PK\3\4", "PK\5\6", "PK\7\10PK\3\4", "PK00PK\3\4"};

/// Where a stream comes from.
struct origin {
    std::shared_ptr<random_access_input> places; ///< of its bytes themselves
    std::uint64_t compressions = 0; ///< that were undone
};

constexpr std::uint64_t most_compressions = 16; // whatever the limits say: there are streams that decode to themselves

std::uint64_t compressions_allowed(const archive_options& options) noexcept
{
    return std::min(options.limits.max_nesting, most_compressions);
}

bool names_compressed_tar(std::string_view name)
{
    const auto ends = [](std::string_view text, std::string_view ending) {
        return text.size() > ending.size() && ascii::ends_with_in_any_case(text, ending);
    };
    if (std::ranges::any_of(codecs::tar_endings, [&](const codecs::tar_ending& each) { return ends(name, each.text); }))
        return true;
    const auto holds_tar = [&](codec which) {
        const std::string_view suffix = suffix_of(which);
        return !suffix.empty() && ends(name, suffix) && ends(name.substr(0, name.size() - suffix.size()), ".tar");
    };
    return std::ranges::any_of(all_codecs(), holds_tar);
}

bool may_be_empty_tar(std::span<const std::byte> start) noexcept
{
    return start.size() == codecs::tar::block_bytes && codecs::tar::is_zero(start);
}

[[noreturn]] void refuse_input(errc code, std::string_view input, std::string_view why)
{
    throw error(code, "open", input, 0, why);
}

std::unique_ptr<source> decode(engine& owner, std::unique_ptr<source> input, codec which,
                               const archive_options& options)
{
    decoding_options how;
    how.codec = which;
    how.settings = settings_for(which, options.decoder);
    how.contexts = options.contexts;
    // A size that the engine's pool does not have: between two entries their reader may wait for all that it has.
    how.buffer_bytes = owner.block_bytes() == input_bytes ? 2 * input_bytes : input_bytes;
    return codecs::decode_ahead(owner, std::move(input), how);
}

/// What begins as nothing known may have a zip archive behind a program that extracts it.
asio::awaitable<std::unique_ptr<archive>> look_for_zip(engine& owner, std::shared_ptr<random_access_input> input,
                                                       const archive_options& options)
{
    constexpr std::string_view why = "no known archive begins so, and no zip archive ends so";
    if (input->size() > options.limits.max_archive_bytes)
        refuse_input(errc::bad_format, input->name(), why);
    result<std::unique_ptr<archive>> found = co_await as_result(codecs::open_zip(owner, input, options));
    if (found.code() == errc::bad_format)
        refuse_input(errc::bad_format, input->name(), why);
    co_return std::move(found).value();
}

asio::awaitable<std::unique_ptr<archive>> open_input(engine& owner, std::unique_ptr<source> input,
                                                     archive_options options, origin from)
{
    auto whole = std::make_unique<codecs::peeked_source>(std::move(input));
    std::span<const std::byte> start = co_await whole->look(archive_magic_bytes);
    const std::optional<archive_format> format = detect_archive(start);
    const bool is_tar = format == archive_format::tar || may_be_empty_tar(start);
    if (!format)
        start = co_await codecs::look_for_codec(*whole);
    const std::optional<codec> compressed = detect_codec(start);
    if (from.places && !is_tar && (format || !compressed)) {
        co_await whole->close();
        whole.reset();
        std::unique_ptr<archive> by_directory;
        if (format)
            by_directory = co_await codecs::open_zip(owner, from.places, options);
        else
            by_directory = co_await look_for_zip(owner, from.places, options);
        co_return by_directory;
    }
    if (is_tar)
        co_return codecs::make_tar_archive(std::move(whole), options, std::move(from.places));
    if (format)
        co_return codecs::make_zip_stream(owner, std::move(whole), options);
    if (!compressed)
        refuse_input(errc::bad_format, whole->name(), "no known archive begins so");
    if (from.compressions >= compressions_allowed(options))
        refuse_input(errc::limit_exceeded, whole->name(), "the compressions around the archive");
    std::unique_ptr<source> decoded = decode(owner, std::move(whole), *compressed, options);
    origin inside;
    inside.compressions = from.compressions + 1;
    std::unique_ptr<archive> out =
        co_await open_input(owner, std::move(decoded), std::move(options), std::move(inside));
    co_return out;
}

/// What a stream begins with once it is decoded.
struct decoded_start {
    std::vector<std::byte> bytes;
    bool is_whole = false;   ///< there are no more
    bool wants_more = false; ///< of the stream, to tell what it is
    bool has_failed = false; ///< before that can be told
};

/// \param is_whole  whether `start` is all of the stream
decoded_start decode_start(std::span<const std::byte> start, bool is_whole, codec which, std::size_t most,
                           const archive_options& options)
{
    decoded_start out;
    out.bytes.resize(most);
    std::size_t count = 0;
    try {
        decoder reader(which, settings_for(which, options.decoder),
                       options.contexts ? *options.contexts : codec_pool::common());
        reader.push(start);
        if (is_whole)
            reader.finish();
        while (count < most) {
            const std::size_t more = reader.pull(std::span(out.bytes).subspan(count));
            count += more;
            if (more == 0)
                break;
        }
        out.is_whole = reader.ended();
        out.wants_more = count < archive_magic_bytes && !out.is_whole;
    }
    catch (const error&) {
        out.has_failed = count < archive_magic_bytes;
    }
    out.bytes.resize(count);
    return out;
}

/// Also what is called like an archive, and is opened to say why it is none.
/// \param is_whole      whether `start` is all of it
/// \param compressions  that may be around it
bool begins_as_archive(std::span<const std::byte> start, bool is_whole, std::string_view name,
                       const archive_options& options, std::uint64_t compressions)
{
    if (detect_archive(start))
        return true;
    const std::optional<codec> compressed = detect_codec(start);
    if (!compressed)
        return false;
    if (compressions == 0)
        return *compressed != codec::zlib && compressions_allowed(options) != 0 && names_compressed_tar(name);
    const std::size_t most = compressions > 1 ? archive_start_bytes : archive_magic_bytes;
    const decoded_start inside = decode_start(start, is_whole, *compressed, most, options);
    if (begins_as_archive(inside.bytes, inside.is_whole, name, options, compressions - 1))
        return true;
    if (inside.has_failed && name.empty())
        return compressed != codec::zlib; // whose magic begins texts, too
    return (inside.has_failed || inside.wants_more) && names_compressed_tar(name);
}

} // namespace

std::optional<archive_format> detect_archive(std::span<const std::byte> start) noexcept
{
    const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
    if (std::ranges::any_of(zip_magics, [&](std::string_view magic) { return text.starts_with(magic); }))
        return archive_format::zip;
    if (text.size() > tar_magic_offset && text.substr(tar_magic_offset).starts_with(tar_magic))
        return archive_format::tar;
    if (start.size() < codecs::tar::block_bytes)
        return std::nullopt;
    const codecs::tar::block first = start.first<codecs::tar::block_bytes>();
    if (codecs::tar::is_zero(first) || !codecs::tar::checksum_fits(first))
        return std::nullopt;
    return archive_format::tar;
}

bool is_archive_file(std::span<const std::byte> start, std::string_view name, const archive_options& options)
{
    if (!detect_codec(start)) // the other way to have nothing to see is to be cut off in front of all that could tell
        return detect_archive(start) || (start.size() < codec_magic_bytes && compressions_allowed(options) != 0 && names_compressed_tar(name));
    return begins_as_archive(start, start.size() < archive_start_bytes, name, options, compressions_allowed(options));
}

bool is_zip_end(std::span<const std::byte> end, std::uint64_t size)
{
    static_assert(archive_end_bytes >= codecs::zip::tail_bytes);
    try {
        (void)codecs::zip::find_directory(end, size - end.size());
        return true;
    }
    catch (const codecs::zip::fault&) {
        return false;
    }
}

asio::awaitable<std::unique_ptr<archive>> open_archive(engine& owner, std::unique_ptr<source> input,
                                                       const archive_options& options)
{
    return open_input(owner, std::move(input), options, origin());
}

asio::awaitable<std::unique_ptr<archive>> open_archive(engine& owner, std::shared_ptr<random_access_input> input,
                                                       const archive_options& options)
{
    origin from;
    from.places = std::move(input);
    std::unique_ptr<source> all = from.places->open(0, from.places->size());
    return open_input(owner, std::move(all), options, std::move(from));
}

} // namespace weir
