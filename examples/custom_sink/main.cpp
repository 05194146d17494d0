// A sink of one's own: it keeps the digests of what it has seen, and counts what came again.
//
//   $ custom_sink
//   3 chunks, 1 of them twice

#include <weir/flow.hpp>
#include <weir/memory_source.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/core.h>

#include <unordered_set>

namespace asio = boost::asio;

struct catalogue final : weir::sink {
    asio::awaitable<void> write(std::span<weir::chunk> chunks) override
    {
        for (const weir::chunk& each : chunks)
            repeated += !seen.insert(each.digest).second;
        co_return;
    }

    std::unordered_set<weir::digest> seen;
    std::size_t repeated = 0;
};

int main()
{
    asio::io_context context;
    weir::engine engine(context.get_executor());
    catalogue sink;
    auto source = std::make_unique<weir::memory_source>(std::string(2000, 'a') + std::string(1000, 'b'));
    auto flow = run_flow(engine, std::move(source), sink, {.chunker = weir::fixed(1000)});
    auto done = asio::co_spawn(context, std::move(flow), asio::use_future);
    context.run();
    done.get(); // throws what ended the flow
    fmt::print("{} chunks, {} of them twice\n", sink.seen.size() + sink.repeated, sink.repeated);
}
