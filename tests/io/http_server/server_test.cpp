#include <weir/http/server.hpp>

#include "serving.hpp"

#include <weir/as_result.hpp>
#include <weir/buffer_pool.hpp>
#include <weir/detail/async_event.hpp>
#include <weir/http/writer.hpp>
#include <weir/reservation.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <cstdint>
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

const std::string last_get = "GET /z HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

asio::awaitable<void> write_in_pieces(http::server_exchange& with)
{
    http::response_head head;
    head.header.add("X-Kind", "pieces");
    with.begin(head);
    for (const std::string_view piece : {"one ", "two ", "", "three"})
        co_await with.write(std::as_bytes(std::span(piece)));
    const http::fields trailer{{"X-Sum", "6"}};
    co_await with.finish(trailer);
}

/// A read by who has a body that the exchange is through with.
asio::awaitable<std::error_code> read_late(weir::source& from, weir::buffer_pool& pool)
{
    weir::reservation memory = pool.try_reserve(2, 64 * 1024).value();
    const weir::result<weir::bytes> got = co_await weir::as_result(from.read(memory, 4096));
    co_return got.code();
}

TEST_CASE("server: a connection is kept, and closed when the client asks for it")
{
    serving server(test::echo);
    test::client client = server.connect();
    for (int i = 0; i < 3; ++i) {
        client.send(get);
        const std::string head = client.until("\r\n\r\n");
        CHECK(status_of(head) == 200);
        CHECK_FALSE(has(head, "close"));
        CHECK(has(head, "Content-Length: 7\r\n"));
        CHECK(client.take(7) == "GET /a ");
    }
    const std::string last = client.send(last_get).rest();
    CHECK(has(last, "Connection: close\r\n"));
    CHECK(body_of(last) == "GET /z ");
    CHECK(server.record().exchanges(4).size() == 4);
    CHECK(server.server().statistics().accepted == 1);
}

TEST_CASE("server: a client of HTTP/1.0 that may go on is told so")
{
    serving server(test::echo);
    test::client client = server.connect();
    for (int i = 0; i < 2; ++i) {
        client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        CHECK(has(client.until("\r\n\r\n"), "Connection: keep-alive\r\n"));
        CHECK(client.take(7) == "GET /a ");
    }
    CHECK_FALSE(has(server.ask("GET /a HTTP/1.0\r\n\r\n"), "keep-alive"));
}

TEST_CASE("server: requests that come at once are answered in their order, also cut at every byte")
{
    serving server(test::echo);
    const std::string put = "PUT /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    const std::string chunked =
        "\r\nPOST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    const std::string all = get + put + chunked + last_get;
    const std::string at_once = server.ask(all);
    test::client slow = server.connect();
    for (const char& c : all)
        slow.send({&c, 1});
    CHECK(slow.rest() == at_once);
    const std::size_t first = at_once.find("GET /a "), second = at_once.find("PUT /b hello"),
                      third = at_once.find("POST /c hi"), fourth = at_once.find("GET /z ");
    CHECK((first < second && second < third && third < fourth && fourth != std::string::npos));
}

TEST_CASE("server: an answer without a length is chunked, with its trailer, and ends by closing for HTTP/1.0")
{
    serving server(write_in_pieces);
    CHECK(server.ask(last_get)
          == "HTTP/1.1 200 OK\r\nX-Kind: pieces\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
             "4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\nX-Sum: 6\r\n\r\n");
    CHECK(server.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
          == "HTTP/1.1 200 OK\r\nX-Kind: pieces\r\nConnection: close\r\n\r\none two three");
    CHECK(server.record().exchanges(2).back().sent == 13);
}

TEST_CASE("server: no body goes out where the request or the status has none, and the connection stays in step")
{
    serving server([](http::server_exchange& with) -> asio::awaitable<void> {
        http::response_head head;
        head.status = with.request().path() == "/204" ? 204 : 200;
        co_await with.reply(head, "body");
    });
    const std::string seen =
        server.ask("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\nGET /204 HTTP/1.1\r\nHost: h\r\n\r\n" + last_get);
    CHECK(seen
          == "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
             "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody");
}

