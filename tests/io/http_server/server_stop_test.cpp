#include <weir/http/server.hpp>

#include "io/net/descriptors.hpp"
#include "serving.hpp"
#include "support/temp_dir.hpp"

#include <weir/detail/async_event.hpp>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <filesystem>
#include <future>
#include <string>

namespace {

using test::body_of;
using test::get;
using test::has;
using test::serving;
using test::status_of;
namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;

/// Where a handler waits until it is told to go on; it says that it has come so far.
struct gate {
    std::promise<void> reached;
    weir::detail::async_event opened;

    asio::awaitable<void> pass()
    {
        reached.set_value();
        co_await opened.async_wait(asio::use_awaitable);
    }
};

TEST_CASE("server stop: idle connections are closed, what has begun comes to its end, and nobody new is let in")
{
    gate held;
    serving server([&held](http::server_exchange& with) -> asio::awaitable<void> {
        if (with.request().path() == "/held")
            co_await held.pass();
        co_await with.reply(200, "whole");
    });
    test::client idle = server.connect();
    CHECK(status_of(idle.send(get).until("whole")) == 200);
    test::client busy = server.connect();
    busy.send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n" + get);
    held.reached.get_future().wait();
    std::future<void> stopped = server.stop(20s);
    CHECK(idle.rest().empty());
    held.opened.set();
    const std::string answer = busy.rest();
    CHECK(has(answer, "Connection: close\r\n"));
    CHECK(body_of(answer) == "whole"); // the second request came too late
    stopped.get();
    CHECK_THROWS_AS((void)server.connect(), boost::system::system_error);
    CHECK(server.server().statistics().open == 0);
    CHECK_THROWS_AS((void)server.server().listen(server.where()), weir::error);
}

TEST_CASE("server stop: a handler that has switched cancellation off leaves no connection behind that cannot be closed")
{
    serving server([](http::server_exchange& with) -> asio::awaitable<void> {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await with.reply(200, "whole");
    });
    test::client idle = server.connect();
    CHECK(status_of(idle.send(get).until("whole")) == 200);
    std::future<void> stopped = server.stop(1h);
    CHECK(idle.rest().empty());
    stopped.get();
}

TEST_CASE("server stop: at the deadline handlers are cancelled, and their ends awaited")
{
    std::atomic<bool> was_cancelled = false;
    std::promise<void> reached;
    serving server([&](http::server_exchange&) -> asio::awaitable<void> {
        asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        reached.set_value();
        boost::system::error_code ended;
        co_await never.async_wait(asio::redirect_error(asio::use_awaitable, ended));
        was_cancelled = ended == asio::error::operation_aborted;
        throw boost::system::system_error(ended);
    });
    test::client client = server.connect();
    client.send(get);
    reached.get_future().wait();
    server.stop(30ms).get();
    CHECK(was_cancelled);
    CHECK(client.rest().empty());
    CHECK(server.record().exchanges(1)[0].failed);
}

TEST_CASE("server stop: a client that trickles its body does not hold it up beyond the deadline")
{
    serving server(test::echo);
    test::client client = server.connect();
    client.send("PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    (void)client.until("100 Continue\r\n\r\n");
    client.send("h");
    server.stop(30ms).get();
    CHECK(server.server().statistics().open == 0);
    CHECK(server.record().exchanges(1)[0].failed);
}

TEST_CASE("server stop: it may be called twice, and before anything was listened to")
{
    asio::io_context context;
    http::server server(context.get_executor(), test::echo);
    test::run(context, server.stop(std::chrono::steady_clock::now() + 10s));
    test::run(context, server.stop(std::chrono::steady_clock::now()));
    CHECK_THROWS_AS((void)server.listen(asio::ip::tcp::endpoint()), weir::error);
}

TEST_CASE("server: its end at any step leaves no connection, no descriptor and no coroutine")
{
    const std::size_t before = test::open_sockets();
    std::size_t steps = 0;
    for (bool came_to_end = false; !came_to_end; ++steps) {
        REQUIRE(steps < 1000);
        {
            asio::io_context context, theirs;
            http::server server(context.get_executor(), test::echo);
            const auto where = server.listen(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
            asio::ip::tcp::socket client(theirs);
            client.connect(where);
            const std::string text =
                "PUT /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
            asio::write(client, asio::buffer(text));
            client.shutdown(asio::ip::tcp::socket::shutdown_send);
            std::size_t done = 0;
            while (done < steps && server.statistics().exchanges == 0)
                done += context.poll_one() + (context.stopped() ? steps : 0);
            came_to_end = server.statistics().exchanges == 1;
            if (steps % 2 == 0)
                test::run(context, server.stop(std::chrono::steady_clock::now()));
        }
        CHECK(test::open_sockets() == before);
    }
    CHECK(steps > 5);
}

TEST_CASE("server: several threads serve many clients at once")
{
    http::server_options options;
    options.connections = 60; // all of them: none is closed while it is idle, to make room
    serving server(test::echo, options, 3);
    std::vector<std::thread> clients;
    std::atomic<int> good = 0;
    for (int i = 0; i < 6; ++i)
        clients.emplace_back([&] {
            for (int round = 0; round < 10; ++round) {
                const std::string answer = server.ask("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET "
                                                      "/b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
                good += has(answer, "PUT /a hello") && has(answer, "GET /b ") ? 1 : 0;
            }
        });
    for (std::thread& each : clients)
        each.join();
    CHECK(good == 60);
    CHECK(server.server().statistics().exchanges == 120);
}

TEST_CASE("server: a Unix socket is served, and its file goes with the server")
{
    const test::temp_dir folder;
    const std::string path = folder / "socket";
    {
        serving server(test::echo);
        server.server().listen(path);
        asio::io_context context;
        asio::local::stream_protocol::socket client(context);
        client.connect(asio::local::stream_protocol::endpoint(path));
        asio::write(client, asio::buffer("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 48));
        std::string answer;
        boost::system::error_code ended;
        asio::read(client, asio::dynamic_buffer(answer), ended);
        CHECK(body_of(answer) == "GET /a ");
        CHECK_THROWS_AS(server.server().listen(path), weir::error); // it is in use
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

} // namespace
