#include <chunking/fastcdc2020.hpp>

#include <algorithm>

namespace weir::detail {
namespace {

constexpr std::size_t warm_up = 48;
constexpr std::size_t least_segment = 512;
constexpr std::size_t largest_segment = 2048;

// Two bytes in one step. The even byte's value stands one bit further left, as does the mask it is tested with; both
// tests come out as in a loop over single bytes, since bits 47 and 48 are far from the top.
std::size_t find_in_one_lane(const gear_tables& tables, const std::uint8_t* data, std::size_t size, std::uint64_t mask,
                             std::uint64_t& hash) noexcept
{
    const std::uint64_t even_mask = mask << 1;
    std::uint64_t h = hash;
    for (std::size_t i = 0; i < size; i += 2) {
        h = (h << 2) + tables.doubled[data[i]];
        if ((h & even_mask) == 0)
            return i;
        h += tables.once[data[i + 1]];
        if ((h & mask) == 0)
            return i + 1;
    }
    hash = h;
    return size;
}

std::uint64_t warmed_up(const gear_tables& tables, const std::uint8_t* data) noexcept
{
    std::uint64_t h = 0;
    for (const std::uint8_t* byte = data - warm_up; byte != data; ++byte)
        h = (h << 1) + tables.once[*byte];
    return h;
}

struct lane {
    const std::uint8_t* data;
    std::uint64_t hash;

    bool step(const gear_tables& tables, std::size_t i, std::uint64_t mask, std::uint64_t even_mask) noexcept
    {
        const std::uint64_t even = (hash << 2) + tables.doubled[data[i]];
        const std::uint64_t odd = even + tables.once[data[i + 1]];
        if ((even & even_mask) == 0 || (odd & mask) == 0) [[unlikely]]
            return false;
        hash = odd;
        return true;
    }
};

// Three segments side by side: the additions of one lane wait for each other, those of different lanes do not. When any
// lane meets a match, the rest of the segments is looked through in order, since an earlier lane may still have one.
std::size_t find_in_three_lanes(const gear_tables& tables, const std::uint8_t* data, std::size_t segment,
                                std::uint64_t mask, std::uint64_t& hash) noexcept
{
    const std::uint64_t even_mask = mask << 1;
    lane first{data, hash};
    lane second{data + segment, warmed_up(tables, data + segment)};
    lane third{data + 2 * segment, warmed_up(tables, data + 2 * segment)};
    std::size_t i = 0;
    while (i < segment) {
        lane next_first = first, next_second = second, next_third = third;
        if (!next_first.step(tables, i, mask, even_mask) || !next_second.step(tables, i, mask, even_mask) ||
            !next_third.step(tables, i, mask, even_mask)) [[unlikely]]
            break;
        first.hash = next_first.hash;
        second.hash = next_second.hash;
        third.hash = next_third.hash;
        i += 2;
    }
    for (lane* each : {&first, &second, &third}) {
        const std::size_t found = find_in_one_lane(tables, each->data + i, segment - i, mask, each->hash);
        if (found < segment - i)
            return static_cast<std::size_t>(each->data - data) + i + found;
    }
    hash = third.hash;
    return 3 * segment;
}

} // namespace

std::size_t find_gear_cut(const gear_tables& tables, const std::uint8_t* data, std::size_t size, std::uint64_t mask,
                          std::uint64_t& hash) noexcept
{
    std::size_t done = 0;
    while (size - done >= 3 * least_segment) {
        const std::size_t segment = std::min(largest_segment, (size - done) / 3) & ~std::size_t{1};
        const std::size_t found = find_in_three_lanes(tables, data + done, segment, mask, hash);
        if (found < 3 * segment)
            return done + found;
        done += 3 * segment;
    }
    return done + find_in_one_lane(tables, data + done, size - done, mask, hash);
}

} // namespace weir::detail
