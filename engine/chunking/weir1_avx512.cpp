// weir1 with AVX-512 and GFNI, 64 positions at a time: one multiplication is one instruction.

#include <chunking/weir1_kernel.hpp>

#ifdef WEIR_SIMULATE_AVX512 // tests run this source on any CPU
#    include <simulated_avx512.hpp>
#else
#    include <immintrin.h>
#endif

namespace weir::detail {
namespace {

constexpr std::size_t width = 64;
// Far ahead into the second level, also beyond the cut and the minimum of the next chunk, if that is small: else each
// search would begin with waiting for memory.
constexpr std::size_t read_ahead = 1024;
constexpr std::size_t read_far_ahead = 6144;

struct constants {
    __m512i matrix[5];
    __m512i mask[2];
    __m512i target;
};

struct carry {
    __m512i two, four, eight, sixteen; // values of the windows of these lengths in the vector before
    __m512i before;                    // f in the vector before
};

__m512i broadcast(unsigned char byte) { return _mm512_set1_epi8(static_cast<char>(byte)); }

constants make_constants(const weir1_function& function, const weir1_mask& mask)
{
    constants made;
    for (int level = 0; level < 5; ++level)
        made.matrix[level] = _mm512_set1_epi64(static_cast<long long>(function.matrix[level]));
    for (int i = 0; i < 2; ++i)
        made.mask[i] = broadcast(mask.mask[i]);
    made.target = broadcast(function.target);
    return made;
}

inline __m512i load(const std::uint8_t* from) { return _mm512_loadu_si512(from); }

inline __m512i plus_times_x(__m512i sum, __m512i factor, __m512i matrix)
{
    return _mm512_xor_si512(sum, _mm512_gf2p8affine_epi64_epi8(factor, matrix, 0));
}

// The vector that begins `shift` bytes before `now`.
template <int shift> inline __m512i shifted(__m512i now, __m512i before)
{
    const __m512i lanes = _mm512_alignr_epi64(now, before, 6);
    if constexpr (shift == 16)
        return lanes;
    else
        return _mm512_alignr_epi8(now, lanes, 16 - shift);
}

// Advances by one vector; gives f there.
inline __m512i window_values(const std::uint8_t* data, carry& last, const constants& with)
{
    const __m512i two = plus_times_x(load(data), load(data - 1), with.matrix[0]);
    const __m512i four = plus_times_x(two, shifted<2>(two, last.two), with.matrix[1]);
    const __m512i eight = plus_times_x(four, shifted<4>(four, last.four), with.matrix[2]);
    const __m512i sixteen = plus_times_x(eight, shifted<8>(eight, last.eight), with.matrix[3]);
    const __m512i value = plus_times_x(sixteen, shifted<16>(sixteen, last.sixteen), with.matrix[4]);
    last.two = two;
    last.four = four;
    last.eight = eight;
    last.sixteen = sixteen;
    return value;
}

// A one for every position of the vector at `data` that matches.
inline std::uint64_t matches(const std::uint8_t* data, carry& last, const constants& with)
{
    const __m512i now = window_values(data, last, with);
    const __m512i before = _mm512_alignr_epi64(now, last.before, 4); // 32 positions back
    const __m512i missing = _mm512_or_si512(_mm512_andnot_si512(_mm512_xor_si512(now, before), with.mask[0]),
                                            _mm512_andnot_si512(_mm512_xor_si512(before, with.target), with.mask[1]));
    last.before = now;
    return _mm512_testn_epi8_mask(missing, missing);
}

// The state with which the vector at `data` can be tested.
carry warmed_up(const std::uint8_t* data, const constants& with)
{
    const __m512i zero = _mm512_setzero_si512();
    carry last{zero, zero, zero, zero, zero};
    matches(data - width, last, with);
    return last;
}

} // namespace

std::size_t weir1_search_avx512(const std::uint8_t* data, std::size_t size, const weir1_function& function,
                                const weir1_mask& mask)
{
    const constants with = make_constants(function, mask);
    const std::size_t whole = size & ~(width - 1);
    if (whole != 0) {
        carry last = warmed_up(data, with);
        for (std::size_t i = 0; i < whole; i += width) {
            _mm_prefetch(reinterpret_cast<const char*>(data + i) + read_far_ahead, _MM_HINT_T1);
            _mm_prefetch(reinterpret_cast<const char*>(data + i) + read_ahead, _MM_HINT_T0);
            if (const std::uint64_t found = matches(data + i, last, with); found != 0) [[unlikely]]
                return i + static_cast<std::size_t>(__builtin_ctzll(found));
        }
    }
    if (whole < size) {
        // The last few positions once more from further back, so that no byte behind the end is read.
        const std::size_t rest = size - whole;
        carry last = warmed_up(data + size - width, with);
        const std::uint64_t found = matches(data + size - width, last, with) >> (width - rest);
        if (found != 0)
            return whole + static_cast<std::size_t>(__builtin_ctzll(found));
    }
    return size;
}

} // namespace weir::detail
