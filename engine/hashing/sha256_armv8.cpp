// SHA-256 by the cryptographic extension of ARMv8, one to four messages interleaved (see sha256_shani.cpp).

#include "sha256_kernels.hpp"

#include <arm_neon.h>

namespace weir::hashing {
namespace {

template <unsigned Lanes> inline void compress(sha256_lane* const* lanes, std::size_t blocks) noexcept
{
    uint32x4_t abcd[Lanes], efgh[Lanes];
    const unsigned char* data[Lanes];
    for (unsigned lane = 0; lane < Lanes; ++lane) {
        abcd[lane] = vld1q_u32(lanes[lane]->state);
        efgh[lane] = vld1q_u32(lanes[lane]->state + 4);
        data[lane] = lanes[lane]->data;
    }
    for (; blocks != 0; --blocks) {
        uint32x4_t before_abcd[Lanes], before_efgh[Lanes], words[Lanes][4];
        for (unsigned lane = 0; lane < Lanes; ++lane) {
            before_abcd[lane] = abcd[lane];
            before_efgh[lane] = efgh[lane];
        }
#pragma GCC unroll 16
        for (unsigned step = 0; step < 16; ++step) {
            const unsigned now = step % 4;
#pragma GCC unroll 4
            for (unsigned lane = 0; lane < Lanes; ++lane) {
                uint32x4_t* w = words[lane];
                if (step < 4)
                    w[now] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data[lane] + 16 * step)));
                else
                    w[now] =
                        vsha256su1q_u32(vsha256su0q_u32(w[now], w[(now + 1) % 4]), w[(now + 2) % 4], w[(now + 3) % 4]);
                const uint32x4_t input = vaddq_u32(w[now], vld1q_u32(sha256_constants + 4 * step));
                const uint32x4_t old = abcd[lane];
                abcd[lane] = vsha256hq_u32(old, efgh[lane], input);
                efgh[lane] = vsha256h2q_u32(efgh[lane], old, input);
            }
        }
        for (unsigned lane = 0; lane < Lanes; ++lane) {
            abcd[lane] = vaddq_u32(abcd[lane], before_abcd[lane]);
            efgh[lane] = vaddq_u32(efgh[lane], before_efgh[lane]);
            data[lane] += sha256_block;
        }
    }
    for (unsigned lane = 0; lane < Lanes; ++lane) {
        vst1q_u32(lanes[lane]->state, abcd[lane]);
        vst1q_u32(lanes[lane]->state + 4, efgh[lane]);
        lanes[lane]->data = data[lane];
    }
}

} // namespace

void sha256_armv8_x1(sha256_lane* const* lanes, std::size_t blocks) noexcept { compress<1>(lanes, blocks); }
void sha256_armv8_x2(sha256_lane* const* lanes, std::size_t blocks) noexcept { compress<2>(lanes, blocks); }
void sha256_armv8_x3(sha256_lane* const* lanes, std::size_t blocks) noexcept { compress<3>(lanes, blocks); }
void sha256_armv8_x4(sha256_lane* const* lanes, std::size_t blocks) noexcept { compress<4>(lanes, blocks); }

} // namespace weir::hashing
