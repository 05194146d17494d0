// A source of its own: where gcc inlines only one of a pair of operators, it warns that they do not match.

#include "allocation_counter.hpp"

#include <cstdlib>
#include <limits>
#include <new>

namespace {

thread_local std::size_t count = 0;
thread_local std::size_t last_allowed = std::numeric_limits<std::size_t>::max();

} // namespace

namespace test {

std::size_t allocations() noexcept { return count; }
void fail_allocation_after(std::size_t allowed) noexcept { last_allowed = count + allowed; }
void allow_allocations() noexcept { last_allowed = std::numeric_limits<std::size_t>::max(); }

} // namespace test

void* operator new(std::size_t size)
{
    if (count++ == last_allowed)
        throw std::bad_alloc();
    if (void* memory = std::malloc(size != 0 ? size : 1))
        return memory;
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
