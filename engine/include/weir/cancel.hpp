#pragma once
// Limits of time for whole pieces of work.

#include <weir/as_result.hpp>
#include <weir/detail/run_on.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

namespace weir {

/// Awaits `work`, and cancels it at the deadline.
///
/// It returns when `work` has ended, however that came about: at once when `work` fails at once, and after the
/// deadline as long as `work` takes to clean up. Work that completes all the same gives its value.
/// For whole operations: where a limit is handed down as a value (`async_reserve`), that costs nothing and is better.
///
/// \param operation  what the error says was too slow, as a verb; lives until the end
/// \throws weir::error  `errc::deadline_exceeded`. When the deadline is past already, `work` does not start.
/// \throws what `work` throws, when it was not the deadline that stopped it
/// \par Cancellation
/// terminal, partial, total: passed on to `work`.
/// \par Executor
/// `work` runs on a strand of the caller's executor.
/// \par Cost
/// A coroutine and a timer: some microseconds and a dozen allocations.
template <class T>
[[nodiscard]] boost::asio::awaitable<T> with_deadline(boost::asio::awaitable<T> work,
                                                      std::chrono::steady_clock::time_point deadline,
                                                      std::string_view operation = "run")
{
    if (std::chrono::steady_clock::now() >= deadline)
        throw error(errc::deadline_exceeded, operation);
    const boost::asio::any_io_executor here = co_await boost::asio::this_coro::executor;
    const auto control = std::make_shared<detail::child_control>(here);
    control->set_deadline(deadline);
    result<T> outcome = co_await detail::async_run_child(control, std::move(work), boost::asio::use_awaitable);
    if (control->expired() && outcome.code() == condition::cancelled)
        throw error(errc::deadline_exceeded, operation);
    co_return std::move(outcome).value();
}

} // namespace weir
