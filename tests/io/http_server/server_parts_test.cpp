// What a server is made of, apart from connections.
#include "http_server/client_pace.hpp"
#include "http_server/core.hpp"

#include "support/allocation_counter.hpp"
#include "support/coroutine.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>

#include <new>
#include <utility>

namespace {

using weir::http::detail::client_pace;
using weir::http::detail::server_core;
namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;

TEST_CASE("client pace: each wait has its limit, which progress renews as far as the rate is kept")
{
    const client_pace::clock::time_point now(100s);
    client_pace pace(10s, 1'000);
    CHECK(pace.limit(now) - now == 10s);
    pace.waited(9s); // for a byte
    pace.moved(500);
    CHECK(pace.limit(now) - now == 1'500ms);
    pace.waited(1s);
    pace.moved(3'500);
    CHECK(pace.limit(now) - now == 4s);
    pace.waited(5s);
    CHECK(pace.limit(now) - now == 0s);
    pace.moved(std::uint64_t{1} << 40);
    CHECK(pace.limit(now) - now == 10s);
}

/// One end of a connection to a listening socket.
asio::ip::tcp::socket connected(asio::io_context& context, asio::ip::tcp::acceptor& at)
{
    asio::ip::tcp::socket out(context);
    out.connect(at.local_endpoint());
    return out;
}

/// Serves a connection as a listener does, with memory for so many allocations. \returns  whether that was enough
asio::awaitable<bool> try_serve(server_core& core, asio::ip::tcp::socket socket, std::size_t allocations)
{
    server_core::room taken = co_await core.wait_for_room();
    CHECK(core.statistics().open == 1);
    weir::net::transport stream(std::move(socket));
    test::fail_allocation_after(allocations);
    bool failed = false;
    try {
        core.serve(std::move(stream), false, std::move(taken));
    }
    catch (const std::bad_alloc&) {
        failed = true;
    }
    test::allow_allocations();
    co_return !failed;
}

TEST_CASE("server: room is given back once, at whatever step memory runs out")
{
    asio::io_context context;
    asio::ip::tcp::acceptor at(context, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    http::server_options options;
    options.connections = 2;
    const http::handler nobody = [](http::server_exchange&) -> asio::awaitable<void> { co_return; };
    const auto core = std::make_shared<server_core>(context.get_executor(), nobody, options);
    std::size_t steps = 0;
    for (bool served = false; !served; ++steps) {
        REQUIRE(steps < 200);
        CAPTURE(steps);
        try {
            served = test::await(context, try_serve(*core, connected(context, at), steps));
        }
        catch (const std::bad_alloc&) { // where memory runs out in Asio's co_spawn, it throws that out of the loop
            test::run_ready(context);
        }
        CHECK(core->statistics().open == (served ? 1 : 0));
    }
    CHECK(steps > 3);
    core->cancel_all();
    context.restart();
    context.run();
    CHECK(core->statistics().open == 0);
}

} // namespace
