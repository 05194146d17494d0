#include <weir/detail/unless.hpp>

#include <weir/as_result.hpp>
#include <weir/detail/run_on.hpp>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>

#include <optional>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

/// Never fails: `||` would wait for the other side then.
asio::awaitable<void> await_work(asio::awaitable<void> work, std::optional<result<void>>& outcome)
{
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    result<void> ended = co_await as_result(std::move(work));
    outcome = std::move(ended);
}

/// Fails if there is nothing to stop for, so that `||` goes on waiting.
asio::awaitable<void> await_stop(asio::awaitable<bool> stop, std::optional<result<bool>>& outcome)
{
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    result<bool> ended = co_await as_result(std::move(stop));
    const bool goes_on = ended && !*ended;
    if (goes_on)
        throw error(errc::closed, "watch");
    outcome = std::move(ended);
}

// On a strand: || cancels from the thread on which one side ends.
asio::awaitable<bool> unless_on_strand(asio::awaitable<bool> stop, asio::awaitable<void> work)
{
    using namespace asio::experimental::awaitable_operators;
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    std::optional<result<void>> worked;
    std::optional<result<bool>> stopped;
    // Work first: it may have its bytes at hand.
    // await-forms: allow or, because waiting for the loser is what is wanted, and neither fails but to go on waiting
    (void)co_await (await_work(std::move(work), worked) || await_stop(std::move(stop), stopped));
    const bool was_stopped = stopped && (*stopped || stopped->code() != condition::cancelled);
    if (was_stopped && worked->code() == condition::cancelled)
        co_return !stopped->value();
    worked->value();
    co_return true;
}

} // namespace

asio::awaitable<bool> unless(asio::awaitable<bool> stop, asio::awaitable<void> work)
{
    const asio::any_io_executor here = co_await asio::this_coro::executor;
    co_return co_await run_on(here, unless_on_strand(std::move(stop), std::move(work)));
}

} // namespace weir::detail
