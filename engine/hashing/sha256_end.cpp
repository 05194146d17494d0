#include "sha256_end.hpp"

#include <cstddef>
#include <cstring>

namespace weir::hashing {

std::size_t sha256_pad(unsigned char* end, std::uint64_t size) noexcept
{
    constexpr std::size_t length_bytes = 8;
    const std::size_t rest = size % sha256_block;
    const std::size_t blocks = rest + 1 + length_bytes <= sha256_block ? 1 : 2;
    unsigned char* const behind = end + blocks * sha256_block;
    end[rest] = 0x80;
    std::memset(end + rest + 1, 0, static_cast<std::size_t>(behind - end) - rest - 1);
    std::uint64_t bits = size * 8;
    for (std::size_t i = 1; i <= length_bytes; ++i, bits >>= 8)
        *(behind - i) = static_cast<unsigned char>(bits);
    return blocks;
}

digest sha256_digest(const std::uint32_t* state) noexcept
{
    std::byte bytes[32];
    for (unsigned i = 0; i < sizeof bytes; ++i)
        bytes[i] = static_cast<std::byte>(state[i / 4] >> (24 - i % 4 * 8));
    return digest(bytes);
}

} // namespace weir::hashing
