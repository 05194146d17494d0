// A source of its own: where gcc inlines only one of a pair of operators, it warns that they do not match.

#include "allocation_counter.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t count = 0;

} // namespace

namespace test {

std::size_t allocations() noexcept { return count; }

} // namespace test

void* operator new(std::size_t size)
{
    ++count;
    if (void* memory = std::malloc(size != 0 ? size : 1))
        return memory;
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
