#include "alarm.hpp"

#include "base/event_loop.hpp"

#include <boost/asio/steady_timer.hpp>

#include <utility>

namespace weir::detail {

struct alarm::state {
    boost::asio::steady_timer timer;
    std::function<void()> ring;
    bool is_set = false;
};

alarm::alarm(const boost::asio::any_io_executor& where, std::function<void()> ring)
    : state_(std::make_shared<state>(state{boost::asio::steady_timer(with_event_loop(where)), std::move(ring)}))
{
}

bool alarm::set(std::chrono::nanoseconds after)
{
    if (std::exchange(state_->is_set, true))
        return false;
    state_->timer.expires_after(after);
    state_->timer.async_wait([weak = std::weak_ptr(state_)](boost::system::error_code stopped) {
        const auto alive = weak.lock();
        if (stopped || !alive)
            return;
        alive->is_set = false;
        alive->ring();
    });
    return true;
}

} // namespace weir::detail
