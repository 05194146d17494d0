#pragma once
// FastCDC 2020 by its rule, a byte at a time over the whole input.

#include <weir/chunker.hpp>

#include <chunking/fastcdc2020.hpp>

#include <algorithm>
#include <span>
#include <vector>

namespace test {

inline std::vector<std::uint64_t> cut_by_rule_of_fastcdc2020(const weir::chunker_options& unresolved,
                                                             std::span<const std::uint8_t> data)
{
    using namespace weir::detail;
    const weir::chunker_options options = resolve(unresolved);
    const int bits = rounded_log2(options.average);
    const std::uint64_t strict = fastcdc2020_mask(bits + options.normalization);
    const std::uint64_t loose = fastcdc2020_mask(bits - options.normalization);
    std::vector<std::uint64_t> ends;
    for (std::size_t start = 0; start < data.size();) {
        const std::size_t remaining = data.size() - start;
        const std::size_t most = std::min(remaining, options.max);
        const std::size_t centre = std::min(options.average, most);
        std::size_t length = most;
        std::uint64_t hash = 0;
        if (remaining > options.min)
            for (std::size_t i = options.min / 2 * 2; i < most / 2 * 2; ++i) {
                hash = (hash << 1) + (published_gear()[data[start + i]] ^ options.seed);
                if ((hash & (i < centre / 2 * 2 ? strict : loose)) == 0) {
                    length = i;
                    break;
                }
            }
        start += length;
        ends.push_back(start);
    }
    return ends;
}

} // namespace test
