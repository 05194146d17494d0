// weir1 without CPU-specific instructions: 16 bytes at a time in the compiler's vector type, which every CPU with
// some vector unit runs well. The doublings go through small arrays: a shift by a few bytes is then an unaligned load,
// which is cheaper than shifting across registers where there is no byte-wise shift of two.

#include <chunking/weir1_kernel.hpp>

#include <algorithm>
#include <cstring>

namespace weir::detail {
namespace {

using vector = std::uint8_t __attribute__((vector_size(16)));
using signed_vector = std::int8_t __attribute__((vector_size(16)));
constexpr std::size_t width = sizeof(vector);
constexpr std::size_t group = 4 * width; // positions tested with one branch
constexpr std::size_t block_positions = 1024; // positions between two looks for a match
constexpr std::size_t history = 64;           // bytes of each array that the next block looks back on
constexpr std::size_t warm_up = 64;           // positions after which f(i-32) and f(i) depend on real bytes only

vector load(const std::uint8_t* from)
{
    vector value;
    std::memcpy(&value, from, width);
    return value;
}

void store(std::uint8_t* to, vector value) { std::memcpy(to, &value, width); }

vector times_x(vector value, vector reduction)
{
    const auto top_set = reinterpret_cast<vector>(reinterpret_cast<signed_vector>(value) < 0);
    return (value + value) ^ (top_set & reduction);
}

bool any(vector value)
{
    std::uint64_t halves[2];
    std::memcpy(halves, &value, width);
    return (halves[0] | halves[1]) != 0;
}

// out[i] = in[i] ^ x * in[i - shift]
template <std::size_t shift>
void double_window(const std::uint8_t* in, std::uint8_t* out, std::size_t size, std::uint8_t reduction)
{
    const vector constant = vector{} + reduction;
    for (std::size_t i = 0; i < size; i += width)
        store(out + i, load(in + i) ^ times_x(load(in + i - shift), constant));
}

class pipeline {
public:
    // Ready for the positions from `data` on, which has weir1_lookback bytes before it.
    pipeline(const std::uint8_t* data, const weir1_function& function, const weir1_mask& mask)
        : function_(function),
          target_(vector{} + function.target),
          mask_{vector{} + mask.mask[0], vector{} + mask.mask[1]}
    {
        fill(data - warm_up, warm_up);
    }

    // The first match in `size` positions, at most a block and a multiple of `width`; `size` if there is none.
    std::size_t run(const std::uint8_t* data, std::size_t size)
    {
        fill(data, size);
        std::size_t i = 0;
        for (; i + group <= size; i += group)
            if (any(match(i) | match(i + width) | match(i + 2 * width) | match(i + 3 * width))) [[unlikely]]
                break;
        for (; i < size; i += width) {
            const vector matches = match(i);
            for (std::size_t byte = 0; any(matches) && byte < width; ++byte)
                if (matches[byte] != 0)
                    return i + byte;
        }
        return size;
    }

    // Whether position i of the last run matches.
    bool matches(std::size_t i) const { return match(i & ~(width - 1))[i % width] != 0; }

private:
    struct array {
        std::uint8_t* begin() { return bytes + history; }
        const std::uint8_t* begin() const { return bytes + history; }
        void keep(std::size_t size) { std::memmove(bytes, bytes + size, history); }
        alignas(64) std::uint8_t bytes[history + block_positions] = {};
    };

    void fill(const std::uint8_t* data, std::size_t size)
    {
        for (array* each : {&two_, &four_, &eight_, &sixteen_, &value_})
            each->keep(filled_);
        double_window<1>(data, two_.begin(), size, function_.reduction[0]);
        double_window<2>(two_.begin(), four_.begin(), size, function_.reduction[1]);
        double_window<4>(four_.begin(), eight_.begin(), size, function_.reduction[2]);
        double_window<8>(eight_.begin(), sixteen_.begin(), size, function_.reduction[3]);
        double_window<16>(sixteen_.begin(), value_.begin(), size, function_.reduction[4]);
        filled_ = size;
    }

    vector match(std::size_t i) const
    {
        const vector now = load(value_.begin() + i);
        const vector before = load(value_.begin() + i - 32);
        const vector missing = (~(now ^ before) & mask_[0]) | (~(before ^ target_) & mask_[1]);
        return reinterpret_cast<vector>(missing == 0);
    }

    const weir1_function& function_;
    vector target_;
    vector mask_[2];
    array two_, four_, eight_, sixteen_; // named by the length of the window
    array value_;                        // f
    std::size_t filled_ = 0;
};

} // namespace

std::size_t weir1_search_portable(const std::uint8_t* data, std::size_t size, const weir1_function& function,
                                  const weir1_mask& mask)
{
    const std::size_t whole = size & ~(width - 1);
    if (whole != 0) {
        pipeline positions(data, function, mask);
        for (std::size_t done = 0; done < whole; done += block_positions) {
            const std::size_t count = std::min(block_positions, whole - done);
            if (const std::size_t at = positions.run(data + done, count); at < count)
                return done + at;
        }
    }
    if (whole < size) {
        // The last few positions once more from further back, so that no byte behind the end is read.
        pipeline positions(data + size - width, function, mask);
        positions.run(data + size - width, width);
        for (std::size_t i = whole; i < size; ++i)
            if (positions.matches(i + width - size))
                return i;
    }
    return size;
}

} // namespace weir::detail
