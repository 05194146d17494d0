#include <weir/flow.hpp>

#include <weir/detail/unless.hpp>

#include <boost/asio/this_coro.hpp>

#include <cassert>
#include <exception>
#include <optional>
#include <span>
#include <utility>

namespace weir {

namespace asio = boost::asio;

namespace {

/// There is nothing to stop for but what `watch` throws.
asio::awaitable<bool> fails(asio::awaitable<void> watch)
{
    co_await std::move(watch);
    co_return false;
}

asio::awaitable<std::span<chunk>> next_batch(chunk_stream& chunks, sink& output)
{
    std::optional<asio::awaitable<void>> watch = output.watch();
    if (!watch)
        co_return co_await chunks.next_batch();
    std::optional<std::span<chunk>> batch;
    const bool came = co_await detail::unless(fails(std::move(*watch)), detail::store(chunks.next_batch(), batch));
    assert(came);
    static_cast<void>(came);
    co_return *batch;
}

asio::awaitable<void> pump(chunk_stream& chunks, sink& output)
{
    for (;;) {
        const std::span<chunk> batch = co_await next_batch(chunks, output);
        if (batch.empty())
            break;
        co_await output.write(batch);
    }
    co_await output.finish();
}

} // namespace

asio::awaitable<flow_statistics> run_flow(engine& owner, std::unique_ptr<source> input, sink& output,
                                          stream_options options)
{
    chunk_stream chunks(owner, std::move(input), options);
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    std::exception_ptr failure;
    try {
        co_await pump(chunks, output);
    }
    catch (...) {
        failure = std::current_exception();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    try {
        co_await chunks.close();
    }
    catch (...) {
        if (!failure)
            failure = std::current_exception();
    }
    // The state is the caller's too, who may be cancelled later.
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    if (failure)
        std::rethrow_exception(failure);
    co_return chunks.statistics();
}

} // namespace weir
