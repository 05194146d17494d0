// What TLS carries, how it ends, and what is remembered of it. The peer is real: OpenSSL by itself, or our server side.
#include <weir/net/tls_context.hpp>

#include "support/seed.hpp"
#include "tls_peer.hpp"
#include "tls_world.hpp"

#include <weir/buffer_pool.hpp>
#include <weir/error.hpp>
#include <weir/stream_source.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in_an_hour;
using test::tls_pair;
using test::tls_peer;
using test::tls_world;
using weir::net::secured;
using weir::net::tls_context;
using weir::net::tls_server_context;
using weir::net::transport;

std::string random_text(std::mt19937_64& random, std::size_t size)
{
    std::string text(size, '\0');
    for (char& each : text)
        each = static_cast<char>(random());
    return text;
}

/// Writes in pieces of random sizes, several at a time.
asio::awaitable<void> send(transport& to, std::string_view text, std::uint64_t seed)
{
    std::mt19937_64 random(seed);
    while (!text.empty()) {
        std::vector<asio::const_buffer> pieces;
        const std::size_t count = 1 + random() % 5;
        for (std::size_t i = 0; i < count && !text.empty(); ++i) {
            const std::size_t most = random() % 2 ? 100 : 60'000;
            const std::size_t size = std::min(text.size(), static_cast<std::size_t>(random() % most));
            pieces.push_back(asio::buffer(text.substr(0, size)));
            text.remove_prefix(size);
        }
        if (asio::buffer_size(pieces) > 0)
            co_await asio::async_write(to, pieces, asio::use_awaitable);
    }
}

asio::awaitable<std::string> receive(transport& from, std::size_t size)
{
    std::string text(size, '\0');
    co_await asio::async_read(from, asio::buffer(text), asio::use_awaitable);
    co_return text;
}

transport connect_to(asio::io_context& context, const tls_peer& peer, const tls_context& client)
{
    return test::await(context, secured(test::connected_to(context, peer.port()), client, "peer.test", peer.port(),
                                        in_an_hour()));
}

TEST_CASE("TLS: megabytes go both ways at once, in pieces of any size")
{
    const tls_world world;
    asio::io_context context;
    tls_pair pair(context, tls_context(world.trusting()), tls_server_context(world.showing(world.peer)));
    CHECK(pair.mine.secure());
    CHECK(pair.theirs.secure());
    auto random = test::generator(1);
    const std::string there = random_text(random, 3'000'000);
    const std::string back = random_text(random, 2'000'000);
    test::task<void> sending(context.get_executor(), send(pair.mine, there, random()));
    test::task<void> answering(context.get_executor(), send(pair.theirs, back, random()));
    test::task<std::string> got_there(context.get_executor(), receive(pair.theirs, there.size()));
    test::task<std::string> got_back(context.get_executor(), receive(pair.mine, back.size()));
    context.restart();
    context.run();
    CHECK(sending.outcome().has_value());
    CHECK(answering.outcome().has_value());
    CHECK(got_there.outcome().value() == there);
    CHECK(got_back.outcome().value() == back);
}

TEST_CASE("TLS: small buffers of one write are one record")
{
    const tls_world world;
    asio::io_context context;
    std::string record(16 * 1024, '\0');
    std::atomic<int> size{0};
    {
        tls_peer peer(world.peer, 1, [&](SSL* ssl, int) {
            size = SSL_read(ssl, record.data(), static_cast<int>(record.size()));
        });
        transport mine = connect_to(context, peer, tls_context(world.trusting()));
        const std::array<asio::const_buffer, 3> parts{asio::buffer("head ", 5), asio::buffer("2\r\n", 3),
                                                      asio::buffer("ok", 2)};
        CHECK(test::await(context, mine.async_write_some(parts, asio::use_awaitable)) == 10);
    }
    CHECK(size == 10);
    CHECK(record.starts_with("head 2\r\nok"));
}

TEST_CASE("TLS: an end with close_notify is told apart from one that was cut off")
{
    const tls_world world;
    asio::io_context context;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        for (const bool in_order : {true, false}) {
            tls_peer peer(
                world.peer, 1,
                [&](SSL* ssl, int) {
                    SSL_write(ssl, "all of it", 9);
                    if (in_order)
                        SSL_shutdown(ssl);
                },
                version);
            transport mine = connect_to(context, peer, tls_context(world.trusting()));
            const auto [all, ended] = test::await(context, test::read_to_the_end(mine));
            CHECK(all == "all of it");
            CHECK(ended == asio::error::eof);
            CHECK(mine.truncated() == !in_order);
            char more = 0;
            CHECK(test::await(context, weir::as_result(mine.async_read_some(asio::buffer(&more, 1), asio::use_awaitable)))
                      .code()
                  == std::error_code(asio::error::make_error_code(asio::error::eof)));
        }
}

