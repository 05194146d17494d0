// What a server says by itself: dates, refusals, and who is told of them.

#include "serving.hpp"

#include <weir/as_result.hpp>
#include <weir/detail/unless.hpp>
#include <weir/http/date.hpp>
#include <weir/http/server.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

using test::body_of;
using test::has;
using test::serving;
using test::status_of;
namespace asio = boost::asio;
namespace http = weir::http;

/// The value of the only `Date` of an answer.
std::optional<std::chrono::sys_seconds> date_of(const std::string& answer)
{
    constexpr std::string_view name = "\r\nDate: ";
    const std::size_t at = answer.find(name);
    if (at == std::string::npos || answer.find(name, at + 1) != std::string::npos)
        return std::nullopt;
    const std::size_t begin = at + name.size();
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return http::parse_date(answer.substr(begin, answer.find('\r', begin) - begin), now);
}

TEST_CASE("server: an answer has the date it has, or one by the server's clock, also where no handler was asked")
{
    serving server(
        [](http::server_exchange& with) -> asio::awaitable<void> {
            http::response_head head;
            if (with.request().path() == "/old")
                head.header.add("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
            co_await with.reply(head, "x");
        },
        http::server_options());
    const auto before = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    for (const char* text : {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"}) {
        CAPTURE(text);
        const auto date = date_of(server.ask(text));
        REQUIRE(date);
        CHECK(*date >= before);
        CHECK(*date <= before + std::chrono::minutes(5));
    }
    CHECK(date_of(server.ask("GET /old HTTP/1.0\r\n\r\n")) == std::chrono::sys_seconds(std::chrono::seconds(784'111'777)));
    serving undated([](http::server_exchange& with) { return with.reply(200, "x"); }, test::undated());
    CHECK_FALSE(has(undated.ask("GET / HTTP/1.0\r\n\r\n"), "Date"));
}

TEST_CASE("server: who observes it hears of requests that no handler was asked about, with their status")
{
    serving server(test::echo);
    for (const char* text : {"GET /mine HTTP/1.0\r\n\r\n", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
                             "PUT /more HTTP/1.1\r\nHost: h\r\nExpect: more\r\nContent-Length: 1\r\n\r\n", "nonsense\r\n\r\n"})
        CHECK(has(server.ask(text), "HTTP/1.1 "));
    const auto told = server.record().exchanges(3);
    CHECK_FALSE(told[0].refused);
    CHECK(told[1].refused);
    CHECK(told[1].status == 501);
    CHECK(told[2].refused);
    CHECK(told[2].target == "/more");
    CHECK(told[2].status == 417);
    (void)server.record().failures(1);
    CHECK(server.record().statuses() == std::vector<unsigned>{400});
}

TEST_CASE("server: a handler knows whether its client waits to be told to send the body")
{
    std::vector<bool> waits;
    serving server([&waits](http::server_exchange& with) -> asio::awaitable<void> {
        waits.push_back(with.expects_continue());
        std::array<std::byte, 10> some{};
        while (co_await with.read_some(some) > 0)
            waits.push_back(with.expects_continue());
        co_await with.reply(200, "x");
    });
    test::client client = server.connect();
    client.send("PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
    (void)client.until("100 Continue\r\n\r\n");
    CHECK(status_of(client.send("hi").rest()) == 200);
    CHECK(waits == std::vector<bool>{true, false});
    waits.clear();
    CHECK(status_of(server.ask("PUT /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi")) == 200);
    CHECK(waits == std::vector<bool>{false, false});
}

/// Says that there is enough, once.
asio::awaitable<bool> enough()
{
    const auto executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
    co_return true;
}

TEST_CASE("server: a read of a body that is given up for something else leaves the exchange as it was")
{
    serving server([](http::server_exchange& with) -> asio::awaitable<void> {
        std::array<std::byte, 10> some{};
        std::optional<std::size_t> got;
        const bool done = co_await weir::detail::unless(enough(), weir::detail::store(with.read_some(some), got));
        if (with.request().path() == "/fails")
            throw weir::error(weir::errc::closed, "ask", "upstream");
        http::response_head head;
        head.status = done ? 200 : 413;
        co_await with.reply(head, "enough");
    });
    const auto ask = [&](const std::string& path, const std::string& length) {
        return server.ask("PUT " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + length + "\r\n\r\n");
    };
    const std::string refused = ask("/", "1000000");
    CHECK(status_of(refused) == 413);
    CHECK(has(refused, "Connection: close\r\n")); // the rest is too long to be dropped
    CHECK(body_of(refused) == "enough");
    CHECK(status_of(ask("/fails", "1000000")) == 500); // and the client is not to blame
}

} // namespace
