// weir1 with NEON, 64 positions at a time in four vectors.

#include <chunking/weir1_kernel.hpp>

#include <arm_neon.h>

namespace weir::detail {
namespace {

constexpr std::size_t width = 16;
constexpr std::size_t group = 4 * width;
constexpr std::size_t read_ahead = 1024;

struct constants {
    uint8x16_t reduction[5];
    uint8x16_t mask[2];
    uint8x16_t target;
};

struct carry {
    uint8x16_t two, four, eight, sixteen; // values of the windows of these lengths in the vector before
    uint8x16_t value[2];                  // f in the last two vectors
};

constants make_constants(const weir1_function& function, const weir1_mask& mask)
{
    constants made;
    for (int level = 0; level < 5; ++level)
        made.reduction[level] = vdupq_n_u8(function.reduction[level]);
    for (int i = 0; i < 2; ++i)
        made.mask[i] = vdupq_n_u8(mask.mask[i]);
    made.target = vdupq_n_u8(function.target);
    return made;
}

inline uint8x16_t plus_times_x(uint8x16_t sum, uint8x16_t factor, uint8x16_t reduction)
{
    const uint8x16_t top_set = vcltzq_s8(vreinterpretq_s8_u8(factor));
    return veorq_u8(sum, veorq_u8(vaddq_u8(factor, factor), vandq_u8(top_set, reduction)));
}

// Advances by one vector; gives f there.
inline uint8x16_t window_values(const std::uint8_t* data, carry& last, const constants& with)
{
    const uint8x16_t two = plus_times_x(vld1q_u8(data), vld1q_u8(data - 1), with.reduction[0]);
    const uint8x16_t four = plus_times_x(two, vextq_u8(last.two, two, 14), with.reduction[1]);
    const uint8x16_t eight = plus_times_x(four, vextq_u8(last.four, four, 12), with.reduction[2]);
    const uint8x16_t sixteen = plus_times_x(eight, vextq_u8(last.eight, eight, 8), with.reduction[3]);
    const uint8x16_t value = plus_times_x(sixteen, last.sixteen, with.reduction[4]);
    last.two = two;
    last.four = four;
    last.eight = eight;
    last.sixteen = sixteen;
    return value;
}

// Bytes of ones where a position matches, else of zeros.
inline uint8x16_t match(uint8x16_t now, uint8x16_t before, const constants& with)
{
    const uint8x16_t missing =
        vorrq_u8(vbicq_u8(with.mask[0], veorq_u8(now, before)), vbicq_u8(with.mask[1], veorq_u8(before, with.target)));
    return vceqzq_u8(missing);
}

struct group_matches {
    uint8x16_t part[4];
};

inline group_matches matches(const std::uint8_t* data, carry& last, const constants& with)
{
    const uint8x16_t first = window_values(data, last, with);
    const uint8x16_t second = window_values(data + width, last, with);
    const uint8x16_t third = window_values(data + 2 * width, last, with);
    const uint8x16_t fourth = window_values(data + 3 * width, last, with);
    const group_matches found{{match(first, last.value[0], with), match(second, last.value[1], with),
                               match(third, first, with), match(fourth, second, with)}};
    last.value[0] = third;
    last.value[1] = fourth;
    return found;
}

inline bool any(const group_matches& found)
{
    const uint8x16_t all = vorrq_u8(vorrq_u8(found.part[0], found.part[1]), vorrq_u8(found.part[2], found.part[3]));
    return vmaxvq_u32(vreinterpretq_u32_u8(all)) != 0;
}

// The first matching position of the group from `from` on; `group` if there is none.
std::size_t first_of(const group_matches& found, std::size_t from)
{
    std::uint8_t bytes[group];
    for (std::size_t i = 0; i < 4; ++i)
        vst1q_u8(bytes + i * width, found.part[i]);
    while (from < group && bytes[from] == 0)
        ++from;
    return from;
}

// The state with which the group at `data` can be tested.
carry warmed_up(const std::uint8_t* data, const constants& with)
{
    const uint8x16_t zero = vdupq_n_u8(0);
    carry last{zero, zero, zero, zero, {zero, zero}};
    matches(data - group, last, with);
    return last;
}

} // namespace

std::size_t weir1_search_neon(const std::uint8_t* data, std::size_t size, const weir1_function& function,
                              const weir1_mask& mask)
{
    const constants with = make_constants(function, mask);
    const std::size_t whole = size & ~(group - 1);
    if (whole != 0) {
        carry last = warmed_up(data, with);
        for (std::size_t i = 0; i < whole; i += group) {
            __builtin_prefetch(data + i + read_ahead);
            if (const group_matches found = matches(data + i, last, with); any(found)) [[unlikely]]
                return i + first_of(found, 0);
        }
    }
    if (whole < size) {
        // The last few positions once more from further back, so that no byte behind the end is read.
        carry last = warmed_up(data + size - group, with);
        const std::size_t at = first_of(matches(data + size - group, last, with), group - (size - whole));
        if (at < group)
            return size - group + at;
    }
    return size;
}

} // namespace weir::detail
