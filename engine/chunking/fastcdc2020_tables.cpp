#include <chunking/fastcdc2020.hpp>

#include <bit>
#include <cassert>

namespace weir::detail {
namespace {

constexpr std::array<std::uint64_t, 256> gear = {
#include <chunking/fastcdc2020_gear.inc>
};

// Wen Xia et al., "The Design of Fast Content-Defined Chunking for Data Deduplication Based Storage Systems", IEEE
// TPDS 31(9), 2020: masks with their ones spread over the upper bits, by number of ones.
constexpr std::array<std::uint64_t, 26> masks = {
    0,
    0,
    0,
    0,
    0,
    0x0000000001804110,
    0x0000000001803110,
    0x0000000018035100,
    0x0000001800035300,
    0x0000019000353000,
    0x0000590003530000,
    0x0000d90003530000,
    0x0000d90103530000,
    0x0000d90303530000,
    0x0000d90313530000,
    0x0000d90f03530000,
    0x0000d90303537000,
    0x0000d90703537000,
    0x0000d90707537000,
    0x0000d91707537000,
    0x0000d91747537000,
    0x0000d91767537000,
    0x0000d93767537000,
    0x0000d93777537000,
    0x0000d93777577000,
    0x0000db3777577000,
};

} // namespace

gear_tables::gear_tables(std::uint64_t seed) noexcept
{
    for (std::size_t byte = 0; byte < gear.size(); ++byte) {
        once[byte] = gear[byte] ^ seed;
        doubled[byte] = once[byte] << 1;
    }
}

const std::array<std::uint64_t, 256>& published_gear() noexcept { return gear; }

std::uint64_t fastcdc2020_mask(int bits) noexcept
{
    assert(bits >= 5 && bits < static_cast<int>(masks.size()));
    return masks[static_cast<std::size_t>(bits)];
}

int rounded_log2(std::size_t average) noexcept
{
    const auto value = static_cast<std::uint64_t>(average);
    const int floor = std::bit_width(value) - 1;
    // The half-way point 2^(floor+1/2) is irrational, so comparing squares decides exactly.
    return value * value > std::uint64_t{1} << (2 * floor + 1) ? floor + 1 : floor;
}

} // namespace weir::detail
