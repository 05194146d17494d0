#pragma once
// How often this thread has called operator new: a test program that links allocation_counter.cpp has one that counts.

#include <cstddef>

namespace test {

std::size_t allocations() noexcept;

/// Of this thread, the one after `allowed` more throws `std::bad_alloc`; those behind it succeed again.
void fail_allocation_after(std::size_t allowed) noexcept;
/// None fails any more.
void allow_allocations() noexcept;

} // namespace test
