// weir1 with AVX2, 64 positions at a time in two vectors.
//
// A product x * a takes two instructions but for the addition: a byte shuffle by a itself gives 0 where the top bit
// is set and the constant elsewhere. So it is off by that constant at every position, and f by one that `offset`
// computes once; f(i) ^ f(i-32) does not see it, and the target of f(i-32) is moved by it.

#include <chunking/weir1_kernel.hpp>

#include <immintrin.h>

namespace weir::detail {
namespace {

constexpr std::size_t width = 32;
constexpr std::size_t group = 2 * width;
constexpr std::size_t read_ahead = 1024;

struct constants {
    __m256i reduction[5];
    __m256i mask[2];
    __m256i target;
};

struct carry {
    __m256i two, four, eight, sixteen; // values of the windows of these lengths in the vector before
    __m256i before;                    // f in the vector before
};

// What f becomes, beyond its true value, when every product is off by its level's constant.
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

__m256i broadcast(unsigned char byte) { return _mm256_set1_epi8(static_cast<char>(byte)); }

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

inline __m256i load(const std::uint8_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }

inline __m256i plus_times_x(__m256i sum, __m256i factor, __m256i reduction)
{
    const __m256i product = _mm256_xor_si256(_mm256_add_epi8(factor, factor), _mm256_shuffle_epi8(reduction, factor));
    return _mm256_xor_si256(sum, product);
}

// The vector that begins `shift` bytes before `now`.
template <int shift> inline __m256i shifted(__m256i now, __m256i before)
{
    const __m256i middle = _mm256_permute2x128_si256(before, now, 0x21);
    if constexpr (shift == 16)
        return middle;
    else
        return _mm256_alignr_epi8(now, middle, 16 - shift);
}

// Advances by one vector; gives f there.
inline __m256i window_values(const std::uint8_t* data, carry& last, const constants& with)
{
    const __m256i two = plus_times_x(load(data), load(data - 1), with.reduction[0]);
    const __m256i four = plus_times_x(two, shifted<2>(two, last.two), with.reduction[1]);
    const __m256i eight = plus_times_x(four, shifted<4>(four, last.four), with.reduction[2]);
    const __m256i sixteen = plus_times_x(eight, shifted<8>(eight, last.eight), with.reduction[3]);
    const __m256i value = plus_times_x(sixteen, shifted<16>(sixteen, last.sixteen), with.reduction[4]);
    last.two = two;
    last.four = four;
    last.eight = eight;
    last.sixteen = sixteen;
    return value;
}

// Zeros where a position matches, of which `before` has f 32 positions earlier.
inline __m256i missing(__m256i now, __m256i before, const constants& with)
{
    return _mm256_or_si256(_mm256_andnot_si256(_mm256_xor_si256(now, before), with.mask[0]),
                           _mm256_andnot_si256(_mm256_xor_si256(before, with.target), with.mask[1]));
}

inline std::uint64_t zeros(__m256i bytes)
{
    return static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256())));
}

// A one for every position of the group at `data` that matches.
inline std::uint64_t matches(const std::uint8_t* data, carry& last, const constants& with)
{
    const __m256i low = window_values(data, last, with);
    const __m256i low_missing = missing(low, last.before, with);
    const __m256i high = window_values(data + width, last, with);
    const __m256i high_missing = missing(high, low, with);
    last.before = high;
    if (zeros(_mm256_min_epu8(low_missing, high_missing)) == 0) [[likely]]
        return 0;
    return zeros(high_missing) << width | zeros(low_missing);
}

// The state with which the group at `data` can be tested.
carry warmed_up(const std::uint8_t* data, const constants& with)
{
    const __m256i zero = _mm256_setzero_si256();
    carry last{zero, zero, zero, zero, zero};
    matches(data - group, last, with);
    return last;
}

} // namespace

std::size_t weir1_search_avx2(const std::uint8_t* data, std::size_t size, const weir1_function& function,
                              const weir1_mask& mask)
{
    for (std::size_t i = 0; i < read_ahead; i += group)
        _mm_prefetch(reinterpret_cast<const char*>(data + i), _MM_HINT_T0);
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
