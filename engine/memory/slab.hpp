#pragma once
// A stretch of memory cut into blocks of one size.
//
//   memory   |  block 0  |  block 1  |  block 2  | ...      2 MiB, mapped at once, touched block by block
//   control  [ warm ]    [ cold ]    [ warm ]              apart, so that blocks keep their alignment
//
// A warm block counts against the pool's limit: it is in use, or free and ready. A cold one has no memory.

#include "memory/pages.hpp"

#include <weir/detail/block.hpp>

#include <cstddef>
#include <memory>

namespace weir::detail {

class reservation_state;
class slab;
class tier;

/// On a cache line of its own: neighbours are counted up and down by different threads.
struct alignas(64) pool_block final : block {
    bool cold = true;
    bool elastic = false;                     // lent to `lender` beyond what it was promised
    slab* origin = nullptr;
    pool_block* next = nullptr;               // in the one list that it is in, if any
    reservation_state* lender = nullptr;      // where it goes back to instead of the pool
};

/// What `block::recycle` is for blocks of a slab: gives it to its lender, else to its pool.
void recycle_pool_block(block* target) noexcept;

/// Linked through `pool_block::next`.
class block_list {
public:
    [[nodiscard]] bool empty() const noexcept { return top_ == nullptr; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] pool_block* top() const noexcept { return top_; }
    void push(pool_block& added) noexcept;
    [[nodiscard]] pool_block* pop() noexcept;
    /// Cuts off the `count` blocks that were pushed first; there must be as many.
    [[nodiscard]] block_list take_oldest(std::size_t count) noexcept;
    /// Gives all of it.
    [[nodiscard]] block_list take_all() noexcept;

private:
    pool_block* top_ = nullptr;
    std::size_t size_ = 0;
};

class slab {
public:
    /// \throws std::bad_alloc  also if the system refuses the memory
    slab(tier& home, std::size_t block_bytes, std::size_t stride, std::size_t count, page_region::pages kind);

    [[nodiscard]] tier& home() const noexcept { return home_; }
    [[nodiscard]] bool has_cold() const noexcept { return !cold_.empty(); }
    [[nodiscard]] std::size_t warm() const noexcept { return count_ - cold_.size(); }
    [[nodiscard]] bool all_cold() const noexcept { return cold_.size() == count_; }

    /// Warms a block that has no memory; there must be one.
    [[nodiscard]] pool_block& warm_one() noexcept;
    /// Takes a free block's memory from it; `give_back` returns it to the system.
    void cool(pool_block& target) noexcept;
    /// Gives the pages of cold blocks back, if some became cold since the last time.
    void give_back() noexcept;

private:
    tier& home_;
    page_region memory_;
    std::size_t stride_;
    std::size_t count_;
    std::unique_ptr<pool_block[]> blocks_;
    block_list cold_;
    bool cooled_ = false;
};

} // namespace weir::detail