TEST_CASE("server: large bodies go through both ways, in blocks of a pool and with one memory")
{
    weir::buffer_pool pool;
    serving server([&pool](http::server_exchange& with) -> asio::awaitable<void> {
        weir::reservation memory = co_await pool.async_reserve(4, 64 * 1024, asio::use_awaitable);
        const std::unique_ptr<weir::source> body = with.body();
        http::response_head head;
        with.begin(head, with.body_size());
        for (;;) {
            const weir::bytes some = co_await body->read(memory, 1 << 20);
            if (some.empty())
                break;
            co_await with.write(some);
        }
        co_await with.finish();
    });
    std::string data;
    for (std::size_t i = 0; data.size() < (3u << 20); ++i)
        data += std::to_string(i) + ",";
    std::string chunks;
    for (std::size_t at = 0, size = 1; at < data.size(); at += size, size = size * 3 % 70'001 + 1) {
        const std::string_view piece = std::string_view(data).substr(at, size);
        chunks.append(http::chunk_start(piece.size()).text()).append(piece).append(http::chunk_end);
    }
    http::write_last_chunk(chunks);
    for (const std::string& request :
         {"PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: " + std::to_string(data.size())
              + "\r\n\r\n" + data,
          "PUT / HTTP/1.0\r\nContent-Length: " + std::to_string(data.size()) + "\r\n\r\n" + data}) {
        test::client client = server.connect();
        std::thread sending([&] { client.send_what_is_taken(request); });
        const std::string answer = client.rest();
        sending.join();
        CHECK(body_of(answer) == data);
    }
    test::client client = server.connect();
    std::thread sending([&] {
        client.send_what_is_taken("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                                  + chunks);
    });
    const std::string answer = client.rest();
    sending.join();
    CHECK(server.record().exchanges(3).back().received == data.size());
    CHECK(answer.size() > data.size());
    CHECK(answer.ends_with("0\r\n\r\n"));
}

TEST_CASE("server: a client that waits to be invited is, when its body is read")
{
    serving server(test::echo);
    test::client client = server.connect();
    client.send("PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
    CHECK(client.until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(body_of(client.send("hi").rest()) == "PUT /a hi");
    CHECK(status_of(server.ask("PUT / HTTP/1.1\r\nHost: h\r\nExpect: more\r\nContent-Length: 1\r\n\r\n")) == 417);
}

TEST_CASE("server: one that is not invited gets its answer, and the connection is not kept")
{
    serving server([](http::server_exchange& with) { return with.reply(403, "no"); });
    const std::string answer =
        server.ask("PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    CHECK(status_of(answer) == 403);
    CHECK(has(answer, "Connection: close\r\n"));
}

TEST_CASE("server: an answer before the body was read drops a short body, and closes for a long one")
{
    serving server([](http::server_exchange& with) { return with.reply(200, "early"); });
    const std::string kept = server.ask("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nforgotten" + last_get);
    CHECK(has(kept, "early"));
    CHECK(kept.rfind("HTTP/1.1 200") != 0);
    test::client client = server.connect();
    client.send("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n");
    const std::string head = client.until("\r\n\r\n");
    CHECK(has(head, "Connection: close\r\n"));
    CHECK(client.take(5) == "early");
    CHECK(client.rest().empty());
}

TEST_CASE("server: a body that the handler gave to somebody else is not read beside the server")
{
    std::shared_ptr<weir::source> kept; // beyond the exchange
    serving server([&kept](http::server_exchange& with) -> asio::awaitable<void> {
        kept = with.body();
        co_await with.reply(200, "answered");
    });
    test::client client = server.connect();
    const std::string put = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello";
    CHECK(has(client.send(put).until("answered"), "200 OK"));
    for (int i = 0; i < 10; ++i) // until the handler has returned, whose last write is over
        asio::post(server.context(), asio::use_future).get();
    // The server waits for the rest, to drop it. Whoever has the body reads nothing of it any more.
    weir::buffer_pool pool;
    CHECK(asio::co_spawn(server.context(), read_late(*kept, pool), asio::use_future).get() == weir::errc::closed);
    CHECK(status_of(client.send("world" + get).until("answered")) == 200);
    CHECK(server.record().exchanges(2)[0].received == 10);
    kept.reset();
}

TEST_CASE("server: a handler that fails is answered for, or cut off visibly")
{
    serving server([](http::server_exchange& with) -> asio::awaitable<void> {
        http::response_head head;
        if (with.request().path() == "/nothing")
            co_return;
        if (with.request().path() != "/early") {
            with.begin(head, 100);
            co_await with.write(std::as_bytes(std::span("part", 4)));
        }
        if (with.request().path() == "/silent")
            co_return;
        throw std::runtime_error("broken");
    });
    const auto ask = [&](const std::string& path) {
        return server.ask("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    };
    CHECK(status_of(ask("/early")) == 500);
    CHECK(status_of(ask("/nothing")) == 500);
    CHECK(body_of(ask("/late")) == "part");
    CHECK(body_of(ask("/silent")) == "part");
    const auto told = server.record().exchanges(4);
    CHECK(told[0].failed == weir::errc::internal);
    CHECK(told[1].status == 500);
    CHECK(told[2].failed == weir::errc::internal);
    CHECK(told[3].failed == weir::errc::ended_early);
}

TEST_CASE("server: to a client of HTTP/1.0 a body that is not whole does not end like one that is")
{
    serving server([](http::server_exchange& with) -> asio::awaitable<void> {
        with.begin(http::response_head(), std::nullopt);
        co_await with.write(std::as_bytes(std::span("part", 4)));
        if (with.request().path() != "/whole")
            throw std::runtime_error("broken");
        co_await with.finish();
    });
    test::client whole = server.connect(), cut = server.connect();
    CHECK(body_of(whole.send("GET /whole HTTP/1.0\r\n\r\n").rest()) == "part");
    CHECK(whole.end() == asio::error::eof);
    CHECK(body_of(cut.send("GET /cut HTTP/1.0\r\n\r\n").rest()) == "part");
    CHECK(cut.end() == asio::error::connection_reset);
}

TEST_CASE("server: a handler that throws before it awaits is answered for")
{
    serving server([](http::server_exchange&) -> asio::awaitable<void> { throw std::runtime_error("broken"); });
    CHECK(status_of(server.ask(get)) == 500);
}

TEST_CASE("server: more or less than the length that was given does not go out as if it were whole")
{
    serving server([](http::server_exchange& with) -> asio::awaitable<void> {
        http::response_head head;
        with.begin(head, 3);
        const std::string_view text = with.request().path() == "/more" ? "four" : "12";
        co_await with.write(std::as_bytes(std::span(text)));
        co_await with.finish();
    });
    CHECK(status_of(server.ask("GET /more HTTP/1.1\r\nHost: h\r\n\r\n")) == 500);
    CHECK(body_of(server.ask("GET /less HTTP/1.1\r\nHost: h\r\n\r\n")) == "12");
    CHECK(server.record().exchanges(2)[1].failed == weir::errc::ended_early);
}

TEST_CASE("server: what is no request is refused with its status, and the connection is closed")
{
    http::server_options options;
    options.head = {200, 8};
    options.body_bytes = 10;
    serving server(test::echo, options);
    const std::string host = "Host: h\r\n";
    for (const auto& [text, status] : std::vector<std::pair<std::string, unsigned>>{
             {"GET / HTTP/1.1\r\n\r\n", 400},
             {"\x16\x03\x01\x02", 400},
             {"GET / HTTP/2.0\r\n\r\n", 505},
             {"GET /" + std::string(300, 'a') + " HTTP/1.1\r\n", 414},
             {"GET / HTTP/1.1\r\nA: " + std::string(300, 'a'), 431},
             {"PUT / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
             {"PUT / HTTP/1.1\r\n" + host + "Content-Length: 11\r\n\r\n", 413},
             {"PUT / HTTP/1.1\r\n" + host
                  + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n9\r\n world, x\r\n0\r\n\r\n",
              413},
             {"PUT / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400},
             {"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501},
         }) {
        const std::string& asked = text; // clang 14 captures no bindings
        CAPTURE(asked);
        const std::string answer = server.ask(text);
        CHECK(status_of(answer) == status);
        CHECK(has(answer, "Connection: close\r\n"));
        CHECK(answer.find("HTTP/1.1", 1) == std::string::npos);
    }
}

TEST_CASE("server: a client that is gone in the middle of anything harms nobody")
{
    serving server(test::echo);
    for (const std::string_view text :
         {"", "GET", "GET / HTTP/1.1\r\nHost: h\r\n", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"}) {
        test::client client = server.connect();
        client.send(text);
        client.close();
    }
    CHECK(server.record().failures(2).size() == 2); // in two heads
    CHECK(server.record().exchanges(1)[0].failed);  // in one body
    CHECK(body_of(server.ask(last_get)) == "GET /z ");
}

TEST_CASE("server: slow heads and bodies are answered with 408, idle connections are closed")
{
    http::server_options options;
    options.head_time = options.read_time = options.idle_time = 60ms;
    serving server(test::echo, options);
    CHECK(status_of(server.ask("GET / HTTP/1.1\r\nHost")) == 408);
    CHECK(status_of(server.ask("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe")) == 408);
    CHECK(server.ask("").empty());
    CHECK(body_of(server.ask(get)) == "GET /a ");
    CHECK(server.record().failures(1)[0] == weir::errc::deadline_exceeded);
    CHECK(server.record().exchanges(2)[0].failed == weir::errc::deadline_exceeded);
}

TEST_CASE("server: an empty line behind a body is no request: the connection stays idle, and is closed without a word")
{
    http::server_options options;
    options.head_time = 500ms; // for the first byte of a connection too, on a busy machine
    options.idle_time = 20s;
    serving server(test::echo, options);
    test::client client = server.connect();
    const std::string post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n";
    CHECK(status_of(client.send(post).until("POST /a hello")) == 200);
    // Another connection is through with its head's time, so the first one has waited for longer.
    CHECK(status_of(server.ask("GET / HTTP/1.1\r\nHost")) == 408);
    CHECK(server.server().statistics().idle == 1);
    CHECK(status_of(client.send(post + get).until("GET /a ")) == 200);

    test::client halting = server.connect();
    CHECK(halting.send("\r").rest().empty());
    options.head_time = 20s;
    options.idle_time = 60ms;
    serving hasty(test::echo, options);
    test::client leaving = hasty.connect();
    CHECK(status_of(leaving.send(post).until("POST /a hello")) == 200);
    CHECK(leaving.rest().empty());
}

TEST_CASE("server: a client that never reads is given up")
{
    http::server_options options;
    options.write_time = 100ms;
    options.close_time = 50ms;
    serving server(
        [](http::server_exchange& with) -> asio::awaitable<void> {
            const std::string data(1 << 20, 'x');
            http::response_head head;
            with.begin(head);
            for (;;)
                co_await with.write(std::as_bytes(std::span(data)));
        },
        options);
    test::client client = server.connect();
    client.send(get);
    CHECK(server.record().exchanges(1)[0].failed == weir::errc::deadline_exceeded);
    CHECK_FALSE(client.rest().ends_with("0\r\n\r\n"));
}

TEST_CASE("server: what a client has not taken stays with the handler, which is not told that megabytes are gone")
{
    std::atomic<std::uint64_t> taken = 0;
    http::server_options options;
    options.write_time = 300ms;
    options.close_time = 50ms;
    serving server(
        [&taken](http::server_exchange& with) -> asio::awaitable<void> {
            const std::string data(16 << 10, 'x');
            http::response_head head;
            with.begin(head);
            for (;; taken += data.size())
                co_await with.write(std::as_bytes(std::span(data)));
        },
        options);
    asio::io_context context;
    asio::ip::tcp::socket client(context);
    client.open(asio::ip::tcp::v4());
    client.set_option(asio::socket_base::receive_buffer_size(16 << 10)); // of a window that does not grow
    client.connect(server.where());
    asio::write(client, asio::buffer(get));
    CHECK(server.record().exchanges(1)[0].failed == weir::errc::deadline_exceeded);
    CHECK(taken < 512 << 10); // without a low-water mark the system's buffer takes some MiB
}

TEST_CASE("server: at the limit of connections the longest idle one makes room")
{
    http::server_options options;
    options.connections = 2;
    serving server(test::echo, options);
    test::client first = server.connect();
    CHECK(status_of(first.send(get).until("GET /a ")) == 200);
    test::client second = server.connect();
    CHECK(status_of(second.send(get).until("GET /a ")) == 200);
    CHECK(body_of(server.ask(last_get)) == "GET /z ");
    CHECK(first.rest().empty());
    CHECK(status_of(second.send(get).until("GET /a ")) == 200);
    CHECK(server.server().statistics().accepted == 3);
}

TEST_CASE("server: at the limit a connection that becomes idle makes room for who came before")
{
    http::server_options options;
    options.connections = 1;
    std::promise<void> reached;
    weir::detail::async_event opened;
    serving server(
        [&](http::server_exchange& with) -> asio::awaitable<void> {
            if (with.request().path() == "/a") {
                reached.set_value();
                co_await opened.async_wait(asio::use_awaitable);
            }
            co_await with.reply(200, "whole");
        },
        options);
    test::client first = server.connect();
    first.send(get);
    reached.get_future().wait();
    test::client second = server.connect(); // waits with the system until there is room
    second.send(last_get);
    opened.set();
    CHECK(body_of(second.rest()) == "whole");
    CHECK(body_of(first.rest()) == "whole");
}

TEST_CASE("server: a connection serves as many exchanges as it may")
{
    http::server_options options;
    options.exchanges_per_connection = 2;
    serving server(test::echo, options);
    const std::string seen = server.ask(get + get + get);
    CHECK(has(seen, "Connection: close\r\n"));
    CHECK(server.record().exchanges(2).size() == 2);
}

TEST_CASE("server: options that cannot be are refused by name")
{
    asio::io_context context;
    http::server_options options;
    options.idle_time = 0ms;
    CHECK_THROWS_WITH_AS(http::server(context.get_executor(), test::echo, options), doctest::Contains("idle_time"),
                         weir::error);
}

TEST_CASE("server: interim answers go out before the last one, not to HTTP/1.0")
{
    serving server([](http::server_exchange& with) -> asio::awaitable<void> {
        http::response_head hint;
        hint.status = 103;
        hint.header.add("Link", "</a>");
        co_await with.send_interim(hint);
        co_await with.reply(200, "x");
    });
    CHECK(server.ask(last_get).starts_with("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n"));
    CHECK(server.ask("GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
}

} // namespace
