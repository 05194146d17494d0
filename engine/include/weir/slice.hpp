#pragma once
// A shared, immutable view of part of a filled block.

#include <weir/detail/block.hpp>
#include <weir/export.hpp>

#include <cassert>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace weir {

/// Bytes that do not change, and a share in the block they lie in.
///
/// The block goes back to its pool when the last slice and the buffer are gone, on whatever thread that is.
/// Copying a slice is one atomic increment; the bytes are never copied.
/// \par Thread-safety
/// Distinct objects, also of one block: any threads. One object: as an `int`.
class slice {
public:
    slice() noexcept = default;
    slice(const slice&) noexcept = default;
    slice& operator=(const slice&) noexcept = default;
    slice(slice&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)),
          block_(std::move(other.block_))
    {
    }
    slice& operator=(slice&& other) noexcept
    {
        slice taken(std::move(other));
        std::swap(data_, taken.data_);
        std::swap(size_, taken.size_);
        std::swap(block_, taken.block_);
        return *this;
    }
    ~slice() = default;

    /// For the objects that own blocks: `memory` lies in `block`.
    slice(std::span<const std::byte> memory, detail::block_reference block) noexcept
        : data_(memory.data()), size_(memory.size()), block_(std::move(block))
    {
    }

    /// Makes a slice of memory that is not a pool's: a map, a user's buffer, constant zeros.
    ///
    /// `owner` is kept as long as the slice or a copy of it exists; without one the memory must outlive them.
    /// \par Cost
    /// One small allocation.
    [[nodiscard]] WEIR_API static slice adopt(std::span<const std::byte> memory, std::shared_ptr<const void> owner);

    [[nodiscard]] const std::byte* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::span<const std::byte> span() const noexcept { return {data_, size_}; }
    operator std::span<const std::byte>() const noexcept { return span(); }
    [[nodiscard]] const std::byte* begin() const noexcept { return data_; }
    [[nodiscard]] const std::byte* end() const noexcept { return data_ + size_; }

    /// The `count` bytes from `offset`; they must lie inside (asserted).
    [[nodiscard]] slice subslice(std::size_t offset, std::size_t count) const noexcept
    {
        assert(offset <= size_ && count <= size_ - offset);
        return slice({data_ + offset, count}, block_);
    }

    /// Gives up the first `count` bytes; there must be as many (asserted).
    void remove_prefix(std::size_t count) noexcept
    {
        assert(count <= size_);
        data_ += count;
        size_ -= count;
    }

    /// Takes `next` in if it starts where this slice ends, in the same block.
    /// \returns  whether it did
    [[nodiscard]] bool try_merge(const slice& next) noexcept
    {
        if (!block_ || block_ != next.block_ || data_ + size_ != next.data_)
            return false;
        size_ += next.size_;
        return true;
    }

private:
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    detail::block_reference block_;
};

} // namespace weir
