#pragma once
// What zstd and lz4 have in common: frames with a magic number each, and skippable ones between them.
//
//   skippable:  magic, one of sixteen (4)  size (4)  so many bytes
//
// See RFC 8878, section 3.1.2.

#include "compression/context.hpp"
#include "compression/stream_start.hpp"

namespace weir::codecs {

constexpr std::size_t magic_bytes = 4;

/// By the first `magic_bytes` bytes.
[[nodiscard]] inline std::uint64_t magic_of(std::span<const std::byte> start) noexcept
{
    return little_endian(start.first(magic_bytes));
}

[[nodiscard]] inline bool is_skippable(std::uint64_t magic) noexcept { return (magic & 0xfffffff0) == 0x184d2a50; }

/// Whether less than a magic number could become one of a skippable frame.
[[nodiscard]] inline bool could_be_skippable(std::span<const std::byte> start) noexcept
{
    constexpr std::uint8_t rest[] = {0x2a, 0x4d, 0x18};
    return !start.empty() && (start[0] & std::byte{0xf0}) == std::byte{0x50} && could_be(start.subspan(1), rest);
}

/// Whether the input may end where it does: behind a whole frame. `start` is what there is of the next, `magic` what it
/// would begin with.
/// \throws failure  which says `no_frame` where it was none
[[nodiscard]] inline bool may_end(std::span<const std::byte> start, const std::uint8_t (&magic)[magic_bytes],
                                  bool any_frame, const char* no_frame)
{
    if (start.empty() && any_frame)
        return true;
    if (!could_be(start, magic) && !could_be_skippable(start))
        throw failure{any_frame ? errc::trailing_data : errc::bad_format, no_frame};
    throw failure{errc::truncated, "in the header of a frame"};
}

} // namespace weir::codecs
