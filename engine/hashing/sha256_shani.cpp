// SHA-256 by the SHA instructions of x86-64, one to three messages interleaved.
//
// A message alone waits for the latency of its own rounds; a second and a third fill the gaps. How many pay depends
// on the CPU: two on Intel's (the unit is saturated), three on AMD's. Four spill more than they fill.
// Three are in assembly where they can be, in sha256_shani_x3.S.

#include "sha256_kernels.hpp"

#include <cstddef>
#include <immintrin.h>

#if WEIR_HAVE_SHA256_ASSEMBLY
extern "C" void weir_sha256_shani_x3(weir::hashing::sha256_lane* const* lanes, std::size_t blocks,
                                     const std::uint32_t* constants) noexcept;
#endif

namespace weir::hashing {
namespace {

/// Four words of the schedule from the sixteen before them; `w0` holds the oldest four.
inline __m128i schedule(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
    const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
    return _mm_sha256msg2_epu32(sum, w3);
}

/// The instructions want the eight words of the state as (f e b a) and (h g d c).
inline void load_state(const std::uint32_t* state, __m128i& abef, __m128i& cdgh)
{
    const __m128i abcd = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state));
    const __m128i efgh = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state + 4));
    const __m128i badc = _mm_shuffle_epi32(abcd, 0xb1);
    const __m128i hgfe = _mm_shuffle_epi32(efgh, 0x1b);
    abef = _mm_alignr_epi8(badc, hgfe, 8);
    cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
}

inline void store_state(std::uint32_t* state, __m128i abef, __m128i cdgh)
{
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

template <unsigned Lanes> inline void compress(sha256_lane* const* lanes, std::size_t blocks) noexcept
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    const auto* constants = reinterpret_cast<const __m128i*>(sha256_constants);
    __m128i abef[Lanes], cdgh[Lanes];
    const unsigned char* data[Lanes];
    for (unsigned lane = 0; lane < Lanes; ++lane) {
        load_state(lanes[lane]->state, abef[lane], cdgh[lane]);
        data[lane] = lanes[lane]->data;
    }
    for (; blocks != 0; --blocks) {
        __m128i before_abef[Lanes], before_cdgh[Lanes], words[Lanes][4];
        for (unsigned lane = 0; lane < Lanes; ++lane) {
            before_abef[lane] = abef[lane];
            before_cdgh[lane] = cdgh[lane];
        }
#pragma GCC unroll 16
        for (unsigned step = 0; step < 16; ++step) {
            const unsigned now = step % 4;
#pragma GCC unroll 4
            for (unsigned lane = 0; lane < Lanes; ++lane) {
                __m128i* w = words[lane];
                if (step < 4) {
                    const auto* block = reinterpret_cast<const __m128i*>(data[lane]);
                    w[now] = _mm_shuffle_epi8(_mm_loadu_si128(block + step), big_endian);
                }
                else
                    w[now] = schedule(w[now], w[(now + 1) % 4], w[(now + 2) % 4], w[(now + 3) % 4]);
                const __m128i input = _mm_add_epi32(w[now], constants[step]);
                cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], input);
                abef[lane] = _mm_sha256rnds2_epu32(abef[lane], cdgh[lane], _mm_shuffle_epi32(input, 0x0e));
            }
        }
        for (unsigned lane = 0; lane < Lanes; ++lane) {
            abef[lane] = _mm_add_epi32(abef[lane], before_abef[lane]);
            cdgh[lane] = _mm_add_epi32(cdgh[lane], before_cdgh[lane]);
            data[lane] += sha256_block;
        }
    }
    for (unsigned lane = 0; lane < Lanes; ++lane) {
        store_state(lanes[lane]->state, abef[lane], cdgh[lane]);
        lanes[lane]->data = data[lane];
    }
}

} // namespace

void sha256_shani_x1(sha256_lane* const* lanes, std::size_t blocks) noexcept { compress<1>(lanes, blocks); }
void sha256_shani_x2(sha256_lane* const* lanes, std::size_t blocks) noexcept { compress<2>(lanes, blocks); }

#if WEIR_HAVE_SHA256_ASSEMBLY
void sha256_shani_x3(sha256_lane* const* lanes, std::size_t blocks) noexcept
{
    static_assert(offsetof(sha256_lane, state) == 0 && offsetof(sha256_lane, data) == 32, "sha256_shani_x3.S");
    weir_sha256_shani_x3(lanes, blocks, sha256_constants);
}
#else
// Only where there is no ELF or pointers have 32 bits: macOS, Windows, x32.
void sha256_shani_x3(sha256_lane* const* lanes, std::size_t blocks) noexcept { compress<3>(lanes, blocks); }
#endif

} // namespace weir::hashing
