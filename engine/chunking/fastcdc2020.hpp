#pragma once
// FastCDC 2020: the gear hash, its masks, and the search for the first position where it matches a mask.
//
// The gear value h(i) = 2 h(i-1) + G[byte i] is tested against a mask whose highest bit is bit 47, so bytes more than
// 47 before a position have been shifted out of sight. That lets one buffer be searched in three places at a time: a
// lane that starts in the middle has the right low 48 bits after a warm-up over the 48 bytes before.

#include <array>
#include <cstddef>
#include <cstdint>

namespace weir::detail {

struct gear_tables {
    explicit gear_tables(std::uint64_t seed) noexcept;

    std::array<std::uint64_t, 256> once;
    std::array<std::uint64_t, 256> doubled; // 2 * once: two steps of the hash become one shift and two additions
};

/// The unseeded table of the published reference.
[[nodiscard]] const std::array<std::uint64_t, 256>& published_gear() noexcept;

/// The mask that a position must not touch, for `bits` one-bits by the reference's count, 5 to 25.
[[nodiscard]] std::uint64_t fastcdc2020_mask(int bits) noexcept;

/// log2 of `average`, rounded to the nearest whole number.
[[nodiscard]] int rounded_log2(std::size_t average) noexcept;

/// The first position in [0, size) where the gear value has no bit of `mask`; `size` if there is none.
///
/// \param size  even: bytes are taken in pairs, as the reference does
/// \param hash  the gear value before `data[0]`; after a search without success the one after the last byte, exact in
///              its low 48 bits
[[nodiscard]] std::size_t find_gear_cut(const gear_tables& tables, const std::uint8_t* data, std::size_t size,
                                        std::uint64_t mask, std::uint64_t& hash) noexcept;

} // namespace weir::detail
