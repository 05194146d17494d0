// Gives up on a peer that says nothing, and has every block back by then.
//
//   $ deadline
//   ingest: deadline exceeded, 0 bytes in use

#include <weir/cancel.hpp>
#include <weir/flow.hpp>
#include <weir/sinks.hpp>
#include <weir/stream_source.hpp>

#include <boost/asio.hpp>
#include <fmt/core.h>

#include <chrono>

namespace asio = boost::asio;

asio::awaitable<void> ingest(weir::engine& engine, asio::readable_pipe& pipe)
{
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
    auto source = std::make_unique<weir::stream_source<asio::readable_pipe&>>(pipe);
    weir::null_sink sink;
    auto flow = weir::run_flow(engine, std::move(source), sink);
    const auto outcome = co_await weir::as_result(weir::with_deadline(std::move(flow), deadline, "ingest"));
    fmt::print("{}, {} bytes in use\n", outcome.message(), engine.pool().statistics().in_use_bytes);
}

int main()
{
    asio::io_context context;
    weir::engine engine(context.get_executor());
    asio::readable_pipe pipe(context);
    asio::writable_pipe peer(context);
    asio::connect_pipe(pipe, peer);
    asio::co_spawn(context, ingest(engine, pipe), [](std::exception_ptr failure) {
        if (failure)
            std::rethrow_exception(failure); // out of run()
    });
    context.run();
}
