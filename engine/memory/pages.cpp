#include "memory/pages.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace weir::detail {
namespace {

/// Maps with room to spare, then cuts both ends off.
std::byte* map_aligned(std::size_t size, std::size_t alignment) noexcept
{
    const std::size_t slack = alignment > page_bytes() ? alignment : 0;
    void* got = ::mmap(nullptr, size + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED)
        return nullptr;
    auto* start = static_cast<std::byte*>(got);
    if (slack == 0)
        return start;
    const auto address = reinterpret_cast<std::uintptr_t>(start);
    const std::size_t head = round_up(address, alignment) - address;
    if (head > 0)
        ::munmap(start, head);
    if (head < slack)
        ::munmap(start + head + size, slack - head);
    return start + head;
}

} // namespace

std::size_t page_bytes() noexcept
{
    static const auto value = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return value;
}

page_region::page_region(std::size_t size, std::size_t alignment, [[maybe_unused]] pages kind) noexcept
{
    const std::size_t whole = round_up(size, page_bytes());
    data_ = map_aligned(whole, alignment);
    if (!data_)
        return;
    size_ = whole;
#if defined(MADV_HUGEPAGE)
    // Only advice: a kernel without huge pages refuses, and that is all right.
    ::madvise(data_, size_, kind == pages::huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#endif
}

page_region::page_region(page_region&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0))
{
}

page_region& page_region::operator=(page_region&& other) noexcept
{
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
}

page_region::~page_region()
{
    if (data_)
        ::munmap(data_, size_);
}

void page_region::give_back(std::size_t offset, std::size_t count) noexcept
{
    const std::size_t first = round_up(offset, page_bytes());
    const std::size_t last = (offset + count) / page_bytes() * page_bytes();
    if (first < last)
        ::madvise(data_ + first, last - first, MADV_DONTNEED);
}

} // namespace weir::detail
