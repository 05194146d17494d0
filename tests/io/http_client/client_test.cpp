// A client apart from what is fetched with it: how long it must live, and how long a request waits for it.

#include <weir/http/client.hpp>

#include "web.hpp"

#include <weir/http/fetch.hpp>
#include <weir/testing/generated.hpp>

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace client_test {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace http = weir::http;
using test::task;
using weir::errc;
using weir::testing::generated;
using weir::testing::origin;
using weir::testing::script;

constexpr std::size_t size = 300'000;

script slow_and_fast()
{
    script played;
    played.object("big", size, 7);
    played.on("/held").hold("go").serve("big");
    played.on("/away").hold("go").redirect(302, "/big");
    played.on("/big").serve("big");
    return played;
}

http::request_head get(const std::string& url) { return {"GET", http::url::parse(url), {}}; }

asio::awaitable<std::string> rest_of(http::response answer)
{
    std::string all(size + 1, '\0');
    std::size_t got = 0;
    for (std::size_t bytes = 1; bytes > 0; got += bytes)
        bytes = co_await answer.read_some(std::as_writable_bytes(std::span(all).subspan(got)));
    all.resize(got);
    co_return all;
}

asio::awaitable<std::string> body_of(asio::awaitable<http::response> asked)
{
    http::response answer = co_await std::move(asked);
    co_return co_await rest_of(std::move(answer));
}

/// Runs the loop until `is_so`, however long the other side takes.
template <class Condition> void run_until(asio::io_context& context, Condition is_so)
{
    while (!is_so()) {
        context.restart();
        context.run_for(1ms);
    }
}

TEST_CASE("client: a request that has its connection comes to its end though the client is gone")
{
    origin server(slow_and_fast());
    asio::io_context context;
    auto web = std::make_optional<http::client>(context.get_executor(), test::web::quick());
    task<std::string> running(context.get_executor(), body_of(web->send(get(server.url("/held")))));
    run_until(context, [&] { return server.requests().size() == 1; });
    web.reset();
    server.release("go");
    run_until(context, [&] { return running.done(); });
    CHECK(running.outcome().value() == generated(7, 0, size));
}

TEST_CASE("client: what needs a connection after the client is gone is closed: also what was not awaited before")
{
    origin server(slow_and_fast());
    asio::io_context context;
    http::client_options one = test::web::quick();
    one.connections.max_per_key = 1;
    auto web = std::make_optional<http::client>(context.get_executor(), one);
    task<std::string> redirected(context.get_executor(), body_of(web->send(get(server.url("/away")))));
    task<std::string> waiting(context.get_executor(), body_of(web->send(get(server.url("/big")))));
    run_until(context, [&] { return server.requests().size() == 1 && web->statistics().waiting == 1; });
    asio::awaitable<std::string> lazy = body_of(web->send(get(server.url("/big"))));
    std::optional<asio::awaitable<http::request_stream>> upload = web->begin(get(server.url("/big")), 5);
    web.reset();
    run_until(context, [&] { return waiting.done(); });
    CHECK(waiting.outcome().code() == errc::closed);
    server.release("go");
    run_until(context, [&] { return redirected.done(); });
    CHECK(redirected.outcome().code() == errc::closed);
    task<std::string> late(context.get_executor(), std::move(lazy));
    run_until(context, [&] { return late.done(); });
    CHECK(late.outcome().code() == errc::closed);
    CHECK_THROWS_AS((void)test::await(context, *std::move(upload)), weir::error);
}

TEST_CASE("client: an answer is read to its end though the client is gone, and its connection is closed then")
{
    origin server(slow_and_fast());
    asio::io_context context;
    auto web = std::make_optional<http::client>(context.get_executor(), test::web::quick());
    http::response answer = test::await(context, web->send(get(server.url("/big"))));
    web.reset();
    CHECK(test::await(context, rest_of(std::move(answer))) == generated(7, 0, size));
    CHECK(server.requests().size() == 1);
}

TEST_CASE("client: its end at any step of a request leaves nothing under way")
{
    bool came_to_end = false;
    int steps = 0;
    for (; !came_to_end; ++steps) {
        REQUIRE(steps < 1000);
        origin server(slow_and_fast());
        server.release("go");
        asio::io_context context;
        auto web = std::make_optional<http::client>(context.get_executor(), test::web::quick());
        task<std::string> running(context.get_executor(), body_of(web->send(get(server.url("/away")))));
        for (int i = 0; i != steps && !running.done(); ++i)
            context.run_one();
        came_to_end = running.done();
        web.reset();
        run_until(context, [&] { return running.done(); });
        if (running.outcome())
            CHECK(running.outcome().value() == generated(7, 0, size));
        else
            CHECK(running.outcome().code() == errc::closed);
        context.restart();
        context.run(); // no timer and no connection of a pool is left
    }
    CHECK(steps > 5);
}

TEST_CASE("client: a request waits for a connection as long as the limit of the pool says")
{
    origin server(slow_and_fast());
    asio::io_context context;
    http::client_options one = test::web::quick();
    one.connections.max_per_key = 1;
    one.limits.pool = 30ms;
    http::client web(context.get_executor(), one);
    task<std::string> first(context.get_executor(), body_of(web.send(get(server.url("/held")))));
    run_until(context, [&] { return server.requests().size() == 1; });
    task<std::string> second(context.get_executor(), body_of(web.send(get(server.url("/big")))));
    run_until(context, [&] { return second.done(); });
    CHECK(second.outcome().code() == errc::pool_timeout);
    CHECK(second.outcome().message().starts_with("connect to 127.0.0.1:"));
    server.release("go");
    run_until(context, [&] { return first.done(); });
    CHECK(first.outcome().value() == generated(7, 0, size));
    web.close();
}

} // namespace
} // namespace client_test
