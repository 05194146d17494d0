#include <chunking/weir1.hpp>

#include <weir/chunker.hpp>

#include <algorithm>
#include <bit>

namespace weir::detail {
namespace {

// Low bytes of polynomials of degree 8, found by a search for constants under which bytes of the window that change
// places, or change together, leave f unchanged as seldom as possible.
constexpr std::array<std::uint8_t, 5> default_reduction{0x4b, 0x41, 0xaf, 0x39, 0xc3};

// Rates of the strict and the loose test times the average, in 1/256, and the normal length as a share of the average,
// in 1/1024: per level of normalization what makes the mean equal to the average between a quarter and four times it.
struct calibration {
    std::uint64_t strict;
    std::uint64_t loose;
    std::size_t normal;
};
constexpr calibration calibrations[] = {{339, 339, 1024}, {128, 512, 630}, {64, 1024, 842}, {32, 2048, 933}};

std::uint8_t times_x(std::uint8_t value, std::uint8_t reduction)
{
    return static_cast<std::uint8_t>((value << 1) ^ (-(value >> 7) & reduction));
}

// Row r of the matrix gives bit r of the product and stands in byte 7 - r; bit b of the row belongs to bit b of the
// factor.
std::uint64_t affine_matrix(std::uint8_t reduction)
{
    std::uint64_t matrix = 0;
    for (int row = 0; row < 8; ++row)
        for (int bit = 0; bit < 8; ++bit)
            if (const auto product = times_x(static_cast<std::uint8_t>(1 << bit), reduction); product >> row & 1)
                matrix |= std::uint64_t{1} << (8 * (7 - row) + bit);
    return matrix;
}

std::uint64_t mixed(std::uint64_t value) // the finaliser of SplitMix64
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
    value = (value ^ value >> 27) * 0x94d049bb133111ebu;
    return value ^ value >> 31;
}

std::uint64_t secret_digest(const std::array<std::byte, 32>& secret)
{
    std::uint64_t state = 0;
    for (std::size_t word = 0; word < secret.size(); word += 8) {
        std::uint64_t value = 0;
        for (std::size_t byte = 0; byte < 8; ++byte)
            value |= std::to_integer<std::uint64_t>(secret[word + byte]) << (8 * byte);
        state = mixed((state ^ value) + 0x9e3779b97f4a7c15u);
    }
    return state;
}

// An odd constant makes the multiplication invertible; an even number of ones makes (1 + x) so too.
std::uint8_t odd_with_even_weight(std::uint8_t value)
{
    value |= 1;
    return std::popcount(value) % 2 == 0 ? value : value ^ 2;
}

// f at `at`. The doublings leave one value of two, of four ... when only the last one is asked for.
std::uint8_t window_value(const std::uint8_t* at, const weir1_function& function)
{
    std::array<std::uint8_t, 32> values;
    std::copy(at - 31, at + 1, values.begin());
    std::size_t count = values.size();
    for (const std::uint8_t reduction : function.reduction) {
        count /= 2;
        for (std::size_t i = 0; i < count; ++i)
            values[i] = values[2 * i + 1] ^ times_x(values[2 * i], reduction);
    }
    return values.front();
}

std::uint8_t leading_ones(int count) { return static_cast<std::uint8_t>(0xff00u >> std::clamp(count, 0, 8)); }

weir1_test make_test(std::uint64_t rate, std::size_t average)
{
    const std::uint64_t passing = (rate << 24) / average; // of 2^32 values
    const int common = std::countl_zero(static_cast<std::uint32_t>(passing - 1));
    return {static_cast<std::uint32_t>((std::uint64_t{1} << 32) - passing),
            {{leading_ones(common), leading_ones(common - 8)}}};
}

} // namespace

weir1_function make_weir1_function(const std::optional<std::array<std::byte, 32>>& secret) noexcept
{
    weir1_function function{};
    std::uint64_t key = secret ? secret_digest(*secret) : 0;
    for (std::size_t level = 0; level < 5; ++level, key >>= 8) {
        function.reduction[level] =
            secret ? odd_with_even_weight(static_cast<std::uint8_t>(key)) : default_reduction[level];
        function.matrix[level] = affine_matrix(function.reduction[level]);
    }
    function.target = static_cast<std::uint8_t>(key);
    return function;
}

std::uint32_t weir1_value(const std::uint8_t* at, const weir1_function& function) noexcept
{
    const std::uint8_t now = window_value(at, function);
    const std::uint8_t before = window_value(at - 32, function);
    std::uint32_t value = static_cast<std::uint32_t>(now ^ before);
    value = value << 8 | static_cast<std::uint32_t>(before ^ function.target);
    value = value << 8 | static_cast<std::uint32_t>(window_value(at - 64, function) ^ function.target);
    return value << 8 | static_cast<std::uint32_t>(window_value(at - 96, function) ^ function.target);
}

weir1_rule make_weir1_rule(const chunker_options& options) noexcept
{
    const calibration& level = calibrations[options.normalization];
    return {std::max(options.min, weir1_window), options.average * level.normal / 1024, options.max,
            make_test(level.strict, options.average), make_test(level.loose, options.average)};
}

} // namespace weir::detail
