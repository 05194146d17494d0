// A source of one's own: a sequence that is made as it is read.
//
//   $ custom_source
//   100000 bytes in 4 chunks

#include <weir/flow.hpp>
#include <weir/sinks.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/core.h>

#include <algorithm>

struct sequence final : weir::source {
    boost::asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        const std::span<std::byte> spare = co_await blocks.spare(memory); // the rest of a block
        const std::size_t count = std::min({spare.size(), max_bytes, left});
        if (count == 0)
            co_return weir::bytes(); // the end
        std::ranges::generate(spare.first(count), [&] { return static_cast<std::byte>(left-- % 251); });
        co_return weir::bytes(blocks.commit(count));
    }

    std::size_t left = 100'000;
    weir::block_filler blocks;
};

int main()
{
    boost::asio::io_context context;
    weir::engine engine(context.get_executor());
    weir::null_sink sink;
    auto flow = run_flow(engine, std::make_unique<sequence>(), sink, {.chunker = weir::fixed(32'000)});
    auto done = boost::asio::co_spawn(context, std::move(flow), boost::asio::use_future);
    context.run();
    const weir::flow_statistics all = done.get(); // throws what ended the flow
    fmt::print("{} bytes in {} chunks\n", all.bytes, all.chunks);
}
