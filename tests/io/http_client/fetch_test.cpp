// Many objects by few connections: small ones whole, in rooms that the caller has, others as sources.

#include "web.hpp"

#include <weir/error.hpp>
#include <weir/http/fetch.hpp>
#include <weir/testing/generated.hpp>

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using test::web;
using weir::errc;
using weir::url_request;
using weir::testing::at_body;
using weir::testing::generated;
using weir::testing::origin;
using weir::testing::script;

constexpr std::size_t room = 64 << 10;

std::vector<url_request> requests(web& web, const origin& server, const std::vector<std::string>& paths)
{
    std::vector<url_request> made;
    for (const std::string& path : paths) {
        url_request& next = made.emplace_back();
        next.url = server.url(path);
        next.room = web.engine().pool().try_acquire(room).value();
    }
    return made;
}

std::string text_in(const url_request& request)
{
    REQUIRE(request.is_whole);
    return {reinterpret_cast<const char*>(request.room.data()), request.room.size()};
}

/// Of one that has to be read.
std::string body_of(web& web, url_request& request)
{
    REQUIRE(request.input);
    weir::reservation memory = web.engine().pool().try_reserve(4, web.engine().block_bytes()).value();
    std::string body = test::await(web.context, test::read_whole(*request.input, memory, 1 << 20));
    test::await(web.context, request.input->close());
    return body;
}

const url_request& answer_of(const std::vector<url_request>& all, std::string_view path)
{
    const auto found = std::ranges::find_if(all, [&](const url_request& each) { return each.url.ends_with(path); });
    REQUIRE(found != all.end());
    return *found;
}

TEST_CASE("fetch_all: small bodies come whole, by no more connections than it may have")
{
    script played;
    std::vector<std::string> paths;
    for (std::size_t i = 0; i != 100; ++i) {
        const std::string name = "o" + std::to_string(i);
        paths.push_back("/" + name);
        played.object(name, i * 655, i); // an empty one, up to what just fits
        played.on("/" + name).serve(name);
    }
    origin server(std::move(played));
    web web;
    for (const std::size_t connections : {1ul, 3ul, 200ul}) {
        CAPTURE(connections);
        const auto got = test::await(
            web.context, weir::http::fetch_all(web.client, requests(web, server, paths), {}, connections));
        REQUIRE(got.size() == paths.size());
        for (std::size_t i = 0; i != paths.size(); ++i)
            CHECK(text_in(answer_of(got, paths[i])) == generated(i, 0, i * 655));
        CHECK(web.client.statistics().total <= std::min<std::size_t>(connections, 16));
    }
}

/// How a call ended, and a wait behind it in the same coroutine.
struct both_ends {
    std::error_code fetched, waited;
};

asio::awaitable<both_ends> wait_behind_fetch(web& web, std::vector<url_request> wanted, bool& waits)
{
    both_ends out;
    auto fetching = weir::http::fetch_all(web.client, std::move(wanted), {}, 2);
    const weir::result<std::vector<url_request>> got = co_await weir::as_result(std::move(fetching));
    out.fetched = got.code();
    asio::steady_timer never(web.context, asio::steady_timer::time_point::max());
    waits = true;
    const weir::result<void> waited = co_await weir::as_result(never.async_wait(asio::use_awaitable));
    out.waited = waited.code();
    co_await asio::this_coro::reset_cancellation_state();
    co_return out;
}

