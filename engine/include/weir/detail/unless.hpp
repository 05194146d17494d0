#pragma once
// Work beside a watch that may end it.

#include <weir/export.hpp>

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <utility>

namespace weir::detail {

/// Awaits `work`, and cancels it if `stop` gives true or throws before; one that gives false is not awaited again.
///
/// Both have ended when it returns: whatever ends first cancels the other and waits for it. Work that completes all the same counts.
/// \returns  false: `stop` gave true, and `work` was cancelled for it
/// \throws what `work` throws; what `stop` throws, where `work` was cancelled for it
/// \par Cancellation
/// terminal, partial, total: passed on to both.
/// \par Executor
/// Both run on one strand of the caller's executor.
/// \par Cost
/// Three coroutines: some microseconds.
[[nodiscard]] WEIR_API boost::asio::awaitable<bool> unless(boost::asio::awaitable<bool> stop,
                                                           boost::asio::awaitable<void> work);

/// Where `work` is to leave its value.
template <class T> boost::asio::awaitable<void> store(boost::asio::awaitable<T> work, std::optional<T>& into)
{
    T value = co_await std::move(work);
    into.emplace(std::move(value));
}

} // namespace weir::detail
