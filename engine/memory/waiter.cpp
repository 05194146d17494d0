#include "memory/waiter.hpp"

#include "base/event_loop.hpp"
#include "memory/reservation_state.hpp"

#include <weir/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <optional>

namespace weir::detail {

namespace {

/// Ends a wait early: at its deadline, or with the execution context of who waits.
class watch final : public companion {
public:
    explicit watch(const std::function<void(boost::system::error_code)>& give_up) : give_up_(give_up) {}

    void start_timer(const boost::asio::any_io_executor& executor, deadline limit)
    {
        timer_.emplace(with_event_loop(executor), limit);
        timer_->async_wait([give_up = give_up_](boost::system::error_code stopped) {
            if (!stopped)
                give_up(code(errc::deadline_exceeded));
        });
    }

    void abandoned() noexcept override { give_up_(code(errc::closed)); }

private:
    std::function<void(boost::system::error_code)> give_up_;
    std::optional<boost::asio::steady_timer> timer_;
};

template <class Completion>
void watch_over(Completion& done, deadline limit, const std::function<void(boost::system::error_code)>& give_up)
{
    if (boost::asio::cancellation_slot slot = done.slot(); slot.is_connected())
        slot.assign([give_up](boost::asio::cancellation_type type) {
            if (type != boost::asio::cancellation_type::none)
                give_up(boost::asio::error::operation_aborted);
        });
    auto watcher = std::make_unique<watch>(give_up);
    if (limit != deadline::max())
        watcher->start_timer(done.executor(), limit);
    done.accompany(std::move(watcher));
}

} // namespace

waiter::waiter(tier* home, std::size_t bytes, buffer_completion done)
    : home_(home), bytes_(bytes), wants_buffer_(std::move(done))
{
}

waiter::waiter(tier& home, std::size_t blocks, std::shared_ptr<reservation_state> promised,
               reservation_completion done)
    : home_(&home), blocks_(blocks), wants_reservation_(std::move(done)), promised_(std::move(promised))
{
}

void waiter::arm(deadline limit, const std::function<void(boost::system::error_code)>& give_up)
{
    limit_ = limit;
    if (wants_buffer_)
        watch_over(wants_buffer_, limit, give_up);
    else
        watch_over(wants_reservation_, limit, give_up);
}

void waiter::complete() &&
{
    if (wants_buffer_)
        std::move(wants_buffer_).post(failure_, std::move(granted_));
    else if (failure_)
        std::move(wants_reservation_).post(failure_, reservation());
    else
        std::move(wants_reservation_).post(failure_, reservation(std::move(promised_)));
}

void waiter_list::append(std::unique_ptr<waiter> added) noexcept
{
    waiter* const next = added.get();
    (last_ ? last_->next_ : first_) = std::move(added);
    last_ = next;
}

void waiter_list::append(waiter_list added) noexcept
{
    if (!added.first_)
        return;
    (last_ ? last_->next_ : first_) = std::move(added.first_);
    last_ = added.last_;
}

void waiter_list::complete_all()
{
    last_ = nullptr;
    while (first_) {
        const std::unique_ptr<waiter> next = std::move(first_);
        first_ = std::move(next->next_);
        std::move(*next).complete();
    }
}

void wait_queue::add(std::uint64_t order, std::unique_ptr<waiter> added)
{
    waiters.emplace(order, std::move(added));
    ++waits;
}

std::unique_ptr<waiter> wait_queue::take(std::uint64_t order) noexcept
{
    const auto found = waiters.find(order);
    if (found == waiters.end())
        return nullptr;
    std::unique_ptr<waiter> out = std::move(found->second);
    waiters.erase(found);
    waited += out->waited();
    return out;
}

} // namespace weir::detail
