#include <weir/net/time_limit.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <mutex>
#include <utility>

namespace weir::net {

namespace asio = boost::asio;

struct time_limit::state {
    state(const asio::any_io_executor& executor, std::function<void()> call)
        : timer(executor), on_expiry(std::move(call))
    {}

    // A timer that was given up may still call, on the strand of an earlier user: hence the lock, and the turn, by which
    // the call knows that it means nothing any more. Only what is of the present turn touches the timer.
    std::mutex mutex;
    asio::steady_timer timer;
    const std::function<void()> on_expiry;
    clock::time_point limit = clock::time_point::max();
    std::uint64_t turn = 0;
    phase now = phase::idle;

    /// Under the lock.
    static void sleep(const std::shared_ptr<state>& self, const asio::any_io_executor& where)
    {
        self->timer.expires_at(self->limit);
        self->timer.async_wait(asio::bind_executor(
            where, [weak = std::weak_ptr(self), where, turn = self->turn](boost::system::error_code) {
                if (const auto alive = weak.lock())
                    woke(alive, where, turn);
            }));
    }

    static void woke(const std::shared_ptr<state>& self, const asio::any_io_executor& where, std::uint64_t turn)
    {
        const std::lock_guard lock(self->mutex); // also for the call: who takes the limit away may end what it is for
        if (turn != self->turn)
            return;
        if (clock::now() < self->limit)
            return sleep(self, where);
        self->now = phase::expired;
        self->on_expiry();
    }
};

time_limit::time_limit(const asio::any_io_executor& executor, std::function<void()> on_expiry)
    : state_(std::make_shared<state>(executor, std::move(on_expiry)))
{}

time_limit::~time_limit() = default;

void time_limit::set(clock::time_point limit)
{
    const std::lock_guard lock(state_->mutex);
    const bool none = limit == clock::time_point::max();
    if (state_->now == phase::watched && (none || limit < state_->timer.expiry())) {
        ++state_->turn;
        state_->timer.cancel(); // it would keep the context running
        state_->now = phase::unwatched;
    }
    state_->limit = limit;
    if (none)
        state_->now = phase::idle;
    else if (state_->now != phase::watched)
        state_->now = phase::unwatched;
}

time_limit::phase time_limit::look() const noexcept
{
    const std::lock_guard lock(state_->mutex);
    return state_->now;
}

void time_limit::arm(const asio::any_io_executor& where)
{
    const std::lock_guard lock(state_->mutex);
    state_->now = phase::watched;
    state::sleep(state_, where);
}

} // namespace weir::net
