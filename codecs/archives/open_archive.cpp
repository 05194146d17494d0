#include <weir/open_archive.hpp>

#include "archives/tar_archive.hpp"
#include "archives/tar_block.hpp"
#include "archives/zip_archive.hpp"
#include "archives/zip_format.hpp"
#include "archives/zip_stream.hpp"
#include "streams/decoding_ahead.hpp"
#include "streams/peeked_source.hpp"

#include <weir/as_result.hpp>
#include <weir/decoder.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>

#include <algorithm>
#include <array>
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
    bool is_decoded = false;
};

bool names_compressed_tar(std::string_view name)
{
    constexpr std::string_view endings[] = {".tgz", ".taz", ".tzst", ".txz", ".tlz", ".tlz4"};
    if (std::ranges::any_of(endings, [&](std::string_view ending) { return name.ends_with(ending); }))
        return true;
    const std::size_t suffix = name.rfind('.');
    return suffix != name.npos && name.substr(0, suffix).ends_with(".tar");
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
    const std::span<const std::byte> start = co_await whole->look(archive_magic_bytes);
    const std::optional<archive_format> format = detect_archive(start);
    const bool is_tar = format == archive_format::tar || may_be_empty_tar(start);
    const std::optional<codec> compressed =
        detect_codec(start.first(std::min(start.size(), codec_magic_bytes)));
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
    if (from.is_decoded)
        refuse_input(errc::unsupported_format, whole->name(), "it is compressed twice");
    std::unique_ptr<source> decoded = decode(owner, std::move(whole), *compressed, options);
    origin inside;
    inside.is_decoded = true;
    std::unique_ptr<archive> out =
        co_await open_input(owner, std::move(decoded), std::move(options), std::move(inside));
    co_return out;
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
    if (detect_archive(start))
        return true;
    const std::optional<codec> compressed = detect_codec(start.first(std::min(start.size(), codec_magic_bytes)));
    if (!compressed)
        return false;
    std::array<std::byte, archive_magic_bytes> decoded;
    std::size_t count = 0;
    bool wants_more = false;
    try {
        decoder reader(*compressed, settings_for(*compressed, options.decoder),
                       options.contexts ? *options.contexts : codec_pool::common());
        reader.push(start);
        while (count < decoded.size()) {
            const std::size_t more = reader.pull(std::span(decoded).subspan(count));
            count += more;
            if (more == 0)
                break;
        }
        wants_more = count < decoded.size() && !reader.ended() && start.size() >= archive_start_bytes;
    }
    catch (const error&) { // a file like any other
    }
    return detect_archive(std::span(decoded).first(count)) || (wants_more && names_compressed_tar(name));
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
