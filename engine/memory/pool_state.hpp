#pragma once
// What a buffer_pool, its reservations and its blocks in use share.
//
// The fast paths, a block from or to a shard, are in tier.hpp. All else happens under one lock: growing,
// refusing, waiting, closing. Handlers are called, and buffers dropped, after it is given up.

#include "memory/tier.hpp"
#include "memory/waiter.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace weir::detail {

struct mapped_block;

class pool_state : public std::enable_shared_from_this<pool_state> {
public:
    /// \throws weir::error  `errc::bad_configuration`
    explicit pool_state(pool_options options);
    ~pool_state();

    [[nodiscard]] const pool_options& options() const noexcept { return options_; }

    [[nodiscard]] std::optional<buffer> try_acquire(std::size_t bytes);
    [[nodiscard]] std::optional<reservation> try_reserve(std::size_t blocks, std::size_t block_bytes);
    void start_acquire(std::size_t bytes, deadline limit, buffer_completion done);
    void start_reserve(std::size_t blocks, std::size_t block_bytes, deadline limit, reservation_completion done);
    void ensure_can_reserve(std::size_t blocks, std::size_t block_bytes) const;

    /// A block that nobody waits for, if one can be had now. `counted`: a refusal counts as a failure.
    enum class refusal { counted, expected };
    [[nodiscard]] pool_block* try_take(tier& from, refusal kind) noexcept;

    void release(pool_block& returned) noexcept;
    void release(mapped_block* returned) noexcept;
    /// What a reservation that ends gives back; `promised` blocks are promised no longer.
    void end_reservation(tier& home, block_list idle, std::size_t promised) noexcept;

    [[nodiscard]] bool anyone_waits() const noexcept { return waiting_.load(std::memory_order_relaxed) > 0; }

    void close();
    std::size_t shrink();
    void clear();
    void trim_idle() noexcept;
    [[nodiscard]] pool_statistics statistics() const;
    [[nodiscard]] bool check();

private:
    /// Holds the lock and stops the fast paths; see tier.hpp.
    class exclusive {
    public:
        explicit exclusive(const pool_state& pool);
        ~exclusive();
        exclusive(const exclusive&) = delete;
        exclusive& operator=(const exclusive&) = delete;

    private:
        const pool_state& pool_;
        std::lock_guard<std::mutex> lock_;
    };

    enum class outcome { granted, no_block, no_bytes };

    struct tier_entry {
        std::unique_ptr<tier> blocks;
        wait_queue queue;
    };

    [[nodiscard]] tier* tier_for(std::size_t bytes) const noexcept;
    [[nodiscard]] wait_queue& queue_of(const tier* home) noexcept;
    template <class Do>
    void for_each_queue(Do&& action)
    {
        for (tier_entry& each : tiers_)
            action(each.queue);
        action(mapped_queue_);
    }
    [[nodiscard]] std::error_code why_never(std::size_t blocks, std::size_t block_bytes) const noexcept;
    [[nodiscard]] std::size_t most_blocks(const tier& of) const noexcept;

    [[nodiscard]] std::size_t largest_bytes() const noexcept;
    [[nodiscard]] std::size_t warm_bytes() const noexcept;

    // With attention raised.
    [[nodiscard]] bool may_pass(const tier* home) noexcept;
    [[nodiscard]] outcome possible(const waiter& asking) const noexcept;
    [[nodiscard]] outcome can_take(const tier& from, std::size_t blocks) const noexcept;
    void take(tier& from, std::size_t blocks, block_list& out);
    void hand_out(waiter& next) noexcept;
    [[nodiscard]] wait_queue* oldest_unblocked() noexcept;
    [[nodiscard]] wait_queue* next_servable() noexcept;
    [[nodiscard]] waiter_list serve() noexcept;
    [[nodiscard]] std::size_t free_bytes_beside(const tier& of) const noexcept;
    void make_room(tier& grower, std::size_t blocks) noexcept;
    [[nodiscard]] buffer map_region(std::size_t bytes);
    /// Ends the object's hold on itself once nothing of it is in use any more; keep the result until unlocked.
    [[nodiscard]] std::shared_ptr<pool_state> let_go() noexcept;

    void start(std::unique_ptr<waiter> next, deadline limit);
    void give_up(std::uint64_t order, boost::system::error_code reason);

    const pool_options options_;
    mutable std::atomic<bool> attention_{false}; // written under mutex_; see tier.hpp
    mutable std::mutex mutex_;

    std::vector<tier_entry> tiers_;      // ascending; the vector itself never changes
    wait_queue mapped_queue_;
    tier_statistics mapped_;             // of mapped regions, without the queue's part
    std::size_t mapped_bytes_ = 0;
    std::size_t peak_bytes_ = 0;
    std::atomic<std::uint64_t> next_order_{1};
    std::atomic<std::size_t> waiting_{0}; // in all queues; written under mutex_
    bool starved_ = false;               // the oldest that can be served lacks bytes: nobody may take any past it
    bool closed_ = false;
    std::shared_ptr<pool_state> self_;   // after closing, until the last block is back
};

} // namespace weir::detail