TEST_CASE("TLS: what was cut off is no end to a stream_source, which knows nothing else of its length")
{
    const tls_world world;
    asio::io_context context;
    weir::buffer_pool pool({.tiers = {{4096, 64}}, .max_bytes = 64 * 4096});
    weir::reservation memory = std::move(*pool.try_reserve(4, 4096));
    for (const bool in_order : {true, false}) {
        tls_peer peer(world.peer, 1, [&](SSL* ssl, int) {
            SSL_write(ssl, "all of it", 9);
            if (in_order)
                SSL_shutdown(ssl);
        });
        weir::stream_source source(connect_to(context, peer, tls_context(world.trusting())));
        std::size_t count = 0;
        weir::result<weir::bytes> next = weir::bytes();
        do {
            next = test::await(context, weir::as_result(source.read(memory, 3 * 4096)));
            count += next ? next->size() : 0;
        } while (next && !next->empty());
        CHECK(count == 9);
        CHECK(next.has_value() == in_order);
        CHECK((in_order || next.code() == weir::errc::ended_early));
        test::await(context, source.close());
    }
}

TEST_CASE("TLS: bytes that are not the peer's are an error that says why, and stays")
{
    const tls_world world;
    asio::io_context context;
    tls_peer peer(world.peer, 1, [](SSL* ssl, int) {
        const std::string forged = std::string("\x17\x03\x03\x00\x40", 5) + std::string(0x40, 'x');
        CHECK(::send(SSL_get_fd(ssl), forged.data(), forged.size(), 0) == static_cast<ssize_t>(forged.size()));
        char answer = 0;
        SSL_read(ssl, &answer, 1);
    });
    transport mine = connect_to(context, peer, tls_context(world.trusting()));
    for (int i = 0; i < 2; ++i) {
        const auto outcome = test::await(context, test::read_to_the_end(mine));
        CHECK(outcome.first.empty());
        CHECK(std::error_code(outcome.second) == weir::errc::tls_failed);
        CHECK(mine.tls_failure() == "decryption failed or bad record mac");
    }
    CHECK_FALSE(mine.quiet());
    mine.close();
}

TEST_CASE("TLS: the second connection to a host takes up the session of the first")
{
    const tls_world world;
    asio::io_context context;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(version);
        const tls_context client(world.trusting());
        const auto other = world.trusting();
        tls_peer peer(world.peer, 4, [](SSL* ssl, int) { SSL_write(ssl, "x", 1); }, version);
        const auto resumes = [&](const tls_context& how) {
            transport mine = connect_to(context, peer, how);
            CHECK(test::await(context, test::read_to_the_end(mine)).first == "x"); // and the tickets before it
            return mine.resumed();
        };
        CHECK_FALSE(resumes(client));
        CHECK(resumes(client));
        CHECK(resumes(client));
        CHECK_FALSE(resumes(tls_context(other)));
    }
}

TEST_CASE("TLS: sessions are of one host and port, and none are kept if none shall be")
{
    const tls_world world;
    const test::identity both = world.issue({.names = "DNS:peer.test,DNS:other.test"});
    asio::io_context context;
    tls_server_context server(world.showing(both));
    const auto resumed = [&](const tls_context& client, const std::string& host) {
        tls_pair pair(context, client, server, host);
        test::await(context, send(pair.theirs, "x", 0));
        CHECK(test::await(context, receive(pair.mine, 1)) == "x");
        return pair.mine.resumed();
    };
    const tls_context client(world.trusting());
    CHECK_FALSE(resumed(client, "peer.test"));
    CHECK_FALSE(resumed(client, "other.test"));
    CHECK(resumed(client, "peer.test"));
    CHECK(resumed(client, "other.test"));
    auto none = world.trusting();
    none.session_cache_entries = 0;
    const tls_context forgetful(none);
    CHECK_FALSE(resumed(forgetful, "peer.test"));
    CHECK_FALSE(resumed(forgetful, "peer.test"));
}

TEST_CASE("TLS: a connection is quiet with tickets unread, but not with data, or after its end")
{
    const tls_world world;
    asio::io_context context;
    tls_pair pair(context, tls_context(world.trusting()), tls_server_context(world.showing(world.peer)));
    CHECK(pair.mine.quiet());
    CHECK(pair.theirs.quiet());
    SUBCASE("data")
    {
        test::await(context, send(pair.theirs, "?", 0));
        CHECK_FALSE(pair.mine.quiet());
        CHECK(test::await(context, receive(pair.mine, 1)) == "?");
        CHECK(pair.mine.quiet());
    }
    SUBCASE("close_notify")
    {
        test::await(context, pair.theirs.shutdown(test::tls_clock::now() + 1ms));
        CHECK_FALSE(pair.mine.quiet());
    }
    SUBCASE("cut off")
    {
        pair.theirs.close();
        CHECK_FALSE(pair.mine.quiet());
    }
}

