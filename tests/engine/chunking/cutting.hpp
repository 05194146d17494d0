#pragma once
// Ways to run a chunker over a whole input.

#include <weir/chunker.hpp>

#include <algorithm>
#include <random>
#include <span>
#include <vector>

namespace test {

using ends_vector = std::vector<std::uint64_t>;

inline ends_vector cut(weir::chunker& chunker, std::span<const std::uint8_t> data)
{
    ends_vector ends;
    chunker.push(std::as_bytes(data), ends);
    chunker.finish(ends);
    return ends;
}

inline ends_vector cut(const weir::chunker_options& options, std::span<const std::uint8_t> data,
                       weir::cpu_level level = weir::active_cpu_level())
{
    weir::chunker chunker(options, level);
    return cut(chunker, data);
}

/// In pieces whose sizes `next_size` gives.
template <typename NextSize>
ends_vector cut_in_pieces(weir::chunker& chunker, std::span<const std::uint8_t> data, NextSize next_size)
{
    ends_vector ends;
    while (!data.empty()) {
        const std::size_t size = std::min<std::size_t>(data.size(), next_size());
        chunker.push(std::as_bytes(data.first(size)), ends);
        data = data.subspan(size);
    }
    chunker.finish(ends);
    return ends;
}

/// FNV-1a, 64 bits, over the ends as little-endian words of eight bytes.
inline std::uint64_t checksum(const ends_vector& ends)
{
    std::uint64_t sum = 0xcbf29ce484222325u;
    for (const std::uint64_t end : ends)
        for (int byte = 0; byte < 8; ++byte)
            sum = (sum ^ (end >> (8 * byte) & 0xff)) * 0x100000001b3u;
    return sum;
}

} // namespace test
