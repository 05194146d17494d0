#include <weir/sinks.hpp>

#include <weir/detail/run_on.hpp>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <exception>

namespace weir {

namespace asio = boost::asio;

namespace {

// Asio's && says that both failed, but not which of them did first.
asio::awaitable<void> note_first(asio::awaitable<void> work, std::exception_ptr& first)
{
    try {
        co_await std::move(work);
    }
    catch (...) {
        if (!first)
            first = std::current_exception();
        throw;
    }
}

// On a strand: && cancels from the thread on which the other side ends.
asio::awaitable<void> both_on_strand(asio::awaitable<void> a, asio::awaitable<void> b)
{
    using namespace asio::experimental::awaitable_operators;
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    std::exception_ptr first;
    std::exception_ptr other;
    try {
        co_await (note_first(std::move(a), first) && note_first(std::move(b), first));
    }
    catch (...) {
        other = std::current_exception();
    }
    if (first)
        std::rethrow_exception(first);
    if (other)
        std::rethrow_exception(other);
}

asio::awaitable<void> both(asio::awaitable<void> a, asio::awaitable<void> b)
{
    const asio::any_io_executor here = co_await asio::this_coro::executor;
    co_await detail::run_on(here, both_on_strand(std::move(a), std::move(b)));
}

} // namespace

callback_sink::callback_sink(function on_chunk, std::function<void()> on_finish)
    : on_chunk_(std::move(on_chunk)), on_finish_(std::move(on_finish))
{}

asio::awaitable<void> callback_sink::write(std::span<chunk> chunks)
{
    for (chunk& each : chunks)
        on_chunk_(each);
    co_return;
}

asio::awaitable<void> callback_sink::finish()
{
    if (on_finish_)
        on_finish_();
    co_return;
}

asio::awaitable<void> null_sink::write(std::span<chunk> chunks)
{
    for (const chunk& each : chunks) {
        ++chunks_;
        bytes_ += each.size();
    }
    co_return;
}

asio::awaitable<void> tee::write(std::span<chunk> chunks)
{
    copies_.assign(chunks.begin(), chunks.end());
    std::exception_ptr failure;
    try {
        co_await both(first_.write(chunks), second_.write(copies_));
    }
    catch (...) {
        failure = std::current_exception();
    }
    copies_.clear(); // no block is held until the next write, nor after the last
    if (failure)
        std::rethrow_exception(failure);
}

std::optional<asio::awaitable<void>> tee::watch()
{
    std::optional<asio::awaitable<void>> first = first_.watch();
    std::optional<asio::awaitable<void>> second = second_.watch();
    if (first && second)
        return both(std::move(*first), std::move(*second));
    return first ? std::move(first) : std::move(second);
}

asio::awaitable<void> tee::finish() { return both(first_.finish(), second_.finish()); }

} // namespace weir
