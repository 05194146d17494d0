#pragma once
// Data for chunkers: random, constant, periodic. Plain loops, so that golden vectors mean the same everywhere.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace test {

using byte_vector = std::vector<std::uint8_t>;

/// `size` bytes of SplitMix64, words in little-endian order.
inline byte_vector splitmix(std::uint64_t seed, std::size_t size)
{
    byte_vector bytes(size);
    std::uint64_t state = seed;
    for (std::size_t i = 0; i < size; i += 8) {
        state += 0x9e3779b97f4a7c15u;
        std::uint64_t z = state;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        for (std::size_t byte = 0; byte < 8 && i + byte < size; ++byte)
            bytes[i + byte] = static_cast<std::uint8_t>(z >> (8 * byte));
    }
    return bytes;
}

/// The first `period` bytes of `splitmix(seed)`, over and over.
inline byte_vector periodic(std::uint64_t seed, std::size_t period, std::size_t size)
{
    const byte_vector once = splitmix(seed, period);
    byte_vector bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = once[i % period];
    return bytes;
}

/// 16 letters in random order: text has few different bytes, and no top bit.
inline byte_vector letters(std::uint64_t seed, std::size_t size)
{
    byte_vector bytes = splitmix(seed, size);
    for (std::uint8_t& byte : bytes)
        byte = static_cast<std::uint8_t>(0x61 + (byte & 15));
    return bytes;
}

/// Random pages among pages of zeros, three of four.
inline byte_vector sparse(std::uint64_t seed, std::size_t size)
{
    byte_vector bytes = splitmix(seed, size);
    const byte_vector choice = splitmix(seed + 1, size / 512 + 8);
    for (std::size_t i = 0; i < size; ++i)
        if ((choice[i / 4096 * 8] & 3) != 0)
            bytes[i] = 0;
    return bytes;
}

} // namespace test
