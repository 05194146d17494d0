#include <chunking/fastcdc2020.hpp>

#include <algorithm>

namespace weir::detail {
namespace {

constexpr std::size_t hash_warm_up = 48;
constexpr std::size_t step = 16;
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
    std::uint64_t h = seen < hash_warm_up ? hash : 0;
    for (const std::uint8_t* byte = data - std::min(seen, hash_warm_up); byte != data; ++byte)
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

// Three segments side by side: the additions of one lane wait for each other, those of different lanes do not. Gives
// how far all of them came without a match, at least to the last multiple of a step before one.
// Not inlined: nothing but this loop shall ask for registers.
[[gnu::noinline]] std::size_t run_lanes(const gear_tables& tables, const std::uint8_t* data, std::size_t segment,
                                        std::uint64_t mask, std::uint64_t (&hashes)[3]) noexcept
{
    const std::uint64_t even_mask = mask << 1;
    std::uint64_t h1 = hashes[0];
    std::uint64_t h2 = hashes[1];
    std::uint64_t h3 = hashes[2];
    const auto pair_matches = [&](std::uint64_t& h, const std::uint8_t* pair) {
        h = (h << 2) + tables.doubled[pair[0]];
        if ((h & even_mask) == 0) [[unlikely]]
            return true;
        h += tables.once[pair[1]];
        return (h & mask) == 0;
    };
    const std::uint8_t* const end = data + segment;
    const std::uint8_t* at = data;
    for (; at != end; at += step) {
        // Three short streams are more than the CPU's own prefetching follows.
        __builtin_prefetch(at + 3 * segment);
        __builtin_prefetch(at + 4 * segment);
        __builtin_prefetch(at + 5 * segment);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < step; i += 2)
            if (pair_matches(h1, at + i) || pair_matches(h2, at + segment + i)
                || pair_matches(h3, at + 2 * segment + i)) [[unlikely]]
                return static_cast<std::size_t>(at - data);
    }
    hashes[2] = h3;
    return segment;
}

std::size_t find_in_three_lanes(const gear_tables& tables, const std::uint8_t* data, std::size_t segment,
                                std::uint64_t mask, std::uint64_t& hash) noexcept
{
    std::uint64_t hashes[3] = {hash, value_before(tables, data + segment, segment, 0),
                               value_before(tables, data + 2 * segment, segment, 0)};
    const std::size_t done = run_lanes(tables, data, segment, mask, hashes);
    // The match may be a later lane's, with one of an earlier lane still to come.
    if (done < segment)
        return find_in_order(tables, data, segment, done, mask, hash);
    hash = hashes[2];
    return 3 * segment;
}

} // namespace

std::size_t find_gear_cut(const gear_tables& tables, const std::uint8_t* data, std::size_t size, std::uint64_t mask,
                          std::uint64_t& hash) noexcept
{
    std::size_t done = 0;
    while (size - done >= 3 * least_segment) {
        const std::size_t segment = std::min(largest_segment, (size - done) / 3) & ~(step - 1);
        const std::size_t found = find_in_three_lanes(tables, data + done, segment, mask, hash);
        if (found < 3 * segment)
            return done + found;
        done += 3 * segment;
    }
    return done + find_in_one_lane(tables, data + done, size - done, mask, hash);
}

} // namespace weir::detail
