#pragma once
// What `weir cat` exits with when something cannot be read.

#include "command.hpp"

#include <weir/error.hpp>

namespace tool {

/// One code for each kind of failure, so that a script knows what to do about it; `input_failed` for what is none of
/// them, such as a file that cannot be opened.
[[nodiscard]] exit_code exit_code_of(const weir::error& failure) noexcept;

} // namespace tool
