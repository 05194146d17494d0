// weir1 with SSSE3, 64 positions at a time in four vectors. Products are off by a constant, as in weir1_avx2.cpp.

#include <chunking/weir1_kernel.hpp>

#include <tmmintrin.h>

namespace weir::detail {
namespace {

constexpr std::size_t width = 16;
constexpr std::size_t group = 4 * width;
constexpr std::size_t read_ahead = 1024;

struct constants {
    __m128i reduction[5];
    __m128i mask[2];
    __m128i target;
};

struct carry {
    __m128i two, four, eight, sixteen; // values of the windows of these lengths in the vector before
    __m128i value[2];                  // f in the last two vectors
};

unsigned char offset(const weir1_function& function)
{
    unsigned char off = 0;
    for (int level = 0; level < 5; ++level) {
        const unsigned char product =
            static_cast<unsigned char>((off << 1) ^ ((off & 0x80) != 0 ? function.reduction[level] : 0));
        off = static_cast<unsigned char>(off ^ product ^ function.reduction[level]);
    }
    return off;
}

__m128i broadcast(unsigned char byte) { return _mm_set1_epi8(static_cast<char>(byte)); }

constants make_constants(const weir1_function& function, const weir1_mask& mask)
{
    constants made;
    for (int level = 0; level < 5; ++level)
        made.reduction[level] = broadcast(function.reduction[level]);
    for (int i = 0; i < 2; ++i)
        made.mask[i] = broadcast(mask.mask[i]);
    made.target = broadcast(static_cast<unsigned char>(function.target ^ offset(function)));
    return made;
}

inline __m128i load(const std::uint8_t* from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }

inline __m128i plus_times_x(__m128i sum, __m128i factor, __m128i reduction)
{
    const __m128i product = _mm_xor_si128(_mm_add_epi8(factor, factor), _mm_shuffle_epi8(reduction, factor));
    return _mm_xor_si128(sum, product);
}

// Advances by one vector; gives f there.
inline __m128i window_values(const std::uint8_t* data, carry& last, const constants& with)
{
    const __m128i two = plus_times_x(load(data), load(data - 1), with.reduction[0]);
    const __m128i four = plus_times_x(two, _mm_alignr_epi8(two, last.two, 14), with.reduction[1]);
    const __m128i eight = plus_times_x(four, _mm_alignr_epi8(four, last.four, 12), with.reduction[2]);
    const __m128i sixteen = plus_times_x(eight, _mm_alignr_epi8(eight, last.eight, 8), with.reduction[3]);
    const __m128i value = plus_times_x(sixteen, last.sixteen, with.reduction[4]);
    last.two = two;
    last.four = four;
    last.eight = eight;
    last.sixteen = sixteen;
    return value;
}

inline unsigned match(__m128i now, __m128i before, const constants& with)
{
    const __m128i missing = _mm_or_si128(_mm_andnot_si128(_mm_xor_si128(now, before), with.mask[0]),
                                         _mm_andnot_si128(_mm_xor_si128(before, with.target), with.mask[1]));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(missing, _mm_setzero_si128())));
}

// A one for every position of the group at `data` that matches.
inline std::uint64_t matches(const std::uint8_t* data, carry& last, const constants& with)
{
    const __m128i first = window_values(data, last, with);
    const __m128i second = window_values(data + width, last, with);
    const __m128i third = window_values(data + 2 * width, last, with);
    const __m128i fourth = window_values(data + 3 * width, last, with);
    const unsigned low = match(first, last.value[0], with) | match(second, last.value[1], with) << 16;
    const unsigned high = match(third, first, with) | match(fourth, second, with) << 16;
    last.value[0] = third;
    last.value[1] = fourth;
    return static_cast<std::uint64_t>(high) << 32 | low;
}

// The state with which the group at `data` can be tested.
carry warmed_up(const std::uint8_t* data, const constants& with)
{
    const __m128i zero = _mm_setzero_si128();
    carry last{zero, zero, zero, zero, {zero, zero}};
    matches(data - group, last, with);
    return last;
}

} // namespace

std::size_t weir1_search_sse(const std::uint8_t* data, std::size_t size, const weir1_function& function,
                             const weir1_mask& mask)
{
    const constants with = make_constants(function, mask);
    const std::size_t whole = size & ~(group - 1);
    if (whole != 0) {
        carry last = warmed_up(data, with);
        for (std::size_t i = 0; i < whole; i += group) {
            _mm_prefetch(reinterpret_cast<const char*>(data + i) + read_ahead, _MM_HINT_T0);
            if (const std::uint64_t found = matches(data + i, last, with); found != 0) [[unlikely]]
                return i + static_cast<std::size_t>(__builtin_ctzll(found));
        }
    }
    if (whole < size) {
        // The last few positions once more from further back, so that no byte behind the end is read.
        const std::size_t rest = size - whole;
        carry last = warmed_up(data + size - group, with);
        const std::uint64_t found = matches(data + size - group, last, with) >> (group - rest);
        if (found != 0)
            return whole + static_cast<std::size_t>(__builtin_ctzll(found));
    }
    return size;
}

} // namespace weir::detail
