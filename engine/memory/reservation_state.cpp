#include "memory/reservation_state.hpp"

#include "memory/pool_state.hpp"

#include <weir/error.hpp>

#include <boost/asio/error.hpp>

namespace weir::detail {

using boost::system::error_code;

reservation_state::reservation_state(std::shared_ptr<pool_state> pool, tier& home, std::size_t blocks) noexcept
    : pool_(std::move(pool)), home_(home), blocks_(blocks)
{
}

void reservation_state::fill(block_list promised) noexcept
{
    for (pool_block* each = promised.top(); each; each = each->next)
        each->lender = this;
    idle_ = promised;
}

std::size_t reservation_state::block_bytes() const noexcept { return home_.block_bytes(); }

std::size_t reservation_state::free_blocks() const
{
    std::lock_guard lock(mutex_);
    return idle_.size();
}

std::chrono::nanoseconds reservation_state::waited() const
{
    std::lock_guard lock(mutex_);
    return waiters_.empty() ? waited_ : waited_ + (clock::now() - starved_since_);
}

void reservation_state::note_end_of_waiting() noexcept
{
    if (waiters_.empty())
        waited_ += clock::now() - starved_since_;
}

buffer reservation_state::take_own() noexcept
{
    ++out_;
    return buffer(block_reference::first(*idle_.pop()));
}

std::optional<buffer> reservation_state::try_take_own()
{
    std::lock_guard lock(mutex_);
    if (idle_.empty())
        return std::nullopt;
    return take_own();
}

std::optional<buffer> reservation_state::try_take_elastic()
{
    pool_block* const lent = pool_->try_take(home_, pool_state::refusal::expected);
    if (!lent)
        return std::nullopt;
    {
        std::lock_guard lock(mutex_);
        if (!closed_) {
            lent->lender = this;
            lent->elastic = true;
            ++out_;
            return buffer(block_reference::first(*lent));
        }
    }
    pool_->release(*lent);
    return std::nullopt;
}

std::optional<buffer> reservation_state::try_take()
{
    {
        std::lock_guard lock(mutex_);
        if (!idle_.empty())
            return take_own();
        if (closed_ || !waiters_.empty())
            return std::nullopt;
    }
    return try_take_elastic();
}

void reservation_state::start_take(buffer_completion done)
{
    if (std::optional<buffer> taken = try_take())
        return std::move(done).post(error_code(), std::move(*taken));
    std::unique_lock lock(mutex_);
    if (closed_) {
        lock.unlock();
        return std::move(done).post(code(errc::closed), buffer());
    }
    if (!idle_.empty()) { // came back meanwhile
        buffer taken = take_own();
        lock.unlock();
        return std::move(done).post(error_code(), std::move(taken));
    }
    const std::uint64_t order = next_order_++;
    if (boost::asio::cancellation_slot slot = done.slot(); slot.is_connected())
        slot.assign([weak = weak_from_this(), order](boost::asio::cancellation_type type) {
            if (type != boost::asio::cancellation_type::none)
                if (const std::shared_ptr<reservation_state> self = weak.lock())
                    self->cancel(order);
        });
    if (waiters_.empty())
        starved_since_ = clock::now();
    waiters_.emplace(order, std::move(done));
}

void reservation_state::cancel(std::uint64_t order)
{
    waiters::node_type found;
    {
        std::lock_guard lock(mutex_);
        found = waiters_.extract(order);
        if (found)
            note_end_of_waiting();
    }
    if (found)
        std::move(found.mapped()).post(boost::asio::error::operation_aborted, buffer());
}

bool reservation_state::keeps(const pool_block& returned) const noexcept
{
    if (closed_)
        return false;
    return !returned.elastic || (!waiters_.empty() && !pool_->anyone_waits());
}

void reservation_state::give_back(pool_block& returned) noexcept
{
    std::shared_ptr<reservation_state> last; // outlives the lock
    waiters::node_type next;
    {
        std::lock_guard lock(mutex_);
        if (!keeps(returned)) {
            if (--out_ == 0 && closed_)
                last = std::move(self_);
            returned.lender = nullptr;
            returned.elastic = false;
        }
        else if (!waiters_.empty()) {
            next = waiters_.extract(waiters_.begin());
            note_end_of_waiting();
        }
        else {
            --out_;
            idle_.push(returned);
            return;
        }
    }
    if (next)
        std::move(next.mapped()).post(error_code(), buffer(block_reference::first(returned)));
    else
        returned.origin->home().pool().release(returned); // this object may be gone by now, the block's pool not
}

void reservation_state::close()
{
    waiters told;
    block_list idle;
    {
        std::lock_guard lock(mutex_);
        closed_ = true;
        told.swap(waiters_);
        idle = idle_.take_all();
        for (pool_block* each = idle.top(); each; each = each->next)
            each->lender = nullptr;
        if (out_ > 0)
            self_ = shared_from_this();
    }
    pool_->end_reservation(home_, idle, blocks_);
    for (auto& [order, done] : told)
        std::move(done).post(code(errc::closed), buffer());
}

void start_take(std::shared_ptr<reservation_state> state, buffer_completion done)
{
    if (state)
        state->start_take(std::move(done));
    else
        std::move(done).post(code(errc::closed), buffer());
}

} // namespace weir::detail

namespace weir {

reservation::reservation(std::shared_ptr<detail::reservation_state> state) noexcept : state_(std::move(state)) {}

reservation& reservation::operator=(reservation&& other) noexcept
{
    if (this != &other) {
        const reservation old(std::move(*this));
        state_ = std::move(other.state_);
    }
    return *this;
}

reservation::~reservation()
{
    if (state_)
        state_->close();
}

std::size_t reservation::blocks() const noexcept { return state_ ? state_->blocks() : 0; }
std::size_t reservation::block_bytes() const noexcept { return state_ ? state_->block_bytes() : 0; }
std::size_t reservation::free_blocks() const noexcept { return state_ ? state_->free_blocks() : 0; }
std::chrono::nanoseconds reservation::waited() const noexcept
{
    return state_ ? state_->waited() : std::chrono::nanoseconds(0);
}

void reservation::keep_registered(registration entry)
{
    if (state_)
        state_->keep_registered(std::move(entry));
}

std::optional<buffer> reservation::try_take()
{
    return state_ ? state_->try_take() : std::nullopt;
}

std::optional<buffer> reservation::try_take_own()
{
    return state_ ? state_->try_take_own() : std::nullopt;
}

} // namespace weir
