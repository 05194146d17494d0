// Flows as bodies of requests.

#include "web.hpp"

#include <weir/coding_sink.hpp>
#include <weir/flow.hpp>
#include <weir/http/sink.hpp>
#include <weir/memory_source.hpp>
#include <weir/sinks.hpp>
#include <weir/testing/generated.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace sink_test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::failure_of;
using test::web;
using weir::errc;
using weir::testing::generated;
using weir::testing::origin;
using weir::testing::script;

constexpr std::size_t size = 1'000'003;

script accepting()
{
    script played;
    played.on("PUT", "/*").answer(201);
    return played;
}

TEST_CASE("sink: a flow arrives whole, with a length or in chunks, over one connection")
{
    origin server(accepting());
    web web;
    const std::string content = generated(3, 0, size);
    weir::http::sink_options with_length;
    with_length.length = size;
    CHECK(web.upload(server.url("/a"), content, with_length) == 201);
    CHECK(web.upload(server.url("/b"), content, {}) == 201);
    const auto seen = server.requests();
    REQUIRE(seen.size() == 2);
    for (const auto& each : seen)
        CHECK(each.body == content);
    CHECK(seen[0].field("Content-Length") == std::to_string(size));
    CHECK(seen[1].field("Transfer-Encoding") == "chunked");
    CHECK(server.record().connections.size() == 1);
}

TEST_CASE("sink: an empty flow is an empty body")
{
    origin server(accepting());
    web web;
    CHECK(web.upload(server.url("/a"), "", {}) == 201);
    weir::http::sink_options none;
    none.length = 0;
    CHECK(web.upload(server.url("/b"), "", none) == 201);
    for (const auto& each : server.requests())
        CHECK(each.complete);
}

TEST_CASE("sink: less or more than the length that was told is an error, and the server never sees a whole body")
{
    origin server(accepting());
    web web;
    weir::http::sink_options wrong;
    wrong.length = size + 1;
    CHECK(failure_of([&] { (void)web.upload(server.url("/a"), generated(3, 0, size), wrong); }).code() == errc::ended_early);
    wrong.length = 10;
    CHECK(failure_of([&] { (void)web.upload(server.url("/a"), generated(3, 0, size), wrong); }).code() == errc::invalid_size);
    CHECK(web.upload(server.url("/good"), "all of it", {}) == 201);
    // One was refused before anything was sent; the server may see the end of another late.
    REQUIRE(server.wait_until([](const auto& record) { return record.requests.size() == 2; }));
    for (const auto& each : server.requests())
        CHECK(each.complete == (each.target == "/good"));
}

TEST_CASE("sink: interim answers in the middle of the body do not stop it")
{
    script played;
    played.on("PUT", "/").early().receive(100'000).send("HTTP/1.1 100 Continue\r\n\r\n").receive().answer(201);
    origin server(std::move(played));
    web web;
    CHECK(web.upload(server.url("/"), generated(3, 0, 20'000'000), {}) == 201);
}

TEST_CASE("sink: with Expect the server decides before the body is sent, and one that says nothing gets it all the same")
{
    script played;
    played.on("PUT", "/good").early().send("HTTP/1.1 100 Continue\r\n\r\n").receive().answer(200);
    played.on("PUT", "/bad").early().answer(403).close();
    played.on("PUT", "/mute").answer(200);
    origin server(std::move(played));
    web web;
    weir::http::sink_options asking;
    asking.expect_continue = 1h;
    CHECK(web.upload(server.url("/good"), generated(3, 0, size), asking) == 200);
    CHECK(failure_of([&] { (void)web.upload(server.url("/bad"), generated(3, 0, size), asking); }).code() == errc::http_status);
    asking.expect_continue = 20ms;
    CHECK(web.upload(server.url("/mute"), generated(3, 0, size), asking) == 200);
    const auto seen = server.requests();
    REQUIRE(seen.size() == 3);
    CHECK(seen[0].field("Expect") == "100-continue");
    CHECK(seen[1].body_bytes == 0);
    CHECK(seen[2].body_bytes == size);
}

TEST_CASE("sink: a server that answers before it has the body is believed, and not sent the rest")
{
    script played;
    played.on("PUT", "/").early().receive(100'000).answer(413).close();
    origin server(std::move(played));
    web web;
    const weir::failure failed = failure_of([&] { (void)web.upload(server.url("/"), generated(3, 0, 30'000'000), {}); });
    CHECK(failed.code() == errc::http_status);
    CHECK(failed.message().find("413") != std::string::npos);
}

/// A first part, and a rest that never comes.
class stalling_source final : public weir::source {
public:
    explicit stalling_source(std::span<const std::byte> first) : first_(first) {}
    asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        weir::bytes got = co_await first_.read(memory, max_bytes);
        if (got.empty()) {
            asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
            co_await never.async_wait(asio::use_awaitable);
        }
        co_return got;
    }
    std::string_view name() const noexcept override { return "stalling"; }

private:
    weir::memory_source first_;
};

TEST_CASE("sink: a server that answers while the flow's source waits ends the flow, also through other sinks")
{
    script played;
    played.on("PUT", "/").early().receive(100'000).answer(413).close();
    origin server(std::move(played));
    web web;
    const std::string content = generated(3, 0, 200'000);
    weir::stream_options cut;
    cut.chunker = weir::fixed(std::size_t{100'000});
    const auto run_into = [&](weir::sink& out) {
        auto input = std::make_unique<stalling_source>(std::as_bytes(std::span(content)));
        return failure_of([&] { (void)test::await(web.context, weir::run_flow(web.engine(), std::move(input), out, cut)); });
    };
    const auto upload = [&] { return weir::http::http_sink(web.client, weir::http::url::parse(server.url("/")), {}); };
    {
        weir::http::http_sink alone = upload();
        CHECK(run_into(alone).code() == errc::http_status);
    }
    {
        weir::http::http_sink one = upload(), other = upload();
        weir::tee both(one, other);
        CHECK(run_into(both).code() == errc::http_status);
    }
    {
        weir::http::http_sink target = upload();
        weir::encoding_options how;
        how.codec = weir::codec::gzip;
        weir::encoding_sink packed(web.engine(), target, how);
        CHECK(run_into(packed).code() == errc::http_status);
    }
    CHECK(web.client.statistics().borrowed == 0);
    CHECK(web.blocks_in_use() == 0);
}

TEST_CASE("sink: a server that takes nothing is given up after the idle limit")
{
    script played;
    played.on("PUT", "/").early().stall();
    origin server(std::move(played));
    weir::http::client_options options = web::quick();
    options.limits.idle = 100ms;
    web web(options);
    CHECK(failure_of([&] { (void)web.upload(server.url("/"), generated(3, 0, 30'000'000), {}); }).code()
          == errc::deadline_exceeded);
}

} // namespace
} // namespace sink_test
