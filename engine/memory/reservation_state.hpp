#pragma once
// What a reservation and its blocks in use share.

#include "memory/slab.hpp"

#include <weir/registry.hpp>
#include <weir/reservation.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace weir::detail {

class pool_state;
class tier;

class reservation_state : public std::enable_shared_from_this<reservation_state> {
public:
    reservation_state(std::shared_ptr<pool_state> pool, tier& home, std::size_t blocks) noexcept;

    /// Puts the promised blocks in; once, before anybody else knows of this object.
    void fill(block_list promised) noexcept;

    [[nodiscard]] std::size_t blocks() const noexcept { return blocks_; }
    [[nodiscard]] std::size_t block_bytes() const noexcept;
    [[nodiscard]] std::size_t free_blocks() const;
    [[nodiscard]] std::chrono::nanoseconds waited() const;

    [[nodiscard]] std::optional<buffer> try_take_own();
    [[nodiscard]] std::optional<buffer> try_take();
    void start_take(buffer_completion done);

    /// A block that was taken here comes back.
    void give_back(pool_block& returned) noexcept;
    void close();
    void keep_registered(registration entry) noexcept { entry_ = std::move(entry); }

private:
    using clock = std::chrono::steady_clock;
    using waiters = std::map<std::uint64_t, buffer_completion>; // by the order of coming

    [[nodiscard]] buffer take_own() noexcept;                   // one is here; under the lock
    [[nodiscard]] std::optional<buffer> try_take_elastic();
    [[nodiscard]] bool keeps(const pool_block& returned) const noexcept;
    void cancel(std::uint64_t order);
    void note_end_of_waiting() noexcept; // after the removal of a waiter; under the lock

    registration entry_; // first: ended last
    const std::shared_ptr<pool_state> pool_;
    tier& home_;
    const std::size_t blocks_;

    mutable std::mutex mutex_;
    block_list idle_;
    std::size_t out_ = 0;                      // blocks in use that come back here, own and elastic
    waiters waiters_;                          // empty while idle_ is not
    clock::time_point starved_since_;          // while there are waiters
    std::chrono::nanoseconds waited_{0};       // before that
    std::uint64_t next_order_ = 1;
    bool closed_ = false;
    std::shared_ptr<reservation_state> self_;  // after closing, until the last block is back
};

} // namespace weir::detail
