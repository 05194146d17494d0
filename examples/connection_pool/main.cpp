// A pool of TCP connections: six requests share two of them.
//
//   $ connection_pool
//   6 answers over 2 connections
#include <weir/connection_pool.hpp>
#include <boost/asio.hpp>
#include <fmt/core.h>
namespace asio = boost::asio;
using asio::ip::tcp;
struct tcp_manager {
    using key_type = tcp::endpoint;
    using connection_type = tcp::socket;
    asio::awaitable<tcp::socket> create(const tcp::endpoint& server)
    {
        tcp::socket socket(co_await asio::this_coro::executor);
        co_await socket.async_connect(server, asio::use_awaitable);
        co_return socket;
    }
};
asio::awaitable<void> ask(weir::connection_pool<tcp_manager>& pool, tcp::endpoint server)
{
    weir::pooled<tcp::socket> peer = co_await pool.async_acquire(server, asio::use_awaitable);
    char answer = 0;
    co_await peer->async_receive(asio::buffer(&answer, 1), asio::use_awaitable);
}
void rethrow(std::exception_ptr failure) { failure ? std::rethrow_exception(failure) : void(); }
int main()
{
    asio::io_context io;
    tcp::acceptor server(io, {asio::ip::address_v4::loopback(), 0});
    weir::connection_pool<tcp_manager> pool(io.get_executor(), tcp_manager(), {.max_per_key = 2});
    for (int i = 0; i < 2; ++i) // a server with six answers for each client
        server.async_accept([](auto, tcp::socket client) { client.send(asio::buffer("answer", 6)); });
    for (int i = 0; i < 6; ++i)
        asio::co_spawn(io, ask(pool, server.local_endpoint()), rethrow);
    while (pool.statistics().recycled < 6) // what is idle would keep run() from returning
        io.run_one();
    fmt::print("{} answers over {} connections\n", pool.statistics().acquired, pool.statistics().created);
}
