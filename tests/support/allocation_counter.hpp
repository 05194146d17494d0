#pragma once
// How often this thread has called operator new: a test program that links allocation_counter.cpp has one that counts.

#include <cstddef>

namespace test {

std::size_t allocations() noexcept;

} // namespace test
