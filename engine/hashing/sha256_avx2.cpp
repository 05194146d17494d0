// SHA-256 of eight messages in AVX2: for CPUs that have it and no SHA instructions.

#include "sha256_kernels.hpp"

#include <immintrin.h>

#include "sha256_vertical.hpp"

namespace weir::hashing {
namespace {

struct words {
    using vector = __m256i;
    static constexpr unsigned lanes = 8;

    static vector load_row(const unsigned char* const* data, unsigned row, unsigned offset)
    {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data[row] + offset));
    }
    static void store_row(sha256_lane* const* lanes, unsigned row, vector value)
    {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes[row]->state), value);
    }
    static vector from_big_endian(vector x)
    {
        const __m256i order =
            _mm256_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203, 0x0c0d0e0f08090a0b, 0x0405060700010203);
        return _mm256_shuffle_epi8(x, order);
    }
    static vector interleave_low_32(vector x, vector y) { return _mm256_unpacklo_epi32(x, y); }
    static vector interleave_high_32(vector x, vector y) { return _mm256_unpackhi_epi32(x, y); }
    static vector interleave_low_64(vector x, vector y) { return _mm256_unpacklo_epi64(x, y); }
    static vector interleave_high_64(vector x, vector y) { return _mm256_unpackhi_epi64(x, y); }
    static vector interleave_low_128(vector x, vector y) { return _mm256_permute2x128_si256(x, y, 0x20); }
    static vector interleave_high_128(vector x, vector y) { return _mm256_permute2x128_si256(x, y, 0x31); }

    static vector broadcast(std::uint32_t x) { return _mm256_set1_epi32(static_cast<int>(x)); }
    static vector add(vector x, vector y) { return _mm256_add_epi32(x, y); }
    static vector xor3(vector x, vector y, vector z) { return _mm256_xor_si256(_mm256_xor_si256(x, y), z); }
    template <int Bits> static vector shift(vector x) { return _mm256_srli_epi32(x, Bits); }
    template <int Bits> static vector rotate(vector x)
    {
        return _mm256_xor_si256(_mm256_srli_epi32(x, Bits), _mm256_slli_epi32(x, 32 - Bits));
    }
    static vector choose(vector e, vector f, vector g)
    {
        return _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)));
    }
    static vector majority(vector a, vector b, vector c)
    {
        return _mm256_xor_si256(b, _mm256_and_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(b, c)));
    }
};

} // namespace

void sha256_avx2_x8(sha256_lane* const* lanes, std::size_t blocks) noexcept { compress_vertical<words>(lanes, blocks); }

} // namespace weir::hashing
