// SHA-256 in plain C++, one message: for CPUs without instructions for it, when too few messages are left for lanes.

#include "sha256_kernels.hpp"

#include <bit>

namespace weir::hashing {
namespace {

std::uint32_t load_big_endian(const unsigned char* data)
{
    return std::uint32_t{data[0]} << 24 | std::uint32_t{data[1]} << 16 | std::uint32_t{data[2]} << 8 | data[3];
}

void compress(std::uint32_t* state, const unsigned char* data)
{
    std::uint32_t w[64];
    for (unsigned t = 0; t < 16; ++t)
        w[t] = load_big_endian(data + 4 * t);
    for (unsigned t = 16; t < 64; ++t) {
        const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
        const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    std::uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    std::uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (unsigned t = 0; t < 64; ++t) {
        const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
        const std::uint32_t t1 = h + sum1 + (g ^ (e & (f ^ g))) + sha256_constants[t] + w[t];
        const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
        const std::uint32_t t2 = sum0 + ((a & b) ^ (c & (a ^ b)));
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

} // namespace

void sha256_portable_x1(sha256_lane* const* lanes, std::size_t blocks) noexcept
{
    for (sha256_lane& lane = **lanes; blocks != 0; --blocks, lane.data += sha256_block)
        compress(lane.state, lane.data);
}

} // namespace weir::hashing
