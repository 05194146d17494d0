#pragma once
// Runs coroutines in tests: to their end, or step by step to see that they wait.

#include <weir/as_result.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <doctest/doctest.h>

#include <memory>
#include <optional>

namespace test {

/// A coroutine that was started on a context; its outcome is here once the context has run it to its end.
template <class T> class task {
public:
    template <class Executor> task(Executor where, boost::asio::awaitable<T> work) : state_(std::make_shared<state>())
    {
        auto at_end = [state = state_](std::exception_ptr broken, std::optional<weir::result<T>> outcome) {
            REQUIRE(!broken);
            state->outcome = std::move(outcome);
        };
        boost::asio::co_spawn(where, body(std::move(work)),
                              boost::asio::bind_cancellation_slot(state_->stop.slot(), std::move(at_end)));
    }

    [[nodiscard]] bool done() const { return state_->outcome.has_value(); }
    /// On the executor, or where nothing runs on it.
    void cancel(boost::asio::cancellation_type how = boost::asio::cancellation_type::terminal)
    {
        state_->stop.emit(how);
    }
    [[nodiscard]] weir::result<T>& outcome()
    {
        REQUIRE(done());
        return *state_->outcome;
    }

private:
    struct state {
        boost::asio::cancellation_signal stop;
        std::optional<weir::result<T>> outcome;
    };

    static boost::asio::awaitable<std::optional<weir::result<T>>> body(boost::asio::awaitable<T> work)
    {
        std::optional<weir::result<T>> outcome;
        try {
            weir::result<T> ended = co_await weir::as_result(std::move(work));
            outcome.emplace(std::move(ended));
        }
        catch (...) { // cancelled before its start
            outcome.emplace(weir::failure(std::current_exception()));
        }
        // Else Boost 1.81's co_spawn throws out of run() when a cancelled coroutine ends without having waited.
        co_await boost::asio::this_coro::throw_if_cancelled(false);
        co_return outcome;
    }

    std::shared_ptr<state> state_;
};

/// Runs one coroutine to its end and gives what it gives, or throws what it throws.
template <class T> T await(boost::asio::io_context& context, boost::asio::awaitable<T> work)
{
    task<T> running(context.get_executor(), std::move(work));
    context.restart();
    while (!running.done() && context.run_one() != 0) {
    }
    return std::move(running.outcome()).value();
}

/// Runs all that is ready, without waiting for timers or peers.
inline void run_ready(boost::asio::io_context& context)
{
    context.restart();
    context.poll();
}

} // namespace test
