#include "files/worker_signal.hpp"

#include <weir/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <mutex>
#include <optional>

namespace weir::detail {

namespace asio = boost::asio;

class worker_signal::state : public std::enable_shared_from_this<worker_signal::state> {
public:
    void notify()
    {
        std::lock_guard lock(mutex_); // while it is held the sleeper, and so its executor, cannot go away
        if (std::exchange(notified_, true) || !timer_)
            return;
        asio::post(timer_->get_executor(), [self = shared_from_this()] { self->wake(); });
    }

    /// \returns whether there was a notification; else the timer is ready to sleep on.
    bool take_or_prepare(const asio::any_io_executor& executor)
    {
        std::lock_guard lock(mutex_);
        if (std::exchange(notified_, false))
            return true;
        if (!timer_ || timer_->get_executor() != executor)
            timer_.emplace(executor, asio::steady_timer::time_point::max());
        return false;
    }

    asio::steady_timer& timer() noexcept { return *timer_; }

    void close()
    {
        std::lock_guard lock(mutex_);
        timer_.reset();
        notified_ = true;
    }

private:
    void wake()
    {
        std::lock_guard lock(mutex_);
        if (timer_)
            timer_->cancel();
    }

    std::mutex mutex_;
    bool notified_ = false;
    std::optional<asio::steady_timer> timer_; // touched on the strand only, but under the mutex when it comes and goes
};

void worker_signal::handle::notify() const noexcept { state_->notify(); }

worker_signal::worker_signal() : state_(std::make_shared<state>()) {}
worker_signal::~worker_signal() { state_->close(); }

asio::awaitable<void> worker_signal::wait()
{
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    while (!state_->take_or_prepare(executor)) {
        // Ends by `cancel` in every case: of the signal, or of the coroutine.
        co_await state_->timer().async_wait(asio::as_tuple(asio::use_awaitable));
        const asio::cancellation_state cancelled = co_await asio::this_coro::cancellation_state;
        if (cancelled.cancelled() != asio::cancellation_type::none)
            throw error(asio::error::make_error_code(asio::error::operation_aborted), "read");
    }
}

} // namespace weir::detail
