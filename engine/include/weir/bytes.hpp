#pragma once
// An ordered list of slices: what a chunk, a message or a file contains, wherever its parts lie.

#include <weir/export.hpp>
#include <weir/slice.hpp>

#include <boost/container/small_vector.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace weir {

/// Content in several slices, read in order.
///
/// Slices that touch in one block are joined when they are appended, and empty ones dropped, so the list is
/// as short as the memory allows. Up to four slices need no allocation.
/// \par Thread-safety
/// As a `std::vector`; copies share the memory and may be used on different threads.
class WEIR_API bytes {
public:
    using const_iterator = const slice*;

    bytes() noexcept = default;
    explicit bytes(slice only) { append(std::move(only)); }
    bytes(const bytes&) = default;
    bytes& operator=(const bytes&) = default;
    bytes(bytes&& other) noexcept;
    bytes& operator=(bytes&& other) noexcept;
    ~bytes() = default;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    [[nodiscard]] const_iterator begin() const noexcept { return slices_.data(); }
    [[nodiscard]] const_iterator end() const noexcept { return slices_.data() + slices_.size(); }
    [[nodiscard]] std::size_t slice_count() const noexcept { return slices_.size(); }
    [[nodiscard]] std::span<const slice> slices() const noexcept { return {slices_.data(), slices_.size()}; }

    void append(slice next);
    void append(const bytes& next);
    void append(bytes&& next);

    /// Drops everything, and with it the share in the blocks.
    void clear() noexcept;

    /// The `count` bytes from `offset`; they must lie inside (asserted). Nothing is copied.
    [[nodiscard]] bytes subrange(std::size_t offset, std::size_t count) const;

    /// Cuts the first `count` bytes off and gives them; there must be as many (asserted).
    [[nodiscard]] bytes take_front(std::size_t count);

    /// Gives the slices up, in their order.
    [[nodiscard]] std::vector<slice> take_slices() &&;

    /// Copies everything to the start of `target`, which must be large enough (asserted).
    void copy_to(std::span<std::byte> target) const noexcept;

    /// A copy in memory of its own, so that the blocks can go back to their pool.
    [[nodiscard]] std::vector<std::byte> copy_out() const;

private:
    boost::container::small_vector<slice, 4> slices_;
    std::size_t size_ = 0; // the sum over slices_, none of which is empty
};

} // namespace weir
