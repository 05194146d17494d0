#include "stall_watch.hpp"

#include <utility>

namespace weir::detail {

stall_watch::stall_watch(const boost::asio::any_io_executor& where, std::chrono::milliseconds period,
                         std::function<void()> look)
    : state_(std::make_shared<state>(state{boost::asio::steady_timer(where), period, std::move(look)}))
{
    arm(state_);
}

void stall_watch::arm(const std::shared_ptr<state>& self)
{
    self->timer.expires_after(self->period);
    self->timer.async_wait([weak = std::weak_ptr(self)](boost::system::error_code stopped) {
        const auto alive = weak.lock();
        if (stopped || !alive)
            return;
        alive->look();
        arm(alive);
    });
}

} // namespace weir::detail
