#pragma once
// poll(2) for one descriptor and any number of latches.

#include "latch.hpp"

#include <chrono>
#include <initializer_list>
#include <optional>

namespace weir::testing::detail {

/// Waits until one of `events` (and what poll always tells: POLLERR, POLLHUP) has come on the descriptor, a latch is
/// open, or the time has come.
/// \param descriptor  -1: none
/// \returns  what came on the descriptor; 0 if something else ended the wait
[[nodiscard]] short poll_for(int descriptor, short events, std::initializer_list<const latch*> latches,
                             std::optional<std::chrono::steady_clock::time_point> until = std::nullopt);

} // namespace weir::testing::detail
