#pragma once
// Bytes of a hole, shared by all.

#include <weir/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace weir::detail {

inline constexpr std::array<std::byte, std::size_t{256} << 10> zero_bytes{};

inline void append_zeros(std::size_t count, bytes& out)
{
    while (count > 0) {
        const std::span<const std::byte> part = std::span(zero_bytes).first(std::min(count, zero_bytes.size()));
        out.append(slice::adopt(part, nullptr));
        count -= part.size();
    }
}

} // namespace weir::detail
