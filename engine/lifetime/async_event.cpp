#include <weir/detail/async_event.hpp>

#include <weir/error.hpp>

#include <algorithm>

namespace weir::detail {

async_event::async_event() : state_(std::make_shared<state>()) {}

async_event::~async_event()
{
    complete_all(false, std::error_code(errc::closed));
}

void async_event::set()
{
    complete_all(true, {});
}

void async_event::reset() noexcept
{
    const std::lock_guard lock(state_->mutex);
    state_->set = false;
}

bool async_event::is_set() const noexcept
{
    const std::lock_guard lock(state_->mutex);
    return state_->set;
}

void async_event::complete_all(bool now_set, boost::system::error_code outcome)
{
    std::list<state::entry> waiters;
    {
        const std::lock_guard lock(state_->mutex);
        state_->set = now_set;
        waiters.swap(state_->waiters);
    }
    for (state::entry& each : waiters)
        std::move(each.waiting).post(outcome);
}

void async_event::wait(const std::shared_ptr<state>& self, waiter who)
{
    boost::asio::cancellation_slot slot = who.slot();
    {
        const std::lock_guard lock(self->mutex);
        if (!self->set) {
            const std::uint64_t id = ++self->last_id;
            // Before the lock is gone: afterwards the operation may have ended, and its slot with it.
            if (slot.is_connected())
                slot.assign([weak = std::weak_ptr(self), id](boost::asio::cancellation_type) {
                    if (const auto alive = weak.lock())
                        cancel(*alive, id);
                });
            self->waiters.push_back({id, std::move(who)});
            return;
        }
    }
    std::move(who).post({});
}

void async_event::cancel(state& self, std::uint64_t id)
{
    std::list<state::entry> cancelled;
    {
        const std::lock_guard lock(self.mutex);
        const auto place = std::ranges::find(self.waiters, id, &state::entry::id);
        if (place != self.waiters.end())
            cancelled.splice(cancelled.end(), self.waiters, place);
    }
    for (state::entry& each : cancelled)
        std::move(each.waiting).post(boost::asio::error::operation_aborted);
}

} // namespace weir::detail
