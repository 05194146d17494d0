#pragma once
// The owner of one block of memory while it is filled.

#include <weir/detail/block.hpp>
#include <weir/export.hpp>
#include <weir/slice.hpp>

#include <cassert>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace weir {

/// A block of a pool that is being filled: a filled prefix (length 0 at first) and a spare rest.
///
/// Plain code reads straight into it: `n = read(fd, b.spare().data(), b.spare().size()); b.commit(n);`.
/// What is filled may be frozen into slices while the rest is being filled. The block returns to where it
/// came from when the buffer and all its slices are gone.
/// Move-only; a default-made or moved-from buffer owns nothing and has capacity 0.
/// \par Thread-safety
/// One object: one thread at a time. Slices of its filled part may be read by any threads meanwhile.
class buffer {
public:
    buffer() noexcept = default;
    /// For the objects that own blocks.
    explicit buffer(detail::block_reference block) noexcept : block_(std::move(block)) {}
    buffer(buffer&& other) noexcept : block_(std::move(other.block_)), size_(std::exchange(other.size_, 0)) {}
    buffer& operator=(buffer&& other) noexcept
    {
        block_ = std::move(other.block_);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }
    buffer(const buffer&) = delete;
    buffer& operator=(const buffer&) = delete;
    ~buffer() = default;

    /// Whether it owns a block.
    explicit operator bool() const noexcept { return static_cast<bool>(block_); }

    [[nodiscard]] std::byte* data() noexcept { return block_ ? block_->data : nullptr; }
    [[nodiscard]] const std::byte* data() const noexcept { return block_ ? block_->data : nullptr; }
    [[nodiscard]] std::size_t capacity() const noexcept { return block_ ? block_->capacity : 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// The filled part.
    [[nodiscard]] std::span<std::byte> span() noexcept { return {data(), size_}; }
    [[nodiscard]] std::span<const std::byte> span() const noexcept { return {data(), size_}; }

    /// The rest, to be filled next.
    [[nodiscard]] std::span<std::byte> spare() noexcept { return {data() + size_, capacity() - size_}; }

    /// Says that the first `count` bytes of `spare()` are filled now; there must be as many (asserted).
    void commit(std::size_t count) noexcept
    {
        assert(count <= capacity() - size_);
        size_ += count;
    }

    /// Sets the length of the filled part; bytes that it gains have whatever value they had.
    /// \throws weir::error  `errc::invalid_size` above the capacity; nothing changes then.
    WEIR_API void resize(std::size_t size);

    /// Sets the length to 0; slices that were frozen would see what is written next, so there must be none.
    void clear() noexcept { size_ = 0; }

    /// Shares `count` bytes of the filled part from `offset` on (asserted to be filled); filling may go on.
    /// They must not be written again.
    [[nodiscard]] slice freeze(std::size_t offset, std::size_t count) const noexcept
    {
        assert(offset <= size_ && count <= size_ - offset);
        return slice({data() + offset, count}, block_);
    }

    /// Gives the buffer up for one slice of all that is filled.
    [[nodiscard]] slice freeze() && noexcept
    {
        const std::span<const std::byte> filled = std::as_const(*this).span();
        size_ = 0;
        return slice(filled, std::move(block_));
    }

    /// For the objects that own blocks: gives the block up, with whatever it contains.
    [[nodiscard]] detail::block_reference release() && noexcept
    {
        size_ = 0;
        return std::move(block_);
    }

private:
    detail::block_reference block_;
    std::size_t size_ = 0; // of the filled prefix; never above the capacity
};

/// Cuts a block into buffers of `slot_bytes` each, for things much smaller than the block; a rest is unused.
///
/// The block returns when the last of them, and of their slices, is gone. Whatever was filled stays there,
/// but the slots are all empty.
/// \throws weir::error  `errc::invalid_size` if `slot_bytes` is 0 or above the capacity.
/// \par Cost
/// Two allocations for all slots together.
[[nodiscard]] WEIR_API std::vector<buffer> split(buffer whole, std::size_t slot_bytes);

} // namespace weir
