#include <chunking/fastcdc2020.hpp>

#include <algorithm>

namespace weir::detail {
namespace {

constexpr std::size_t warm_up = 48;
constexpr std::size_t cache_line = 64;
constexpr std::size_t least_segment = 256;
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

// The gear value before data[0], which has `seen` bytes before it that were searched, with `hash` before the first of
// them.
std::uint64_t value_before(const gear_tables& tables, const std::uint8_t* data, std::size_t seen,
                           std::uint64_t hash) noexcept
{
    std::uint64_t h = seen < warm_up ? hash : 0;
    for (const std::uint8_t* byte = data - std::min(seen, warm_up); byte != data; ++byte)
        h = (h << 1) + tables.once[*byte];
    return h;
}

// The first match in three segments of which the first `done` bytes have none.
std::size_t find_in_order(const gear_tables& tables, const std::uint8_t* data, std::size_t segment, std::size_t done,
                          std::uint64_t mask, std::uint64_t& hash) noexcept
{
    const std::uint64_t before = hash;
    for (std::size_t start = done; start < 3 * segment; start += segment) {
        hash = value_before(tables, data + start, start, before);
        const std::size_t found = find_in_one_lane(tables, data + start, segment - done, mask, hash);
        if (found < segment - done)
            return start + found;
    }
    return 3 * segment;
}

// Three segments side by side: the additions of one lane wait for each other, those of different lanes do not. When any
// lane meets a match, the rest of the segments is looked through in order, since an earlier lane may still have one.
std::size_t find_in_three_lanes(const gear_tables& tables, const std::uint8_t* data, std::size_t segment,
                                std::uint64_t mask, std::uint64_t& hash) noexcept
{
    const std::uint64_t even_mask = mask << 1;
    const std::uint8_t* const second = data + segment;
    const std::uint8_t* const third = second + segment;
    std::uint64_t h1 = hash;
    std::uint64_t h2 = value_before(tables, second, segment, 0);
    std::uint64_t h3 = value_before(tables, third, segment, 0);
    const auto pair_matches = [&](std::uint64_t& h, const std::uint8_t* pair) {
        h = (h << 2) + tables.doubled[pair[0]];
        if ((h & even_mask) == 0) [[unlikely]]
            return true;
        h += tables.once[pair[1]];
        return (h & mask) == 0;
    };
    const auto line_matches = [&](std::size_t line) {
        for (std::size_t i = line; i < line + cache_line; i += 4)
            if (pair_matches(h1, data + i) || pair_matches(h2, second + i) || pair_matches(h3, third + i) ||
                pair_matches(h1, data + i + 2) || pair_matches(h2, second + i + 2) || pair_matches(h3, third + i + 2))
                [[unlikely]]
                return true;
        return false;
    };
    std::size_t i = 0;
    for (; i < segment; i += cache_line) {
        // Three short streams are more than the CPU's own prefetching follows.
        for (const std::uint8_t* lane : {data, second, third})
            __builtin_prefetch(lane + i + 3 * segment);
        if (line_matches(i)) [[unlikely]]
            break;
    }
    if (i == segment) {
        hash = h3;
        return 3 * segment;
    }
    return find_in_order(tables, data, segment, i, mask, hash);
}

} // namespace

std::size_t find_gear_cut(const gear_tables& tables, const std::uint8_t* data, std::size_t size, std::uint64_t mask,
                          std::uint64_t& hash) noexcept
{
    std::size_t done = 0;
    while (size - done >= 3 * least_segment) {
        const std::size_t segment = std::min(largest_segment, (size - done) / 3) & ~(cache_line - 1);
        const std::size_t found = find_in_three_lanes(tables, data + done, segment, mask, hash);
        if (found < 3 * segment)
            return done + found;
        done += 3 * segment;
    }
    return done + find_in_one_lane(tables, data + done, size - done, mask, hash);
}

} // namespace weir::detail
