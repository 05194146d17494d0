// Lists the chunks of what a URL gives; here a server of the same program, which breaks off once in mid-body.
//
//   $ ingest_url
//              0    50000
//   2 requests, the second for bytes=30000-

#include <weir/chunk_stream.hpp>
#include <weir/fmt.hpp>
#include <weir/http/source.hpp>
#include <weir/testing/origin.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

namespace asio = boost::asio;

asio::awaitable<void> list_chunks(weir::engine& engine, weir::http::client& web, std::string url)
{
    auto body = co_await weir::http::open(web, weir::http::url::parse(url));
    weir::chunk_stream chunks(engine, std::move(body));
    while (std::optional<weir::chunk> chunk = co_await chunks.next())
        fmt::print("{:>12} {:>8}\n", chunk->offset, chunk->size());
    web.close();
}

int main()
{
    weir::testing::origin server(weir::testing::script::parse(
        "object o 50000\n on /o request 1\n serve o\n reset at body 30000\n on /o\n serve o\n"));
    asio::io_context context;
    weir::engine engine(context.get_executor());
    weir::http::client web(context.get_executor());
    asio::co_spawn(context, list_chunks(engine, web, server.url("/o")), [](std::exception_ptr failure) {
        if (failure)
            std::rethrow_exception(failure);
    });
    context.run();
    fmt::print("{} requests, the second for {}\n", server.requests().size(), *server.requests().back().field("Range"));
}
