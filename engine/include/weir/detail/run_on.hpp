#pragma once
// Runs an awaitable on another executor, as a child that can be cancelled from any thread.
//
// co_spawn itself is not safe for that in Boost 1.81: its cancellation handler hands a plain pointer to the child's
// executor, and the pointer dies with the parent's operation, which may have ended before the pointer is used.
// Here signal and strand are shared by all who may still touch them.

#include <weir/as_result.hpp>
#include <weir/detail/pending.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace weir::detail {

/// The strand of one child, and the way to stop it.
class child_control {
public:
    explicit child_control(const boost::asio::any_io_executor& where) : strand_(boost::asio::make_strand(where)) {}

    [[nodiscard]] const auto& strand() const noexcept { return strand_; }
    [[nodiscard]] boost::asio::cancellation_slot slot() noexcept { return signal_.slot(); }

    /// From any thread.
    static void cancel(const std::shared_ptr<child_control>& self, boost::asio::cancellation_type how)
    {
        boost::asio::post(self->strand_, [self, how] { self->signal_.emit(how); });
    }

    /// Before the child starts.
    void set_deadline(std::chrono::steady_clock::time_point when) { deadline_.emplace(strand_, when); }

    /// On the strand, by the child: only then may its deadline fall.
    static void begin(const std::shared_ptr<child_control>& self)
    {
        if (!self->deadline_)
            return;
        self->deadline_->async_wait([self](boost::system::error_code failed) {
            if (failed || self->ended_)
                return;
            self->expired_ = true;
            self->signal_.emit(boost::asio::cancellation_type::terminal);
        });
    }

    /// On the strand.
    void end() noexcept
    {
        ended_ = true;
        if (deadline_)
            deadline_->cancel();
    }

    /// Whether the deadline stopped it; read once it has ended.
    [[nodiscard]] bool expired() const noexcept { return expired_; }

private:
    boost::asio::strand<boost::asio::any_io_executor> strand_;
    std::optional<boost::asio::steady_timer> deadline_;
    boost::asio::cancellation_signal signal_;
    bool ended_ = false;
    bool expired_ = false;
};

template <class T>
boost::asio::awaitable<std::optional<result<T>>> child_body(std::shared_ptr<child_control> control,
                                                            boost::asio::awaitable<T> work)
{
    child_control::begin(control);
    // What reaches a child was let through by its parent already.
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::enable_total_cancellation());
    result<T> outcome = co_await as_result(std::move(work));
    co_return std::optional<result<T>>(std::move(outcome));
}

/// Starts `work` on the strand of `control`; completes with `void(result<T>)` on the handler's executor.
///
/// Cancelling the handler's slot cancels `work`, which then decides how it ends. If the executor of `control` is
/// destroyed, `work` and the handler are too, without a call.
template <class T, class Token>
auto async_run_child(std::shared_ptr<child_control> control, boost::asio::awaitable<T> work, Token&& token)
{
    namespace asio = boost::asio;
    return asio::async_initiate<Token, void(result<T>)>(
        [](auto handler, std::shared_ptr<child_control> child, asio::awaitable<T> body) {
            pending operation(std::move(handler), child->strand());
            if (auto slot = operation.slot(); slot.is_connected())
                slot.assign([child](asio::cancellation_type how) { child_control::cancel(child, how); });
            auto at_end = [child, operation = std::move(operation)](std::exception_ptr broken,
                                                                    std::optional<result<T>> outcome) mutable {
                child->end();
                std::move(operation).post(broken ? result<T>(failure(broken)) : std::move(*outcome));
            };
            asio::co_spawn(child->strand(), child_body(child, std::move(body)),
                           asio::bind_cancellation_slot(child->slot(), std::move(at_end)));
        },
        token, std::move(control), std::move(work));
}

/// Awaits `work` on another executor and comes back. Cancellation goes over and is waited for.
template <class T> boost::asio::awaitable<T> run_on(boost::asio::any_io_executor where, boost::asio::awaitable<T> work)
{
    auto control = std::make_shared<child_control>(where);
    result<T> outcome = co_await async_run_child(std::move(control), std::move(work), boost::asio::use_awaitable);
    co_return std::move(outcome).value();
}

} // namespace weir::detail
