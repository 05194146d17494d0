// SHA-256 of sixteen messages in AVX-512. A test compiles this source against an emulation of the instructions, so
// that its logic is checked on CPUs that lack them.

#include "sha256_kernels.hpp"

#if !defined(SIMDE_X86_AVX512_H)
#    include <immintrin.h>
#endif

#include "sha256_vertical.hpp"

namespace weir::hashing {
namespace {

struct words {
    using vector = __m512i;
    static constexpr unsigned lanes = 16;

    static vector load_row(const unsigned char* const* data, unsigned row, unsigned offset)
    {
        const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data[row] + offset));
        const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data[row + 8] + offset));
        return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
    static void store_row(sha256_lane* const* lanes, unsigned row, vector value)
    {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes[row]->state), _mm512_castsi512_si256(value));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes[row + 8]->state), _mm512_extracti64x4_epi64(value, 1));
    }
    static vector from_big_endian(vector x)
    {
        const __m512i order =
            _mm512_set_epi64(0x0c0d0e0f08090a0b, 0x0405060700010203, 0x0c0d0e0f08090a0b, 0x0405060700010203,
                             0x0c0d0e0f08090a0b, 0x0405060700010203, 0x0c0d0e0f08090a0b, 0x0405060700010203);
        return _mm512_shuffle_epi8(x, order);
    }
    static vector interleave_low_32(vector x, vector y) { return _mm512_unpacklo_epi32(x, y); }
    static vector interleave_high_32(vector x, vector y) { return _mm512_unpackhi_epi32(x, y); }
    static vector interleave_low_64(vector x, vector y) { return _mm512_unpacklo_epi64(x, y); }
    static vector interleave_high_64(vector x, vector y) { return _mm512_unpackhi_epi64(x, y); }
    static vector interleave_low_128(vector x, vector y)
    {
        return _mm512_permutex2var_epi64(x, _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0), y);
    }
    static vector interleave_high_128(vector x, vector y)
    {
        return _mm512_permutex2var_epi64(x, _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2), y);
    }

    static vector broadcast(std::uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
    static vector add(vector x, vector y) { return _mm512_add_epi32(x, y); }
    template <int Bits> static vector shift(vector x) { return _mm512_srli_epi32(x, Bits); }
    template <int Bits> static vector rotate(vector x) { return _mm512_ror_epi32(x, Bits); }
    // The third argument is the function's truth table, read from the bits of all three.
    static vector xor3(vector x, vector y, vector z) { return _mm512_ternarylogic_epi32(x, y, z, 0x96); }
    static vector choose(vector e, vector f, vector g) { return _mm512_ternarylogic_epi32(e, f, g, 0xca); }
    static vector majority(vector a, vector b, vector c) { return _mm512_ternarylogic_epi32(a, b, c, 0xe8); }
};

} // namespace

void sha256_avx512_x16(sha256_lane* const* lanes, std::size_t blocks) noexcept
{
    compress_vertical<words>(lanes, blocks);
}

} // namespace weir::hashing
