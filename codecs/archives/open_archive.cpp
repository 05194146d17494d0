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

// Of an entry, of the ends of an archive without any, and of one that was to be cut in parts but fits in one.
constexpr std::string_view zip_magics[] = {"PK\3\4", "PK\5\6", "PK\6\6", "PK\7\10PK\3\4", "PK00PK\3\4"};

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

bool name_ends(std::string_view name, std::string_view ending) noexcept
{
    return name.size() > ending.size() && ascii::ends_with_in_any_case(name, ending);
}

bool names_compressed_tar(std::string_view name)
{
    if (std::ranges::any_of(codecs::tar_endings, [&](const codecs::tar_ending& each) { return name_ends(name, each.text); }))
        return true;
    const auto holds_tar = [&](codec which) {
        const std::string_view suffix = suffix_of(which);
        return !suffix.empty() && name_ends(name, suffix)
            && name_ends(name.substr(0, name.size() - suffix.size()), ".tar");
    };
    return std::ranges::any_of(all_codecs(), holds_tar);
}

bool may_be_empty_tar(std::span<const std::byte> start) noexcept
{
    return start.size() >= codecs::tar::block_bytes && codecs::tar::is_zero(start);
}

/// Whether zeros under that name are an archive of nothing: other files begin with some as well.
bool may_hold_nothing(std::string_view name)
{
    return name.empty() || name_ends(name, ".tar") || names_compressed_tar(name);
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
    bool has_failed = false; ///< behind them
};

/// \param is_whole  whether `start` is all of the stream
decoded_start decode_start(std::span<const std::byte> start, bool is_whole, codec which, std::size_t most,
                           const archive_options& options)
{
    decoded_start out;
    std::size_t count = 0;
    try {
        decoder reader(which, settings_for(which, options.decoder),
                       options.contexts ? *options.contexts : codec_pool::common());
        reader.push(start);
        if (is_whole)
            reader.finish();
        while (count < most) {
            if (count == out.bytes.size())
                out.bytes.resize(std::min(most, std::max(2 * count, archive_magic_bytes)));
            const std::size_t more = reader.pull(std::span(out.bytes).subspan(count));
            count += more;
            if (more == 0)
                break;
        }
        out.is_whole = reader.ended();
    }
    catch (const error&) {
        out.has_failed = true;
    }
    out.bytes.resize(count);
    return out;
}

/// As `judge_archive`, of what may lie in others.
/// \param compressions  that may be around it
archive_verdict judge(std::span<const std::byte> start, bool is_whole, std::string_view name,
                      const archive_options& options, std::uint64_t compressions)
{
    if (detect_archive(start))
        return archive_verdict::archive;
    const bool is_all = is_whole || start.size() >= archive_start_bytes; // that is looked at
    if (may_be_empty_tar(start) && may_hold_nothing(name)) {
        if (!is_all)
            return archive_verdict::undecided;
        const bool has_blocks = start.size() % codecs::tar::block_bytes == 0;
        return is_whole && has_blocks ? archive_verdict::archive : archive_verdict::file;
    }
    const std::optional<codec> compressed = detect_codec(start);
    if (!compressed)
        return archive_verdict::file;
    if (compressions == 0) {
        const bool is_refused = *compressed != codec::zlib && compressions_allowed(options) != 0 && names_compressed_tar(name);
        return is_refused ? archive_verdict::archive : archive_verdict::file;
    }
    if (!is_all && bytes_to_detect_codec(start) > start.size())
        return archive_verdict::undecided;
    decoded_start inside = decode_start(start, is_whole, *compressed, archive_magic_bytes, options);
    const bool may_be_empty = may_be_empty_tar(inside.bytes) && may_hold_nothing(name);
    const bool is_compressed = compressions > 1 && !detect_archive(inside.bytes) && detect_codec(inside.bytes);
    if (may_be_empty || is_compressed) // all at once: in steps each compression would multiply them
        inside = decode_start(start, is_whole, *compressed, archive_start_bytes, options);
    const archive_verdict found = judge(inside.bytes, inside.is_whole, name, options, compressions - 1);
    const bool is_seen = inside.is_whole || inside.bytes.size() >= archive_magic_bytes;
    if (found == archive_verdict::archive || (found == archive_verdict::file && is_seen))
        return found;
    if (inside.has_failed) {
        const bool is_told = name.empty() ? *compressed != codec::zlib : names_compressed_tar(name); // texts begin as zlib
        return is_told ? archive_verdict::archive : archive_verdict::file;
    }
    return is_all ? archive_verdict::archive : archive_verdict::undecided;
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

archive_verdict judge_archive(std::span<const std::byte> start, bool is_whole, std::string_view name,
                              const archive_options& options)
{
    const std::uint64_t allowed = compressions_allowed(options);
    // The other way to have nothing to see is to be cut off in front of all that could tell.
    if (is_whole && start.size() < codec_magic_bytes && allowed != 0 && names_compressed_tar(name))
        return archive_verdict::archive;
    return judge(start, is_whole, name, options, allowed);
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