TEST_CASE("TLS: a shutdown says goodbye, and waits for the answer no longer than its deadline")
{
    const tls_world world;
    asio::io_context context;
    tls_pair pair(context, tls_context(world.trusting()), tls_server_context(world.showing(world.peer)));
    SUBCASE("answered")
    {
        test::task<void> ending(context.get_executor(), pair.mine.shutdown(in_an_hour()));
        const auto theirs = test::await(context, test::read_to_the_end(pair.theirs));
        CHECK(theirs.second == asio::error::eof);
        CHECK_FALSE(pair.theirs.truncated());
        test::await(context, pair.theirs.shutdown(in_an_hour()));
        context.restart();
        context.run();
        CHECK(ending.outcome().has_value());
    }
    SUBCASE("never answered") { test::await(context, pair.mine.shutdown(test::tls_clock::now() + 2ms)); }
    SUBCASE("the way there is full")
    {
        const std::string much(8'000'000, 'x');
        test::task<void> sending(context.get_executor(), send(pair.mine, much, 0));
        test::run_ready(context);
        sending.cancel();
        test::run_ready(context);
        CHECK(sending.outcome().code() == std::errc::operation_canceled);
        // A record was cut in two: no other can follow.
        const auto again = test::await(context, weir::as_result(send(pair.mine, "more", 1)));
        CHECK(again.code() == std::errc::operation_canceled);
        test::await(context, pair.mine.shutdown(test::tls_clock::now() + 2ms));
    }
    CHECK_FALSE(pair.mine.is_open());
}

TEST_CASE("TLS: a limit of time holds for reads and writes")
{
    const tls_world world;
    asio::io_context context;
    tls_pair pair(context, tls_context(world.trusting()), tls_server_context(world.showing(world.peer)));
    pair.mine.expires_at(test::tls_clock::now() + 2ms);
    CHECK(test::await(context, weir::as_result(receive(pair.mine, 1))).code() == weir::errc::deadline_exceeded);
    const std::string much(8'000'000, 'x');
    pair.mine.expires_at(test::tls_clock::now() + 2ms);
    CHECK(test::await(context, weir::as_result(send(pair.mine, much, 0))).code() == weir::errc::deadline_exceeded);
}

TEST_CASE("TLS: a read is cancelled in any way that Asio knows, and loses nothing")
{
    const tls_world world;
    asio::io_context context;
    tls_pair pair(context, tls_context(world.trusting()), tls_server_context(world.showing(world.peer)));
    std::array<char, 8> into{};
    for (const auto how : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                           asio::cancellation_type::total}) {
        asio::cancellation_signal stop;
        boost::system::error_code ended;
        pair.mine.async_read_some(
            asio::buffer(into),
            asio::bind_cancellation_slot(stop.slot(), [&](boost::system::error_code code, std::size_t) { ended = code; }));
        test::run_ready(context);
        CHECK_FALSE(ended);
        stop.emit(how);
        test::run_ready(context);
        CHECK(ended == asio::error::operation_aborted);
    }
    test::await(context, send(pair.theirs, "still", 0));
    CHECK(test::await(context, receive(pair.mine, 5)) == "still");
}

TEST_CASE("TLS: an operation under way survives the end of its transport and of its context")
{
    const tls_world world;
    asio::io_context context;
    tls_pair pair(context, tls_context(world.trusting()), tls_server_context(world.showing(world.peer)));
    test::task<std::string> reading(context.get_executor(), receive(pair.mine, 1));
    test::run_ready(context);
    SUBCASE("closed")
    {
        pair.mine.close();
        test::run_ready(context);
        CHECK(reading.outcome().code() == std::errc::operation_canceled);
    }
    SUBCASE("closed when it was ready")
    {
        test::task<void> sending(context.get_executor(), send(pair.theirs, "x", 0));
        context.restart();
        while (!sending.done())
            context.run_one();
        pair.mine.close();
        test::run_ready(context);
        CHECK(reading.done());
    }
    SUBCASE("the context ends first") {}
}

TEST_CASE("TLS: both sides agree on a protocol, if they name one")
{
    const tls_world world;
    asio::io_context context;
    auto client = world.trusting();
    auto server = world.showing(world.peer);
    server.application_protocols = {"h3", "http/1.1"};
    SUBCASE("one that both have")
    {
        client.application_protocols = {"spdy", "http/1.1"};
        tls_pair pair(context, tls_context(client), tls_server_context(server));
        CHECK(pair.mine.application_protocol() == "http/1.1");
        CHECK(pair.theirs.application_protocol() == "http/1.1");
    }
    SUBCASE("none that both have")
    {
        client.application_protocols = {"spdy"};
        tls_pair pair(context, tls_context(client), tls_server_context(server));
        CHECK(pair.mine.application_protocol().empty());
    }
    SUBCASE("nothing said")
    {
        tls_pair pair(context, tls_context(client), tls_server_context(server));
        CHECK(pair.mine.application_protocol().empty());
    }
}

} // namespace
