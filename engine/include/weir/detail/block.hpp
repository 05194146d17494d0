#pragma once
// The control part of a piece of memory that buffers and slices share. It lies apart from the memory, which
// so keeps its alignment.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace weir::detail {

struct block {
    std::byte* data = nullptr;
    std::size_t capacity = 0;
    /// Called once the last reference is gone; takes the memory back to where it came from.
    void (*recycle)(block*) noexcept = nullptr;
    std::atomic<std::uint32_t> references{0};
};

/// One counted reference to a block, or none.
class block_reference {
public:
    block_reference() noexcept = default;

    /// Makes the first reference to a block that nobody refers to.
    [[nodiscard]] static block_reference first(block& target) noexcept
    {
        target.references.store(1, std::memory_order_relaxed);
        block_reference out;
        out.target_ = &target;
        return out;
    }

    block_reference(const block_reference& other) noexcept : target_(other.target_)
    {
        if (target_)
            target_->references.fetch_add(1, std::memory_order_relaxed);
    }
    block_reference(block_reference&& other) noexcept : target_(std::exchange(other.target_, nullptr)) {}
    block_reference& operator=(block_reference other) noexcept
    {
        std::swap(target_, other.target_);
        return *this;
    }
    ~block_reference()
    {
        if (target_)
            drop(*target_);
    }

    explicit operator bool() const noexcept { return target_ != nullptr; }
    block* operator->() const noexcept { return target_; }
    [[nodiscard]] block* get() const noexcept { return target_; }

    friend bool operator==(const block_reference&, const block_reference&) noexcept = default;

private:
    static void drop(block& target) noexcept
    {
        // A sole owner needs no read-modify-write: nobody else can make a second reference meanwhile.
        if (target.references.load(std::memory_order_acquire) == 1
            || target.references.fetch_sub(1, std::memory_order_acq_rel) == 1)
            target.recycle(&target);
    }

    block* target_ = nullptr;
};

} // namespace weir::detail
