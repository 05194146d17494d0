#pragma once
// Who waits at a pool, in the order of their coming.

#include "memory/tier.hpp"

#include <weir/buffer_pool.hpp>

#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

namespace weir::detail {

/// One acquisition or reservation on its way: what it asks, then what it got.
class waiter {
public:
    using clock = std::chrono::steady_clock;

    /// For one block of `home`, or for a mapped region of `bytes` if there is no home.
    waiter(tier* home, std::size_t bytes, buffer_completion done);
    /// For `blocks` blocks of `home`, which go into `promised`.
    waiter(tier& home, std::size_t blocks, std::shared_ptr<reservation_state> promised, reservation_completion done);

    [[nodiscard]] tier* home() const noexcept { return home_; }
    [[nodiscard]] std::size_t blocks() const noexcept { return blocks_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] const std::shared_ptr<reservation_state>& promised() const noexcept { return promised_; }

    /// Has `give_up` called with a code when the handler's slot is cancelled, `limit` is reached, or the execution context
    /// of the handler ends.
    void arm(deadline limit, const std::function<void(boost::system::error_code)>& give_up);
    [[nodiscard]] bool expired() const noexcept { return clock::now() >= limit_; }
    [[nodiscard]] std::chrono::nanoseconds waited() const noexcept { return clock::now() - since_; }

    void give(buffer granted) noexcept { granted_ = std::move(granted); }
    void fail(boost::system::error_code reason) noexcept { failure_ = reason; }
    /// Posts to the handler. No lock may be held: what was granted may have to go back.
    void complete() &&;

private:
    friend class waiter_list;

    tier* home_;
    std::size_t blocks_ = 1;
    std::size_t bytes_ = 0;
    deadline limit_ = deadline::max();
    clock::time_point since_ = clock::now();
    buffer_completion wants_buffer_; // one of the two is set
    reservation_completion wants_reservation_;
    std::shared_ptr<reservation_state> promised_;
    buffer granted_;
    boost::system::error_code failure_;
    std::unique_ptr<waiter> next_;
};

/// Those who are done with waiting and will be told once the lock is given up. Needs no memory.
class waiter_list {
public:
    void append(std::unique_ptr<waiter> added) noexcept;
    void append(waiter_list added) noexcept;
    void complete_all();

private:
    std::unique_ptr<waiter> first_;
    waiter* last_ = nullptr;
};

/// Those who wait for the same tier, or for mapped regions. Guarded by the pool's lock.
struct wait_queue {
    std::map<std::uint64_t, std::unique_ptr<waiter>> waiters; // by the order of coming
    bool blocked = false;                                     // while the pool serves: its front cannot be served now
    std::uint64_t failures = 0;
    std::uint64_t waits = 0;
    std::chrono::nanoseconds waited{0};

    [[nodiscard]] bool empty() const noexcept { return waiters.empty(); }
    void add(std::uint64_t order, std::unique_ptr<waiter> added);
    /// None if it does not wait here.
    [[nodiscard]] std::unique_ptr<waiter> take(std::uint64_t order) noexcept;
    [[nodiscard]] std::unique_ptr<waiter> take_front() noexcept { return take(waiters.begin()->first); }
};

} // namespace weir::detail
