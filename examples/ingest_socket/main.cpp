// Digests what a peer sends over TCP, while it is being sent.
//
//   $ ingest_socket
//   13 bytes, 853ff93762a06ddbf722c4ebe9ddd66d8f63ddaea97f521c3ecc20da7c976020

#include <weir/chunk_stream.hpp>
#include <weir/fmt.hpp>
#include <weir/stream_source.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_future.hpp>

namespace asio = boost::asio;
using asio::ip::tcp;

asio::awaitable<void> serve(tcp::acceptor& acceptor, weir::engine& engine)
{
    tcp::socket peer = co_await acceptor.async_accept(asio::use_awaitable);
    auto source = std::make_unique<weir::stream_source<tcp::socket>>(std::move(peer), "peer");
    weir::chunk_stream chunks(engine, std::move(source));
    while (std::optional<weir::chunk> chunk = co_await chunks.next())
        fmt::print("{} bytes, {}\n", chunk->size(), chunk->digest);
}

int main()
{
    asio::io_context context;
    weir::engine engine(context.get_executor());
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    auto done = asio::co_spawn(context, serve(acceptor, engine), asio::use_future);
    tcp::socket client(context); // the peer, for once in the same program
    client.connect(acceptor.local_endpoint());
    client.send(asio::buffer("hello, world\n", 13));
    client.close();
    context.run();
    done.get(); // throws what went wrong
}
