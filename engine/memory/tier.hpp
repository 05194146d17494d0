#pragma once
// All blocks of one size.
//
//            threads 0, 4, ..      threads 1, 5, ..
//            +- shard ----+        +- shard ----+            each with a lock of its own, which its
//            | free, free |        | free       |   ...      threads rarely find taken
//            +------------+        +------------+
//                  ^    who finds his shard empty looks into the others
//                  |
//   slabs:  cold blocks, without memory. Growing and giving back take the pool's lock.
//
// Whether a tier is empty cannot be seen by looking into one shard after the other while blocks move. So who
// must know raises the pool's `attention`, then visits every shard once: who comes to a shard later sees the
// flag there and goes by the pool's lock instead. From then on the holder of that lock is alone.

#include "memory/slab.hpp"

#include <weir/buffer_pool.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace weir::detail {

class pool_state;

class tier {
public:
    /// `attention` outlives the tier.
    tier(pool_state& pool, const pool_tier& limits, page_region::pages kind, const std::atomic<bool>& attention);

    [[nodiscard]] pool_state& pool() const noexcept { return pool_; }
    [[nodiscard]] std::size_t block_bytes() const noexcept { return limits_.block_bytes; }
    [[nodiscard]] std::size_t max_blocks() const noexcept { return limits_.max_blocks; }
    /// What a block takes of the limit: its size in whole cache lines or pages.
    [[nodiscard]] static std::size_t stride_of(std::size_t block_bytes) noexcept;
    [[nodiscard]] std::size_t stride() const noexcept { return stride_; }

    // By any thread.

    /// A free block, or none where none was seen or attention is raised.
    [[nodiscard]] pool_block* try_pop() noexcept;
    /// Takes a block back; false, and nothing done, while attention is raised.
    [[nodiscard]] bool try_push(pool_block& returned) noexcept;

    // Under the pool's lock.

    /// Visits every shard: those who saw no attention there have left afterwards.
    void visit_shards() noexcept;
    /// Exact while attention is raised.
    [[nodiscard]] std::size_t free_blocks() const noexcept;
    [[nodiscard]] std::size_t warm() const noexcept { return warm_; }
    [[nodiscard]] std::size_t warm_bytes() const noexcept { return warm_ * stride_; }
    /// A free block; there must be one, and attention raised.
    [[nodiscard]] pool_block& pop() noexcept;
    void push(pool_block& returned) noexcept;
    /// A block more. \throws std::bad_alloc
    [[nodiscard]] pool_block& grow();
    /// Takes a block that came back out of use for good.
    void retire(pool_block& returned) noexcept;

    // All three end with the memory given back to the system; they return how many bytes.
    std::size_t cool_free(std::size_t at_most) noexcept;
    std::size_t cool_all() noexcept { return cool_free(static_cast<std::size_t>(-1)); }
    /// Cools what no thread needed since the last call.
    std::size_t cool_idle() noexcept;

    void promise(std::ptrdiff_t blocks) noexcept { promised_ += static_cast<std::size_t>(blocks); }
    void restart_peak() noexcept { peak_ = warm_; }
    [[nodiscard]] tier_statistics statistics() const;
    /// Whether the books agree with the blocks; attention must be raised.
    [[nodiscard]] bool check() const;

private:
    struct alignas(64) shard {
        mutable std::mutex mutex;
        std::atomic<std::size_t> count{0}; // of `free`; written under the lock, a hint without it
        block_list free;
        std::size_t least = 0;             // the lowest count since the last look for idle blocks
        std::uint64_t popped = 0;
        std::uint64_t pushed = 0;
    };

    [[nodiscard]] shard& own_shard() noexcept;
    [[nodiscard]] static pool_block& take_from(shard& source) noexcept;
    static void put_into(shard& target, pool_block& returned) noexcept;
    void cool(pool_block& target) noexcept;
    std::size_t cool_list(block_list list) noexcept;
    void give_back() noexcept;
    void add_slab();

    pool_state& pool_;
    pool_tier limits_;
    std::size_t stride_;
    std::size_t slab_blocks_;
    page_region::pages kind_;
    const std::atomic<bool>& attention_;
    std::size_t shard_count_; // a power of two
    std::unique_ptr<shard[]> shards_;

    // Guarded by the pool's lock.
    std::vector<std::unique_ptr<slab>> slabs_;
    std::vector<slab*> with_cold_; // those that have a cold block, the latest at the end
    std::size_t warm_ = 0;
    std::size_t peak_ = 0;    // blocks are made only when none is free: the most warm were in use at a time
    std::size_t promised_ = 0;
    std::uint64_t grown_ = 0;
    std::uint64_t retired_ = 0;
};

} // namespace weir::detail
