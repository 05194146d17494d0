// Answers whose body goes through a flow.

#include <weir/http/response_source.hpp>

#include "web.hpp"

#include <weir/error.hpp>
#include <weir/testing/generated.hpp>

#include <boost/asio/awaitable.hpp>
#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>

namespace response_source_test {
namespace {

namespace asio = boost::asio;
namespace http = weir::http;
using test::failure_of;
using test::web;
using weir::errc;
using weir::testing::at_body;
using weir::testing::generated;
using weir::testing::origin;
using weir::testing::script;

constexpr std::size_t big = 1'000'003;

struct read_source {
    std::string body;
    std::optional<std::uint64_t> size;
    std::string name;
};

asio::awaitable<read_source> get(web& web, http::url target, std::size_t max_bytes)
{
    http::request_head ask{"GET", std::move(target), {}};
    http::response answer = co_await web.client.send(std::move(ask));
    http::response_source source(std::move(answer));
    weir::reservation memory = web.engine().pool().try_reserve(4, web.engine().block_bytes()).value();
    read_source out;
    out.size = source.size();
    out.name = source.name();
    weir::result<std::string> body = co_await weir::as_result(test::read_whole(source, memory, max_bytes));
    co_await source.close();
    out.body = std::move(body).value();
    co_return out;
}

read_source get(web& web, const std::string& url, std::size_t max_bytes = 1 << 20)
{
    return test::await(web.context, get(web, http::url::parse(url), max_bytes));
}

TEST_CASE("response source: a body comes whole by any framing, and its connection serves the next")
{
    script played;
    played.object("big", big, 7);
    played.object("none", "");
    played.on("/length").serve("big");
    played.on("/chunked").serve("big").chunked(70'000);
    played.on("/none").serve("none");
    played.on("/close").serve("big").until_close();
    origin server(std::move(played));
    web web;
    for (const std::size_t max_bytes : {std::size_t{1} << 20, std::size_t{777}}) {
        const read_source with_length = get(web, server.url("/length?token=secret"), max_bytes);
        CHECK(with_length.body == generated(7, 0, big));
        CHECK(with_length.size == big);
        CHECK(with_length.name == server.url("/length?token=***"));
        const read_source chunked = get(web, server.url("/chunked"), max_bytes);
        CHECK(chunked.body == generated(7, 0, big));
        CHECK(!chunked.size);
        CHECK(get(web, server.url("/none"), max_bytes).size == 0);
    }
    CHECK(server.record().connections.size() == 1);
    CHECK(get(web, server.url("/close")).body == generated(7, 0, big));
}

TEST_CASE("response source: a body that breaks off is an error with its URL and offset, and nothing is fetched again")
{
    script played;
    played.object("big", big, 7);
    played.on("/big").serve("big").close(at_body(300'000));
    origin server(std::move(played));
    web web;
    const weir::failure failed = failure_of([&] { (void)get(web, server.url("/big")); });
    CHECK(failed.code() == errc::ended_early);
    CHECK(failed.message().find(server.url("/big") + " at 300000") != std::string::npos);
    CHECK(server.requests().size() == 1);
    CHECK(web.client.statistics().borrowed == 0);
}

asio::awaitable<void> ask_and_drop(web& web, http::url target)
{
    http::request_head ask{"GET", std::move(target), {}};
    const http::response answer = co_await web.client.send(std::move(ask));
    CHECK(answer.head().status == 200);
}

TEST_CASE("response: one that is dropped before its end leaves no connection on which its rest could come")
{
    script played;
    played.object("big", big, 7);
    played.object("small", 100, 8);
    played.on("/big").serve("big").stall(at_body(0));
    played.on("/small").serve("small");
    origin server(std::move(played));
    web web;
    test::await(web.context, ask_and_drop(web, http::url::parse(server.url("/big"))));
    CHECK(get(web, server.url("/small")).body == generated(8, 0, 100));
    CHECK(server.record().connections.size() == 2);
}

asio::awaitable<void> read_once_and_drop(web& web, http::url target)
{
    http::request_head ask{"GET", std::move(target), {}};
    http::response answer = co_await web.client.send(std::move(ask));
    http::response_source source(std::move(answer));
    weir::reservation memory = web.engine().pool().try_reserve(4, web.engine().block_bytes()).value();
    const weir::bytes got = co_await source.read(memory, 1000);
    CHECK(!got.empty());
}

TEST_CASE("response source: one that is dropped closes its connection, and its blocks are back")
{
    script played;
    played.object("big", big, 7);
    played.on("/big").serve("big").stall(at_body(300'000));
    origin server(std::move(played));
    web web;
    test::await(web.context, read_once_and_drop(web, http::url::parse(server.url("/big"))));
    while (web.client.statistics().borrowed != 0)
        web.context.run_one();
    CHECK(web.blocks_in_use() == 0);
    CHECK(web.client.statistics().idle == 0);
}

} // namespace
} // namespace response_source_test
