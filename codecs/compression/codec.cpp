#include <weir/codec.hpp>

#include "compression/stream_start.hpp"

#include <algorithm>
#include <array>

namespace weir {
namespace {

struct description {
    codec which;
    std::string_view name;
    std::string_view suffix;
};

constexpr std::array<description, 8> descriptions = {{
    {codec::identity, "identity", ""},
    {codec::zstd, "zstd", ".zst"},
    {codec::lz4, "lz4", ".lz4"},
    {codec::gzip, "gzip", ".gz"},
    {codec::zlib, "zlib", ".zz"},
    {codec::deflate, "deflate", ".deflate"},
    {codec::xz, "xz", ".xz"},
    {codec::lzma, "lzma", ".lzma"},
}};

constexpr auto every_codec = [] {
    std::array<codec, descriptions.size()> all{};
    std::ranges::transform(descriptions, all.begin(), &description::which);
    return all;
}();
static_assert(std::ranges::is_sorted(every_codec) && every_codec.back() == codec{descriptions.size() - 1},
              "descriptions are found by the codec's number");

struct magic {
    codec which;
    std::string_view bytes;
    unsigned char mask_of_first = 0xff;
};

using namespace std::string_view_literals;
constexpr magic magics[] = {
    {codec::zstd, "\x28\xb5\x2f\xfd"sv},
    {codec::zstd, "\x1e\xb5\x2f\xfd"sv}, // this and 0x22 to 0x27: before 0.8
    {codec::zstd, "\x22\xb5\x2f\xfd"sv, 0xfe},
    {codec::zstd, "\x24\xb5\x2f\xfd"sv, 0xfc},
    {codec::lz4, "\x04\x22\x4d\x18"sv},
    {codec::lz4, "\x02\x21\x4c\x18"sv}, // legacy
    {codec::gzip, "\x1f\x8b"sv},
    {codec::xz, "\xfd\x37\x7a\x58\x5a\x00"sv},
    {codec::zlib, "\x78\x01"sv},
    {codec::zlib, "\x78\x5e"sv},
    {codec::zlib, "\x78\x9c"sv},
    {codec::zlib, "\x78\xda"sv},
};

bool begins_with(std::span<const std::byte> start, const magic& wanted) noexcept
{
    if (start.size() < wanted.bytes.size())
        return false;
    if ((std::to_integer<unsigned>(start[0]) & wanted.mask_of_first) != static_cast<unsigned char>(wanted.bytes[0]))
        return false;
    return std::equal(wanted.bytes.begin() + 1, wanted.bytes.end(), start.begin() + 1,
                      [](char left, std::byte right) { return static_cast<std::byte>(left) == right; });
}

std::optional<codec> by_magic(std::span<const std::byte> start) noexcept
{
    for (const magic& each : magics)
        if (begins_with(start, each))
            return each.which;
    return std::nullopt;
}

constexpr magic skippable{codec::zstd, "\x50\x2a\x4d\x18"sv, 0xf0}; // 0x50 to 0x5f
constexpr std::size_t skippable_head = 8;                               // magic and size

/// Where the first frame lies that is not skippable, or the head of one that is not all there.
std::uint64_t behind_skippable(std::span<const std::byte> start) noexcept
{
    std::uint64_t at = 0;
    while (at < start.size()) {
        const std::span<const std::byte> frame = start.subspan(static_cast<std::size_t>(at));
        if (!begins_with(frame, skippable) || frame.size() < skippable_head)
            break;
        at += skippable_head + codecs::little_endian(frame.subspan(4, 4));
    }
    return at;
}

std::span<const std::byte> looked_at(std::span<const std::byte> start) noexcept
{
    return start.first(std::min(start.size(), codec_start_bytes));
}

} // namespace

std::string_view to_string(codec which) noexcept { return descriptions[static_cast<std::size_t>(which)].name; }

std::optional<codec> parse_codec(std::string_view name) noexcept
{
    for (const description& each : descriptions)
        if (each.name == name)
            return each.which;
    return std::nullopt;
}

std::string_view suffix_of(codec which) noexcept { return descriptions[static_cast<std::size_t>(which)].suffix; }

std::span<const codec> all_codecs() noexcept { return every_codec; }

std::size_t bytes_to_detect_codec(std::span<const std::byte> start) noexcept
{
    start = looked_at(start);
    if (!begins_with(start, skippable))
        return codec_magic_bytes;
    if (start.size() < skippable_head)
        return skippable_head;
    // Of one that is followed by another all is wanted at once: frames may be empty, and thousands.
    const std::uint64_t first = skippable_head + codecs::little_endian(start.subspan(4, 4));
    const bool has_second = first < start.size() && begins_with(start.subspan(static_cast<std::size_t>(first)), skippable);
    return static_cast<std::size_t>(std::min<std::uint64_t>(has_second ? codec_start_bytes : first + skippable_head, codec_start_bytes));
}

std::optional<codec> detect_codec(std::span<const std::byte> start) noexcept
{
    start = looked_at(start);
    if (!begins_with(start, skippable))
        return by_magic(start);
    const std::uint64_t frame = behind_skippable(start);
    const bool is_lz4 = frame < start.size() && by_magic(start.subspan(static_cast<std::size_t>(frame))) == codec::lz4;
    return is_lz4 ? codec::lz4 : codec::zstd;
}

} // namespace weir
