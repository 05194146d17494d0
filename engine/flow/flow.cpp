#include <weir/flow.hpp>

#include <boost/asio/this_coro.hpp>

#include <exception>
#include <utility>

namespace weir {

namespace asio = boost::asio;

namespace {

asio::awaitable<void> pump(chunk_stream& chunks, sink& output)
{
    for (;;) {
        const std::span<chunk> batch = co_await chunks.next_batch();
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
