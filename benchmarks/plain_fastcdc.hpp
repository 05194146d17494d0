#pragma once
// The peer of the chunkers: FastCDC 2020 as its paper and its ports write it.

#include <chunking/fastcdc2020.hpp>

#include <weir/chunker.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bench {

using ends_vector = std::vector<std::uint64_t>;

// What everybody has: one hash, two bytes per step.
inline void cut_plainly(const weir::detail::gear_tables& tables, const weir::chunker_options& options, std::span<const std::uint8_t> data,
                 ends_vector& ends)
{
    const int bits = weir::detail::rounded_log2(options.average);
    const std::uint64_t strict = weir::detail::fastcdc2020_mask(bits + options.normalization);
    const std::uint64_t loose = weir::detail::fastcdc2020_mask(bits - options.normalization);
    const auto length_at = [&](const std::uint8_t* chunk, std::size_t remaining) {
        if (remaining <= options.min)
            return remaining;
        const std::size_t most = std::min(remaining, options.max);
        const std::size_t centre = std::min(options.average, most) / 2 * 2;
        std::uint64_t hash = 0;
        std::size_t i = options.min / 2 * 2;
        const auto scan = [&](std::size_t end, std::uint64_t mask) {
            for (; i < end; i += 2) {
                hash = (hash << 2) + tables.doubled[chunk[i]];
                if ((hash & mask << 1) == 0)
                    return true;
                hash += tables.once[chunk[i + 1]];
                if ((hash & mask) == 0) {
                    ++i;
                    return true;
                }
            }
            return false;
        };
        return scan(centre, strict) || scan(most / 2 * 2, loose) ? i : most;
    };
    for (std::size_t start = 0; start < data.size(); start = ends.back())
        ends.push_back(start + length_at(data.data() + start, data.size() - start));
}

} // namespace bench
