// The part of pool_state that waits: who may be served, in which order, and how a wait ends.

#include "memory/pool_state.hpp"
#include "memory/reservation_state.hpp"

#include <weir/error.hpp>

#include <new>

namespace weir::detail {

using boost::system::error_code;

pool_state::outcome pool_state::possible(const waiter& asking) const noexcept
{
    if (asking.home())
        return can_take(*asking.home(), asking.blocks());
    return mapped_.in_use < options_.max_mapped ? outcome::granted : outcome::no_block;
}

void pool_state::hand_out(waiter& next) noexcept
{
    try {
        if (!next.home())
            return next.give(map_region(next.bytes()));
        block_list got;
        take(*next.home(), next.blocks(), got);
        if (!next.promised())
            return next.give(buffer(block_reference::first(*got.pop())));
        next.home()->promise(static_cast<std::ptrdiff_t>(next.blocks()));
        next.promised()->fill(got);
    }
    catch (const std::bad_alloc&) {
        ++queue_of(next.home()).failures;
        next.fail(make_error_code(boost::system::errc::not_enough_memory));
    }
}

wait_queue* pool_state::oldest_unblocked() noexcept
{
    wait_queue* oldest = nullptr;
    for_each_queue([&](wait_queue& each) {
        if (each.empty() || each.blocked)
            return;
        if (!oldest || each.waiters.begin()->first < oldest->waiters.begin()->first)
            oldest = &each;
    });
    return oldest;
}

wait_queue* pool_state::next_servable() noexcept
{
    starved_ = false;
    for_each_queue([](wait_queue& each) { each.blocked = false; });
    while (wait_queue* const oldest = oldest_unblocked()) {
        const outcome result = possible(*oldest->waiters.begin()->second);
        if (result == outcome::granted)
            return oldest;
        oldest->blocked = true;
        if (result == outcome::no_bytes) {
            // Whatever comes free must add up for this one, so nobody else grows or takes before it.
            starved_ = true;
            for (tier_entry& each : tiers_)
                each.queue.blocked = true;
        }
    }
    return nullptr;
}

waiter_list pool_state::serve() noexcept
{
    waiter_list served;
    if (!anyone_waits())
        return served;
    while (wait_queue* const next = next_servable()) {
        std::unique_ptr<waiter> first = next->take_front();
        waiting_.fetch_sub(1, std::memory_order_relaxed);
        hand_out(*first);
        served.append(std::move(first));
    }
    return served;
}

void pool_state::start(std::unique_ptr<waiter> next, deadline limit)
{
    const std::uint64_t order = next_order_.fetch_add(1, std::memory_order_relaxed);
    // Armed before it can be in the queue, where another thread may complete and free it.
    next->arm(limit, [weak = weak_from_this(), order](error_code reason) {
        if (const std::shared_ptr<pool_state> self = weak.lock())
            self->give_up(order, reason);
    });
    {
        exclusive section(*this);
        wait_queue& queue = queue_of(next->home());
        if (closed_) {
            next->fail(code(errc::closed));
        }
        else if (may_pass(next->home()) && possible(*next) == outcome::granted) {
            hand_out(*next);
        }
        else if (next->expired()) {
            ++queue.failures;
            next->fail(code(errc::deadline_exceeded));
        }
        else {
            queue.add(order, std::move(next));
            waiting_.fetch_add(1, std::memory_order_relaxed);
            (void)next_servable(); // none is; it finds out whether one starves
            return;
        }
    }
    std::move(*next).complete();
}

void pool_state::give_up(std::uint64_t order, error_code reason)
{
    waiter_list done;
    {
        exclusive section(*this);
        for_each_queue([&](wait_queue& each) {
            std::unique_ptr<waiter> found = each.take(order);
            if (!found)
                return;
            waiting_.fetch_sub(1, std::memory_order_relaxed);
            each.failures += reason == code(errc::deadline_exceeded) ? 1 : 0;
            found->fail(reason);
            done.append(std::move(found));
        });
        done.append(serve()); // those behind may fit where this one did not
        if (!anyone_waits())
            starved_ = false;
    }
    done.complete_all();
}

void pool_state::start_acquire(std::size_t bytes, deadline limit, buffer_completion done)
{
    if (bytes == 0 || bytes > largest_bytes())
        return std::move(done).post(code(errc::invalid_size), buffer());
    tier* const home = tier_for(bytes);
    if (home)
        if (pool_block* const ready = home->try_pop())
            return std::move(done).post(error_code(), buffer(block_reference::first(*ready)));
    start(std::make_unique<waiter>(home, bytes, std::move(done)), limit);
}

void pool_state::start_reserve(std::size_t blocks, std::size_t block_bytes, deadline limit,
                               reservation_completion done)
{
    if (const std::error_code reason = why_never(blocks, block_bytes))
        return std::move(done).post(error_code(reason), reservation());
    tier& home = *tier_for(block_bytes);
    auto promised = std::make_shared<reservation_state>(shared_from_this(), home, blocks);
    start(std::make_unique<waiter>(home, blocks, std::move(promised), std::move(done)), limit);
}

void pool_state::close()
{
    waiter_list told;
    {
        exclusive section(*this);
        closed_ = true;
        starved_ = false;
        for_each_queue([&](wait_queue& each) {
            while (!each.empty()) {
                std::unique_ptr<waiter> next = each.take_front();
                next->fail(code(errc::closed));
                told.append(std::move(next));
            }
        });
        waiting_.store(0, std::memory_order_relaxed);
        for (tier_entry& each : tiers_)
            each.blocks->cool_all();
        if (warm_bytes() > 0 || mapped_.in_use > 0)
            self_ = shared_from_this();
    }
    told.complete_all();
}

} // namespace weir::detail
