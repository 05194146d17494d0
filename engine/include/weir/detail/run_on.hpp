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
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace weir::detail {

/// A strand of `where`. Of an io_context's executor it is so small that `any_io_executor` needs no memory to hold it;
/// Asio copies that several times for each operation.
[[nodiscard]] inline boost::asio::any_io_executor strand_of(const boost::asio::any_io_executor& where)
{
    if (const auto* plain = where.target<boost::asio::io_context::executor_type>())
        return boost::asio::make_strand(*plain);
    return boost::asio::make_strand(where);
}

/// The strand of one child, and the way to stop it. Whoever keeps it beyond the child keeps nothing of the child's
/// executor: that may have ended by then.
class child_control {
public:
    explicit child_control(const boost::asio::any_io_executor& where)
        : lot_(parking_lot::of(boost::asio::query(where, boost::asio::execution::context))),
          strand_(strand_of(where))
    {
    }

    /// Of the child's execution context.
    [[nodiscard]] parking_lot& lot() const noexcept { return *lot_; }

    /// Before the child starts.
    void set_deadline(std::chrono::steady_clock::time_point when) { deadline_.emplace(*strand_, when); }

    /// What the child runs on, and the signal that stops it, which the child has to own.
    [[nodiscard]] boost::asio::any_io_executor start(const std::shared_ptr<boost::asio::cancellation_signal>& signal)
    {
        const std::lock_guard lock(mutex_);
        signal_ = signal;
        return *strand_;
    }

    /// From any thread.
    static void cancel(const std::shared_ptr<child_control>& self, boost::asio::cancellation_type how)
    {
        const std::lock_guard lock(self->mutex_);
        if (const parking_lot::visit inside(*self->lot_); inside && self->strand_)
            boost::asio::post(*self->strand_, [self, how] { self->emit(how); });
    }

    /// On the strand, by the child: only then may its deadline fall, or a cancellation reach it.
    static void begin(const std::shared_ptr<child_control>& self)
    {
        self->begun_ = true;
        if (self->asked_before_)
            cancel(self, *self->asked_before_); // comes when the child waits
        if (!self->deadline_)
            return;
        self->deadline_->async_wait([self](boost::system::error_code failed) {
            if (failed || self->ended())
                return;
            self->expired_ = true;
            self->emit(boost::asio::cancellation_type::terminal);
        });
    }

    /// On the strand, or by the end of its execution context.
    void end() noexcept
    {
        std::optional<boost::asio::any_io_executor> last; // goes without the lock
        const std::lock_guard lock(mutex_);
        last.swap(strand_);
        deadline_.reset();
    }

    /// Whether the deadline stopped it; read once it has ended.
    [[nodiscard]] bool expired() const noexcept { return expired_; }

private:
    [[nodiscard]] bool ended()
    {
        const std::lock_guard lock(mutex_);
        return !strand_;
    }

    /// On the strand. Not while the child is being started, maybe by another thread: Boost 1.81's co_spawn throws out of
    /// run() where a coroutine is cancelled before its first line.
    void emit(boost::asio::cancellation_type how)
    {
        if (!begun_) {
            asked_before_ = asked_before_.value_or(boost::asio::cancellation_type::none) | how;
            return;
        }
        std::shared_ptr<boost::asio::cancellation_signal> signal;
        {
            const std::lock_guard lock(mutex_);
            signal = signal_.lock();
        }
        if (signal)
            signal->emit(how);
    }

    const std::shared_ptr<parking_lot> lot_;
    std::mutex mutex_;
    std::optional<boost::asio::any_io_executor> strand_; ///< until the end
    std::optional<boost::asio::steady_timer> deadline_;
    std::weak_ptr<boost::asio::cancellation_signal> signal_;
    std::optional<boost::asio::cancellation_type> asked_before_; ///< this and what follows: on the strand
    bool begun_ = false;
    bool expired_ = false;
};

/// Lies in the child's completion handler, and so dies with the child in any case.
class child_end {
public:
    child_end(std::shared_ptr<child_control> of, std::shared_ptr<boost::asio::cancellation_signal> signal) noexcept
        : of_(std::move(of)), signal_(std::move(signal))
    {
    }
    child_end(child_end&&) noexcept = default;
    child_end& operator=(child_end&&) = delete;
    ~child_end()
    {
        if (of_)
            of_->end();
    }

private:
    std::shared_ptr<child_control> of_;
    std::shared_ptr<boost::asio::cancellation_signal> signal_; ///< Asio uses it until the handler is gone
};

/// The handler that waits for a child.
///
/// Where it runs on the child's own context it lies in the frame around the child. A context that ends then destroys the
/// child first, which may refer to what its parent has, as after any other `co_await`. A parked handler would go before:
/// so it is only where the contexts are two, and the handler's may end while the child goes on.
template <class Handler, class T>
class child_handler {
public:
    child_handler(Handler handler, const boost::asio::any_io_executor& strand)
    {
        const auto where = boost::asio::get_associated_executor(handler, strand);
        if (&boost::asio::query(where, boost::asio::execution::context)
            == &boost::asio::query(strand, boost::asio::execution::context))
            near_.emplace(std::move(handler), strand);
        else
            far_ = completion<result<T>>(std::move(handler), strand);
    }

    [[nodiscard]] boost::asio::cancellation_slot slot() const noexcept { return near_ ? near_->slot() : far_.slot(); }

    /// Once.
    void post(result<T> outcome) &&
    {
        if (near_)
            std::move(*near_).post(std::move(outcome));
        else
            std::move(far_).post(std::move(outcome));
    }

private:
    std::optional<pending<Handler>> near_;
    completion<result<T>> far_;
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
/// Cancelling the handler's slot cancels `work`, which then decides how it ends. If the context of `control` is
/// destroyed, `work` is, and then the handler, without a call. If the handler's is, and is another one, `work` goes on
/// to its end: what it refers to must not die with the one that waits.
template <class T, class Token>
auto async_run_child(std::shared_ptr<child_control> control, boost::asio::awaitable<T> work, Token&& token)
{
    namespace asio = boost::asio;
    return asio::async_initiate<Token, void(result<T>)>(
        [](auto handler, std::shared_ptr<child_control> child, asio::awaitable<T> body) {
            const parking_lot::visit inside(child->lot());
            if (!inside)
                return;
            const auto signal = std::make_shared<asio::cancellation_signal>();
            const asio::any_io_executor strand = child->start(signal);
            child_handler<decltype(handler), T> operation(std::move(handler), strand);
            if (auto slot = operation.slot(); slot.is_connected())
                slot.assign([weak = std::weak_ptr(child)](asio::cancellation_type how) {
                    if (const auto alive = weak.lock())
                        child_control::cancel(alive, how);
                });
            auto at_end = [ending = std::optional<child_end>(child_end(child, signal)),
                           operation = std::move(operation)](std::exception_ptr broken,
                                                             std::optional<result<T>> outcome) mutable {
                ending.reset();
                std::move(operation).post(broken ? result<T>(failure(broken)) : std::move(*outcome));
            };
            asio::co_spawn(strand, child_body(child, std::move(body)),
                           asio::bind_cancellation_slot(signal->slot(), std::move(at_end)));
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
