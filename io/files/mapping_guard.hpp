#pragma once
// The windows in which a SIGBUS is expected: a fixed table, since a signal handler may neither lock nor allocate.

#include <atomic>
#include <cstddef>

namespace weir::detail {

inline constexpr std::size_t max_guarded_windows = 4096;

/// Enters a window; null if the table is full. The flag becomes true when a part of the window is lost.
std::atomic<bool>* guard_window(const std::byte* memory, std::size_t bytes) noexcept;
/// Takes it out again, before it is unmapped.
void unguard_window(std::atomic<bool>* broken) noexcept;

} // namespace weir::detail
