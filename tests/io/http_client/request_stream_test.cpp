// Requests whose body is sent piece by piece, and whose answer has one too.

#include "web.hpp"

#include <weir/error.hpp>
#include <weir/http/request_stream.hpp>
#include <weir/testing/generated.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace request_stream_test {
namespace {

namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;
using test::failure_of;
using test::web;
using weir::errc;
using weir::testing::generated;
using weir::testing::origin;
using weir::testing::script;

constexpr std::size_t size = 1'000'003;

struct answered {
    unsigned status = 0;
    std::string body;
    std::size_t written = 0; ///< of the request, before the server wanted no more
};

asio::awaitable<std::string> rest_of(http::response& from)
{
    std::string out;
    std::array<std::byte, 1000> block{};
    while (const std::size_t got = co_await from.read_some(block))
        out.append(reinterpret_cast<const char*>(block.data()), got);
    co_return out;
}

asio::awaitable<answered> post(http::client& client, http::url target, const std::string& content,
                               std::optional<std::uint64_t> length)
{
    http::request_head ask{"POST", std::move(target), {}};
    http::request_stream upload = co_await client.begin(std::move(ask), length);
    answered out;
    constexpr std::size_t piece = 10'000;
    const std::span<const std::byte> all = std::as_bytes(std::span(content));
    for (bool wanted = true; wanted && out.written < all.size();) {
        const auto next = all.subspan(out.written, std::min(piece, all.size() - out.written));
        wanted = co_await upload.write(next);
        out.written += next.size();
    }
    http::response answer = co_await upload.finish();
    out.status = answer.head().status;
    out.body = co_await rest_of(answer);
    co_return out;
}

answered post(web& web, const std::string& url, const std::string& content, std::optional<std::uint64_t> length)
{
    return test::await(web.context, post(web.client, http::url::parse(url), content, length));
}

TEST_CASE("request stream: a body arrives, with a length or in chunks, and the answer's comes back, on one connection")
{
    script played;
    played.object("answer", 50'000, 4);
    played.on("POST", "/*").serve("answer");
    origin server(std::move(played));
    web web;
    const std::string content = generated(3, 0, size);
    for (const std::optional<std::uint64_t> length : {std::optional<std::uint64_t>(size), {}}) {
        const answered got = post(web, server.url("/a"), content, length);
        CHECK(got.status == 200);
        CHECK(got.body == generated(4, 0, 50'000));
    }
    CHECK(post(web, server.url("/none"), "", 0).status == 200);
    CHECK(post(web, server.url("/none"), "", {}).status == 200);
    const auto seen = server.requests();
    REQUIRE(seen.size() == 4);
    CHECK(seen[0].body == content);
    CHECK(seen[0].field("Content-Length") == std::to_string(size));
    CHECK(seen[1].body == content);
    CHECK(seen[1].field("Transfer-Encoding") == "chunked");
    for (const auto& each : seen)
        CHECK(each.complete);
    CHECK(server.record().connections.size() == 1);
}

TEST_CASE("request stream: any status is an answer, and a redirect is not followed")
{
    script played;
    played.on("POST", "/bad").answer(500).body("no");
    played.on("POST", "/from").redirect(307, "/bad");
    origin server(std::move(played));
    web web;
    CHECK(post(web, server.url("/bad"), "content", 7).body == "no");
    CHECK(post(web, server.url("/from"), "content", 7).status == 307);
}

TEST_CASE("request stream: a server that answers early is sent no more, and its answer counts")
{
    script played;
    played.on("POST", "/").early().receive(100'000).answer(413).body("too much").close();
    origin server(std::move(played));
    web web;
    const std::string content = generated(3, 0, 30'000'000);
    const answered got = post(web, server.url("/"), content, {});
    CHECK(got.status == 413);
    CHECK(got.body == "too much");
    CHECK(got.written < content.size());
}

/// The rest of a body that never comes.
asio::awaitable<std::size_t> read_never()
{
    asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    co_await never.async_wait(asio::use_awaitable);
    co_return 0;
}

asio::awaitable<std::size_t> read_at_once() { co_return 10'000; }

/// Sends some of a body, then waits for more.
asio::awaitable<answered> post_and_wait(http::client& client, http::url target, std::size_t pieces,
                                        std::optional<std::uint64_t> length)
{
    http::request_head ask{"POST", std::move(target), {}};
    http::request_stream upload = co_await client.begin(std::move(ask), length);
    const std::string content = generated(3, 0, 10'000);
    answered out;
    for (bool wanted = true; wanted;) {
        // Asio's awaitable leaks the frame that it has when another is assigned to it.
        asio::awaitable<std::size_t> next = out.written < pieces * content.size() ? read_at_once() : read_never();
        const std::optional<std::size_t> got = co_await upload.unless_answered(std::move(next));
        if (!got)
            break;
        wanted = co_await upload.write(std::as_bytes(std::span(content)).first(*got));
        out.written += *got;
    }
    http::response answer = co_await upload.finish();
    out.status = answer.head().status;
    out.body = co_await rest_of(answer);
    co_return out;
}

TEST_CASE("request stream: a server that answers while the next bytes are waited for is heard at once")
{
    script played;
    played.on("POST", "/*").early().receive(20'000).send("HTTP/1.1 103 Early Hints\r\n\r\n").answer(413).body("too much").close();
    origin server(std::move(played));
    http::client_options options = web::quick();
    options.limits.idle = options.limits.first_byte = 50ms; // neither is for who waits for its own bytes
    web web(options);
    for (const std::optional<std::uint64_t> length : {std::optional<std::uint64_t>(size), {}}) {
        const answered got = test::await(web.context, post_and_wait(web.client, http::url::parse(server.url("/a")), 2, length));
        CHECK(got.status == 413);
        CHECK(got.body == "too much");
        CHECK(got.written == 20'000);
    }
    CHECK(web.client.statistics().borrowed == 0);
}

TEST_CASE("request stream: what a server says that is no answer, while the next bytes are waited for, is told by finish")
{
    script played;
    played.on("POST", "/reset").early().receive(20'000).reset();
    played.on("POST", "/close").early().receive(20'000).close();
    played.on("POST", "/nonsense").early().receive(20'000).send("nonsense\r\n\r\n").close();
    origin server(std::move(played));
    web web;
    const auto outcome = [&](const std::string& path) {
        return failure_of([&] {
            (void)test::await(web.context, post_and_wait(web.client, http::url::parse(server.url(path)), 2, {}));
        });
    };
    CHECK(outcome("/reset").code() == weir::condition::retryable);
    CHECK(outcome("/close").code() == weir::condition::retryable);
    CHECK(outcome("/nonsense").code() == errc::protocol_violation);
    CHECK(outcome("/nonsense").message().find(server.url("/nonsense")) != std::string::npos);
    CHECK(web.client.statistics().borrowed == 0);
}

TEST_CASE("request stream: the limit of the whole holds while the next bytes are waited for")
{
    script played;
    played.on("POST", "/").early().stall();
    origin server(std::move(played));
    http::client_options options = web::quick();
    options.limits.total = 100ms;
    web web(options);
    CHECK(failure_of([&] {
              (void)test::await(web.context, post_and_wait(web.client, http::url::parse(server.url("/")), 1, {}));
          }).code() == errc::deadline_exceeded);
}

TEST_CASE("request stream: with Expect a server decides before the body is sent")
{
    script played;
    played.on("POST", "/good").early().send("HTTP/1.1 100 Continue\r\n\r\n").receive().answer(200);
    played.on("POST", "/bad").early().answer(401).close();
    played.on("POST", "/mute").answer(200);
    origin server(std::move(played));
    web web;
    const auto ask = [&](const std::string& path, std::chrono::milliseconds patience) -> asio::awaitable<answered> {
        http::request_head head{"POST", http::url::parse(server.url(path)), {}};
        head.header.set("Expect", "100-continue");
        http::request_stream upload = co_await web.client.begin(std::move(head), 7);
        answered out;
        const bool wanted = co_await upload.await_continue(patience);
        if (wanted) {
            co_await upload.write(std::as_bytes(std::span(std::string_view("content"))));
            out.written = 7;
        }
        const http::response answer = co_await upload.finish();
        out.status = answer.head().status;
        co_return out;
    };
    const auto run = [&](const std::string& path, std::chrono::milliseconds patience) {
        return test::await(web.context, ask(path, patience));
    };
    CHECK(run("/good", 1h).status == 200);
    const answered bad = run("/bad", 1h);
    CHECK(bad.status == 401);
    CHECK(bad.written == 0);
    CHECK(run("/mute", 20ms).status == 200);
}

/// \returns  whether it came to its end before the step at which it was to be cancelled
bool cancel_waiting_after(int steps)
{
    script played;
    played.on("POST", "/").early().receive(20'000).answer(413).body("too much").close();
    origin server(std::move(played));
    web web;
    test::task<answered> running(web.context.get_executor(),
                                 post_and_wait(web.client, http::url::parse(server.url("/")), 2, {}));
    return test::cancel_after(steps, web, running);
}

TEST_CASE("request stream: cancelled after any step beside the wait for an answer, the connection is back")
{
    int steps = 0;
    while (!cancel_waiting_after(steps))
        ++steps;
    CHECK(steps > 10);
}

TEST_CASE("request stream: an answer that comes as soon as the length is there is no refusal")
{
    script played;
    played.on("POST", "/*").answer(200);
    origin server(std::move(played));
    web web;
    for (int i = 0; i != 200; ++i)
        REQUIRE(post(web, server.url("/"), "content", 7).status == 200);
    CHECK(server.record().connections.size() == 1);
}

TEST_CASE("request stream: less or more than the length is an error, and the server never sees a whole body")
{
    script played;
    played.on("POST", "/*").answer(200);
    origin server(std::move(played));
    web web;
    CHECK(failure_of([&] { (void)post(web, server.url("/"), "content", 8); }).code() == errc::ended_early);
    CHECK(failure_of([&] { (void)post(web, server.url("/"), "content", 6); }).code() == errc::invalid_size);
    CHECK(post(web, server.url("/good"), "all of it", 9).status == 200);
    REQUIRE(server.wait_until([](const auto& record) { return record.requests.size() == 3; }));
    for (const auto& each : server.requests())
        CHECK(each.complete == (each.target == "/good"));
    CHECK(web.client.statistics().borrowed == 0);
}

TEST_CASE("request stream: a server that hangs up has failed, and nothing is sent twice")
{
    script played;
    played.on("POST", "/").early().receive(1000).reset();
    origin server(std::move(played));
    web web;
    const auto failed = failure_of([&] { (void)post(web, server.url("/"), generated(3, 0, size), {}); });
    CHECK(failed.code() == weir::condition::retryable);
    CHECK(failed.message().find(server.url("/")) != std::string::npos);
    CHECK(server.requests().size() == 1);
}

/// \returns  whether it came to its end before the step at which it was to be cancelled
bool cancel_after(int steps)
{
    script played;
    played.object("answer", 50'000, 4);
    played.on("POST", "/").serve("answer").chunked(10'000);
    origin server(std::move(played));
    web web;
    const std::string content = generated(3, 0, 100'000);
    test::task<answered> running(web.context.get_executor(),
                                 post(web.client, http::url::parse(server.url("/")), content, {}));
    const bool ended = test::cancel_after(steps, web, running);
    if (running.outcome())
        CHECK(running.outcome()->status == 200);
    return ended;
}

TEST_CASE("request stream: cancelled after any step, the connection is back")
{
    int steps = 0;
    while (!cancel_after(steps))
        ++steps;
    CHECK(steps > 10);
}

} // namespace
} // namespace request_stream_test
