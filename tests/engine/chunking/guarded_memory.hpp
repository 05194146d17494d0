#pragma once
// Memory whose last byte is followed by a page that faults: reading past the end does not go unseen.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>

#include <sys/mman.h>
#include <unistd.h>

namespace test {

class guarded_memory {
public:
    /// A copy of `content` that ends at the page which cannot be read, and, where its size is a multiple of the page
    /// size, begins behind another.
    explicit guarded_memory(std::span<const std::uint8_t> content)
        : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))),
          size_(content.size()),
          readable_((size_ + page_ - 1) / page_ * page_)
    {
        void* memory = mmap(nullptr, readable_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED
            || mprotect(static_cast<char*>(memory) + page_, readable_, PROT_READ | PROT_WRITE) != 0)
            throw std::bad_alloc();
        memory_ = static_cast<std::uint8_t*>(memory);
        std::memcpy(span().data(), content.data(), size_);
    }
    guarded_memory(const guarded_memory&) = delete;
    guarded_memory& operator=(const guarded_memory&) = delete;
    ~guarded_memory() { munmap(memory_, readable_ + 2 * page_); }

    std::span<std::uint8_t> span() const { return {memory_ + page_ + readable_ - size_, size_}; }

private:
    std::size_t page_;
    std::size_t size_;
    std::size_t readable_;
    std::uint8_t* memory_;
};

} // namespace test
