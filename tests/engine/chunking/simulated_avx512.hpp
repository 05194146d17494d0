#pragma once
// AVX-512 and GFNI in plain code, by SIMDe, for the kernels' sources on CPUs that have neither. What its version in
// Debian 12 lacks is added here.

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/gfni.h>

#include <cstdint>
#include <cstring>

#ifndef _mm512_alignr_epi64
// Words `shift` to `shift` + 7 of `low` followed by `high`.
inline simde__m512i simulated_alignr_epi64(simde__m512i high, simde__m512i low, int shift)
{
    std::uint64_t words[16];
    std::memcpy(words, &low, 64);
    std::memcpy(words + 8, &high, 64);
    simde__m512i result;
    std::memcpy(&result, words + shift, 64);
    return result;
}
#    define _mm512_alignr_epi64(high, low, shift) simulated_alignr_epi64(high, low, shift)
#endif

#ifndef _mm512_alignr_epi8
// The same for bytes, in each 16 bytes apart.
inline simde__m512i simulated_alignr_epi8(simde__m512i high, simde__m512i low, int shift)
{
    std::uint8_t highs[64], lows[64], both[32];
    std::memcpy(highs, &high, 64);
    std::memcpy(lows, &low, 64);
    for (int lane = 0; lane < 64; lane += 16) {
        std::memcpy(both, lows + lane, 16);
        std::memcpy(both + 16, highs + lane, 16);
        std::memcpy(lows + lane, both + shift, 16);
    }
    simde__m512i result;
    std::memcpy(&result, lows, 64);
    return result;
}
#    define _mm512_alignr_epi8(high, low, shift) simulated_alignr_epi8(high, low, shift)
#endif

#ifndef _mm512_testn_epi8_mask
inline std::uint64_t simulated_testn_epi8_mask(simde__m512i a, simde__m512i b)
{
    std::uint8_t left[64], right[64];
    std::memcpy(left, &a, 64);
    std::memcpy(right, &b, 64);
    std::uint64_t mask = 0;
    for (int i = 0; i < 64; ++i)
        mask |= static_cast<std::uint64_t>((left[i] & right[i]) == 0) << i;
    return mask;
}
#    define _mm512_testn_epi8_mask(a, b) simulated_testn_epi8_mask(a, b)
#endif