TEST_CASE("fetch_all: the caller can be cancelled when it is over, also where it was cancelled itself")
{
    script played;
    played.object("good", 1'000, 1);
    played.on("/good").serve("good");
    played.on("/stall").stall();
    origin server(std::move(played));
    for (const bool is_cancelled : {false, true}) {
        CAPTURE(is_cancelled);
        web web;
        bool waits = false;
        const std::vector<std::string> paths = {"/good", is_cancelled ? "/stall" : "/good"};
        test::task<both_ends> running(web.context.get_executor(),
                                      wait_behind_fetch(web, requests(web, server, paths), waits));
        if (is_cancelled) {
            while (web.client.statistics().borrowed == 0)
                web.context.run_one();
            running.cancel();
        }
        while (!waits && !running.done())
            web.context.run_one();
        REQUIRE(!running.done());
        running.cancel(asio::cancellation_type::partial); // only the strongest reaches it, as at its start
        test::run_ready(web.context);
        REQUIRE(!running.done());
        running.cancel();
        while (!running.done())
            REQUIRE(web.context.run_one_for(std::chrono::seconds(60)) != 0);
        CHECK((running.outcome()->fetched == weir::condition::cancelled) == is_cancelled);
        CHECK(running.outcome()->waited == weir::condition::cancelled);
    }
}

TEST_CASE("fetch_all: what fails, fails alone, and after the retries of its client")
{
    script played;
    played.object("good", 1'000, 1);
    played.on("/good").serve("good");
    played.on("/broken").request(1).serve("good").reset(at_body(500));
    played.on("/broken").serve("good");
    played.on("/lie").serve("good").header("Repr-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:");
    origin server(std::move(played));
    web web;
    auto asked = requests(web, server, {"/good", "/missing", "/broken", "/lie"});
    asked.emplace_back().url = "gopher://host/";
    const auto got = test::await(web.context, weir::http::fetch_all(web.client, std::move(asked), {}, 4));
    CHECK(text_in(answer_of(got, "/good")) == generated(1, 0, 1'000));
    CHECK(text_in(answer_of(got, "/broken")) == generated(1, 0, 1'000));
    for (const auto& expected : {std::pair{"/missing", errc::http_status}, {"/lie", errc::mismatch},
                                 {"gopher://host/", errc::unsupported_scheme}}) {
        CAPTURE(expected.first);
        const url_request& answer = answer_of(got, expected.first);
        REQUIRE(answer.failure);
        CHECK(weir::code_of(answer.failure) == expected.second);
        CHECK_FALSE(answer.is_whole);
    }
}

TEST_CASE("fetch_all: what does not fit is a source, and the only connection is kept for it")
{
    script played;
    played.object("small", 1'000, 1);
    played.object("large", room + 1, 2);
    played.on("/small").serve("small");
    played.on("/large").serve("large");
    played.on("/chunked").serve("large").chunked();
    origin server(std::move(played));
    web web;
    for (const std::string path : {"/large", "/chunked"}) {
        CAPTURE(path);
        auto got = test::await(
            web.context,
            weir::http::fetch_all(web.client, requests(web, server, {"/small", path, "/small", "/small"}), {}, 1));
        REQUIRE(got.size() == 4);
        CHECK(text_in(got[0]) == generated(1, 0, 1'000));
        for (const std::size_t i : {2ul, 3ul}) {
            CHECK_FALSE(got[i].is_whole);
            CHECK_FALSE(got[i].input);
            CHECK_FALSE(got[i].failure);
        }
        CHECK(body_of(web, got[1]) == generated(2, 0, room + 1));
        CHECK(std::ranges::count(server.requests(), path, &weir::testing::received_request::target) == 1);
    }
}

TEST_CASE("fetch_all: beside a source the others go on")
{
    script played;
    played.object("small", 1'000, 1);
    played.object("large", room + 1, 2);
    played.on("/small").serve("small");
    played.on("/large").serve("large");
    origin server(std::move(played));
    web web;
    auto got = test::await(web.context, weir::http::fetch_all(
        web.client, requests(web, server, {"/large", "/small", "/small", "/large", "/small", "/small"}), {}, 3));
    for (const std::size_t i : {1ul, 2ul, 4ul, 5ul})
        CHECK(text_in(got[i]) == generated(1, 0, 1'000));
    for (const std::size_t i : {0ul, 3ul})
        CHECK(body_of(web, got[i]) == generated(2, 0, room + 1));
}

TEST_CASE("fetch_all: a body that says no length is whole if it ends in its room, and soon")
{
    script played;
    played.object("small", 1'000, 1);
    played.object("full", room, 2);
    played.on("/small").serve("small").chunked();
    played.on("/full").serve("full").chunked();
    played.on("/closed").serve("small").until_close();
    played.on("/slow").serve("small").chunked().stall(at_body(10), 1100ms);
    origin server(std::move(played));
    web web;
    auto got = test::await(web.context, weir::http::fetch_all(
        web.client, requests(web, server, {"/small", "/full", "/closed", "/slow"}), {}, 2));
    CHECK(text_in(got[0]) == generated(1, 0, 1'000));
    CHECK(text_in(got[1]) == generated(2, 0, room));
    CHECK(text_in(got[2]) == generated(1, 0, 1'000));
    CHECK(body_of(web, got[3]) == generated(1, 0, 1'000));
}

TEST_CASE("fetch_all: nobody waits for the connections that sources hold")
{
    script played;
    played.object("large", room + 1, 2);
    played.on("/large").serve("large");
    origin server(std::move(played));
    auto options = web::quick();
    options.connections.max_per_key = 2;
    web web(options);
    auto got = test::await(web.context, weir::http::fetch_all(
                                            web.client, requests(web, server, {"/large", "/large", "/large"}), {}, 3));
    CHECK(std::ranges::count_if(got, [](const url_request& each) { return each.input != nullptr; }) == 2);
    CHECK(std::ranges::none_of(got, [](const url_request& each) { return each.failure != nullptr; }));
    for (const url_request& each : got)
        if (each.input)
            test::await(web.context, each.input->close());
    CHECK(web.client.statistics().waiting == 0);
}

TEST_CASE("fetch_all: a connection is kept from one request to the next, unless somebody else waits for one")
{
    const auto serving = [] {
        script played;
        played.object("small", 1'000, 1);
        played.on("/small").serve("small");
        played.on("/last").serve("small").close();
        return played;
    };
    origin one(serving());
    origin other(serving());
    auto options = web::quick();
    options.connections.max_total = 1;
    web web(options);
    std::vector<url_request> asked;
    for (int i = 0; i != 8; ++i) // each origin's connection has to make room for the other's
        for (const origin* each : {&one, &other, &other})
            for (url_request& next : requests(web, *each, {i % 4 == 3 ? "/last" : "/small"}))
                asked.push_back(std::move(next));
    for (const std::size_t connections : {1ul, 5ul}) {
        CAPTURE(connections);
        std::vector<url_request> wanted;
        for (const url_request& each : asked) {
            url_request& next = wanted.emplace_back();
            next.url = each.url;
            next.room = web.engine().pool().try_acquire(room).value();
        }
        const auto got = test::await(web.context, weir::http::fetch_all(web.client, std::move(wanted), {}, connections));
        for (const url_request& each : got) {
            CHECK(text_in(each) == generated(1, 0, 1'000));
            CHECK(each.shown == each.url);
        }
        CHECK(web.client.statistics().peak_total == 1);
        CHECK(web.client.statistics().borrowed == 0);
    }
}

TEST_CASE("fetch_all: closing its client ends what has not begun")
{
    script played;
    played.object("small", 1'000, 1);
    played.on("/small").serve("small");
    played.on("/held").hold("gate").serve("small");
    origin server(std::move(played));
    web web;
    test::task<std::vector<url_request>> running(
        web.context.get_executor(),
        weir::http::fetch_all(web.client, requests(web, server, {"/small", "/held", "/small", "/small"}), {}, 1));
    while (!server.record().is_holding("gate"))
        test::run_ready(web.context);
    web.client.close();
    server.release("gate");
    web.context.restart();
    while (!running.done() && web.context.run_one() != 0) {
    }
    const std::vector<url_request>& got = *running.outcome();
    CHECK(text_in(got[1]) == generated(1, 0, 1'000));
    for (const std::size_t i : {2ul, 3ul}) {
        REQUIRE(got[i].failure);
        CHECK(weir::code_of(got[i].failure) == errc::closed);
    }
}

TEST_CASE("fetch_all: a digest of the whole is not compared with a part that the caller asked for")
{
    script played;
    played.object("small", 1'000, 1);
    played.on("/small").serve("small").header("Repr-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:");
    origin server(std::move(played));
    web web;
    weir::http::source_options part;
    part.header.set("Range", "bytes=100-199");
    const auto got
        = test::await(web.context, weir::http::fetch_all(web.client, requests(web, server, {"/small"}), part, 1));
    CHECK(text_in(got.front()) == generated(1, 100, 100));
}

TEST_CASE("fetch_all: without room, or with a pace, each is a source")
{
    script played;
    played.object("small", 1'000, 1);
    played.on("/small").serve("small");
    origin server(std::move(played));
    web web;
    weir::http::source_options paced;
    paced.max_rate = 1 << 30;
    const auto got
        = test::await(web.context, weir::http::fetch_all(web.client, requests(web, server, {"/small"}), paced, 1));
    CHECK(got.front().input);
    std::vector<url_request> bare(1);
    bare.front().url = server.url("/small");
    const auto other = test::await(web.context, weir::http::fetch_all(web.client, std::move(bare), {}, 1));
    CHECK(other.front().input);
    CHECK(test::await(web.context, weir::http::fetch_all(web.client, {}, {}, 8)).empty());
}

TEST_CASE("fetch_all: nobody keeps a connection who waits for those of parts")
{
    script played;
    played.object("large", room + 1, 2);
    played.on("/large").serve("large");
    origin server(std::move(played));
    weir::http::client_options one = web::quick();
    one.connections.max_per_key = 1;
    web web(one);
    weir::http::source_options parts;
    parts.parallel = 2;
    auto got
        = test::await(web.context, weir::http::fetch_all(web.client, requests(web, server, {"/large"}), parts, 1));
    CHECK(body_of(web, got.front()) == generated(2, 0, room + 1));
    CHECK(web.client.statistics().total <= 1);
}

/// \returns  whether it came to its end before the step at which it was to be cancelled
bool cancel_after(int steps)
{
    script played;
    played.object("small", 1'000, 1);
    played.on("/small").serve("small");
    played.on("/broken").request(1).serve("small").reset(at_body(500));
    played.on("/broken").serve("small");
    origin server(std::move(played));
    web web;
    const std::vector<std::string> paths{"/small", "/broken", "/small", "/missing", "/small"};
    test::task<std::vector<url_request>> running(
        web.context.get_executor(), weir::http::fetch_all(web.client, requests(web, server, paths), {}, 2));
    const bool ended = test::cancel_after(steps, web, running);
    if (running.outcome())
        CHECK(running.outcome()->size() == paths.size());
    return ended;
}

TEST_CASE("fetch_all: cancelled after any step, connections are back")
{
    int steps = 0;
    while (!cancel_after(steps))
        ++steps;
    CHECK(steps > 10);
}

TEST_CASE("fetch_all: what a server has encoded is given as it came, with the names of the codings")
{
    script played;
    const std::string coded = "coded";
    const auto answer = [&](const char* path, const std::string& body) {
        played.on(path).answer(200).body(body).header("Content-Encoding", "gzip, identity, ").header("Content-Encoding", "zstd");
    };
    answer("/small", coded);
    answer("/large", std::string(2 * room, 'c'));
    origin server(std::move(played));
    web web;
    const auto get = [&](std::vector<url_request> wanted, weir::http::source_options how) {
        return test::await(web.context, weir::http::fetch_all(web.client, std::move(wanted), std::move(how), 1));
    };
    const auto answers = get(requests(web, server, {"/small", "/large"}), {});
    const std::vector<std::string> codings{"gzip", "zstd"};
    CHECK(text_in(answer_of(answers, "/small")) == coded);
    CHECK(answer_of(answers, "/small").content_codings == codings);
    CHECK(answer_of(answers, "/large").content_codings == codings);
}

TEST_CASE("fetch_all: a part of what a server has encoded has no codings: it cannot be decoded")
{
    script played;
    played.object("o", 1000, 1);
    played.on("/o").serve("o").header("Content-Encoding", "gzip");
    origin server(std::move(played));
    web web;
    weir::http::source_options part;
    part.header.add("Range", "bytes=5-9");
    const auto got
        = test::await(web.context, weir::http::fetch_all(web.client, requests(web, server, {"/o"}), part, 1));
    CHECK(text_in(got.front()).size() == 5);
    CHECK(got.front().content_codings.empty());
    weir::http::source_options in_parts;
    in_parts.parallel = 2;
    CHECK(web.fetch(server.url("/o"), in_parts).report.content_codings == std::vector<std::string>{"gzip"});
}

} // namespace
