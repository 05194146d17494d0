#pragma once
// weir1 in its plain form: the parameters that options give, and one position at a time. docs/weir1.md specifies it.

#include <chunking/weir1_kernel.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace weir {

struct chunker_options;

namespace detail {

/// No position is tested before this many bytes of its chunk were seen: the window of the test.
constexpr std::size_t weir1_window = 128;

[[nodiscard]] weir1_function make_weir1_function(const std::optional<std::array<std::byte, 32>>& secret) noexcept;

/// The 32 bits that are compared with a limit: of the byte `*at` and the 127 before it.
[[nodiscard]] std::uint32_t weir1_value(const std::uint8_t* at, const weir1_function& function) noexcept;

/// Positions whose value is at least `least` may end a chunk; `mask` is what all of them have in common.
struct weir1_test {
    std::uint32_t least;
    weir1_mask mask;
};

struct weir1_rule {
    std::size_t first;  ///< the first length that is tested
    std::size_t normal; ///< lengths below are tested strictly, the others loosely
    std::size_t max;    ///< where a chunk ends in any case
    weir1_test strict;
    weir1_test loose;
};

/// From options that `resolve` gave.
[[nodiscard]] weir1_rule make_weir1_rule(const chunker_options& options) noexcept;

} // namespace detail
} // namespace weir
