#include <weir/net/transport.hpp>

#include "descriptors.hpp"
#include "listening.hpp"
#include "support/coroutine.hpp"
#include "support/temp_dir.hpp"

#include <weir/as_result.hpp>
#include <weir/error.hpp>

#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <thread>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::net::transport;
using clock_type = std::chrono::steady_clock;
using test::tcp_pair;

asio::awaitable<std::size_t> read_some(transport& from, std::span<char> into)
{
    return from.async_read_some(asio::buffer(into.data(), into.size()), asio::use_awaitable);
}

asio::awaitable<std::size_t> write_all(transport& to, std::string_view text)
{
    return asio::async_write(to, asio::buffer(text), asio::use_awaitable);
}

TEST_CASE("transport: bytes go both ways over TCP, and the end is told")
{
    asio::io_context context;
    tcp_pair pair(context);
    CHECK(pair.mine.is_open());
    CHECK_FALSE(pair.mine.secure());
    CHECK_FALSE(pair.mine.resumed());
    CHECK(pair.mine.peer().starts_with("127.0.0.1:"));
    CHECK(test::await(context, write_all(pair.mine, "to the peer")) == 11);
    std::array<char, 11> got{};
    asio::read(pair.theirs, asio::buffer(got));
    CHECK(std::string_view(got.data(), got.size()) == "to the peer");
    asio::write(pair.theirs, asio::buffer("from the peer", 13));
    pair.theirs.shutdown(asio::socket_base::shutdown_send);
    const auto [all, ended] = test::await(context, test::read_to_the_end(pair.mine));
    CHECK(all == "from the peer");
    CHECK(ended == asio::error::eof);
    CHECK_FALSE(pair.mine.truncated());
}

TEST_CASE("transport: a read is scattered and a write gathered over several buffers")
{
    asio::io_context context;
    tcp_pair pair(context);
    asio::write(pair.theirs, asio::buffer("abcdef", 6));
    std::array<char, 2> first{};
    std::array<char, 4> second{};
    const std::array<asio::mutable_buffer, 2> parts{asio::buffer(first), asio::buffer(second)};
    CHECK(test::await(context, pair.mine.async_read_some(parts, asio::use_awaitable)) == 6);
    CHECK(second == std::array{'c', 'd', 'e', 'f'});
    const std::array<asio::const_buffer, 2> back{asio::buffer(second), asio::buffer(first)};
    CHECK(test::await(context, pair.mine.async_write_some(back, asio::use_awaitable)) == 6);
    std::array<char, 6> got{};
    asio::read(pair.theirs, asio::buffer(got));
    CHECK(std::string_view(got.data(), 6) == "cdefab");
}

TEST_CASE("transport: a Unix socket is a connection like any other")
{
    asio::io_context context;
    asio::local::stream_protocol::socket mine(context);
    asio::local::stream_protocol::socket theirs(context);
    asio::local::connect_pair(mine, theirs);
    transport connected(std::move(mine));
    CHECK(test::await(context, write_all(connected, "local")) == 5);
    std::array<char, 5> got{};
    asio::read(theirs, asio::buffer(got));
    CHECK(std::string_view(got.data(), 5) == "local");
    CHECK(connected.quiet());
    theirs.close();
    CHECK_FALSE(connected.quiet());
}

TEST_CASE("transport: it is quiet until the peer sends something, or ends")
{
    asio::io_context context;
    tcp_pair pair(context);
    CHECK(pair.mine.quiet());
    SUBCASE("something nobody asked for") { asio::write(pair.theirs, asio::buffer("?", 1)); }
    SUBCASE("the end") { pair.theirs.shutdown(asio::socket_base::shutdown_send); }
    SUBCASE("a reset")
    {
        pair.theirs.set_option(asio::socket_base::linger(true, 0));
        pair.theirs.close();
    }
    SUBCASE("closed by us") { pair.mine.close(); }
    CHECK_FALSE(pair.mine.quiet());
    CHECK_FALSE(transport().quiet());
}

TEST_CASE("transport: a peer that is gone is EPIPE or a reset, and no signal")
{
    asio::io_context context;
    tcp_pair pair(context);
    pair.theirs.set_option(asio::socket_base::linger(true, 0));
    pair.theirs.close();
    const std::string much(1 << 20, 'x');
    const auto outcome = test::await(context, weir::as_result(write_all(pair.mine, much)));
    CHECK_MESSAGE((outcome.code() == std::errc::broken_pipe || outcome.code() == std::errc::connection_reset),
                  outcome.message());
}

TEST_CASE("transport: what goes without waiting is written at once, and nothing else")
{
    asio::io_context context;
    tcp_pair pair(context);
    const std::array<asio::const_buffer, 2> parts{asio::buffer("to the ", 7), asio::buffer("peer", 4)};
    const auto written = pair.mine.try_write_some(parts);
    REQUIRE(written);
    CHECK_FALSE(written->failed);
    CHECK(written->bytes == 11);
    std::array<char, 11> got{};
    asio::read(pair.theirs, asio::buffer(got));
    CHECK(std::string_view(got.data(), got.size()) == "to the peer");

    const std::string much(std::size_t{1} << 20, 'x');
    const std::array<asio::const_buffer, 1> all{asio::buffer(much)};
    std::size_t sent = 0;
    while (const auto more = pair.mine.try_write_some(all)) {
        REQUIRE_FALSE(more->failed);
        sent += more->bytes;
    }
    CHECK(sent > 0);
    // The asynchronous one waits for the peer.
    std::size_t later = 0;
    pair.mine.async_write_some(all, [&](boost::system::error_code failed, std::size_t bytes) {
        CHECK_FALSE(failed);
        later = bytes;
    });
    test::run_ready(context);
    CHECK(later == 0);
    std::string dropped(sent, '\0');
    asio::read(pair.theirs, asio::buffer(dropped));
    context.restart();
    context.run();
    CHECK(later > 0);
}

TEST_CASE("transport: at once, a peer that is gone is told, and no time that is left")
{
    asio::io_context context;
    tcp_pair pair(context);
    const std::array<asio::const_buffer, 1> word{asio::buffer("word", 4)};
    pair.mine.expires_at(clock_type::now() - 1s);
    std::array<char, 1> into{};
    const auto late = test::await(context, weir::as_result(read_some(pair.mine, into)));
    CHECK(late.code() == weir::errc::deadline_exceeded);
    CHECK_FALSE(pair.mine.try_write_some(word));
    pair.mine.expires_at(clock_type::time_point::max());
    CHECK(pair.mine.try_write_some(word));

    pair.theirs.close(); // with what it has not read: a reset
    std::optional<transport::written> last;
    do
        last = pair.mine.try_write_some(word);
    while (last && !last->failed);
    REQUIRE(last);
    CHECK((last->failed == asio::error::broken_pipe || last->failed == asio::error::connection_reset));
    pair.mine.close();
    last = pair.mine.try_write_some(word);
    REQUIRE(last);
    CHECK(last->failed);
}

TEST_CASE("transport: a cancelled read loses nothing")
{
    asio::io_context context;
    tcp_pair pair(context);
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
    asio::write(pair.theirs, asio::buffer("still", 5));
    CHECK(test::await(context, read_some(pair.mine, into)) == 5);
}

TEST_CASE("transport: an operation that is under way ends when it is cancelled, closed or destroyed")
{
    asio::io_context context;
    tcp_pair pair(context);
    std::array<char, 8> into{};
    test::task<std::size_t> reading(context.get_executor(), read_some(pair.mine, into));
    test::run_ready(context);
    CHECK_FALSE(reading.done());
    SUBCASE("cancelled")
    {
        pair.mine.cancel();
        test::run_ready(context);
        CHECK(pair.mine.is_open());
    }
    SUBCASE("closed")
    {
        pair.mine.close();
        pair.mine.close();
        CHECK_FALSE(pair.mine.is_open());
    }
    SUBCASE("destroyed") { transport().swap(pair.mine); }
    SUBCASE("replaced") { pair.mine = transport(); }
    test::run_ready(context);
    CHECK(reading.outcome().code() == std::errc::operation_canceled);
}

TEST_CASE("transport: what waits when its limit of time passes is told so, and what starts later too")
{
    asio::io_context context;
    tcp_pair pair(context);
    std::array<char, 8> into{};
    pair.mine.expires_at(clock_type::now() + 1ms);
    CHECK(test::await(context, weir::as_result(read_some(pair.mine, into))).code() == weir::errc::deadline_exceeded);
    asio::write(pair.theirs, asio::buffer("late", 4));
    CHECK(test::await(context, weir::as_result(read_some(pair.mine, into))).code() == weir::errc::deadline_exceeded);
    CHECK(test::await(context, weir::as_result(write_all(pair.mine, "x"))).code() == weir::errc::deadline_exceeded);
    pair.mine.expires_at(clock_type::now() + 1h);
    CHECK(test::await(context, read_some(pair.mine, into)) == 4);
}

TEST_CASE("transport: a limit that is moved on in time stops nothing")
{
    asio::io_context context;
    tcp_pair pair(context);
    std::array<char, 8> into{};
    pair.mine.expires_at(clock_type::now() + 200ms);
    test::task<std::size_t> reading(context.get_executor(), read_some(pair.mine, into));
    test::run_ready(context);
    pair.mine.expires_at(clock_type::now() + 1h);
    context.restart();
    context.run_one_for(5s); // the timer wakes, and sleeps again
    CHECK_FALSE(reading.done());
    asio::write(pair.theirs, asio::buffer("ok", 2));
    context.restart();
    while (!reading.done())
        context.run_one();
    CHECK(reading.outcome().value() == 2);
}

TEST_CASE("transport: without a limit, or closed, nothing keeps the executor running")
{
    asio::io_context context;
    tcp_pair pair(context);
    std::array<char, 8> into{};
    pair.mine.expires_at(clock_type::now() + 1h);
    asio::write(pair.theirs, asio::buffer("ok", 2));
    CHECK(test::await(context, read_some(pair.mine, into)) == 2);
    SUBCASE("no limit") { pair.mine.expires_at(clock_type::time_point::max()); }
    SUBCASE("closed") { pair.mine.close(); }
    SUBCASE("destroyed") { pair.mine = transport(); }
    context.restart();
    context.run(); // would take an hour
}

TEST_CASE("transport: a shutdown lets the peer read all that was written, and waits for its end")
{
    asio::io_context context;
    tcp_pair pair(context);
    test::await(context, write_all(pair.mine, "the last words"));
    asio::write(pair.theirs, asio::buffer("unread by us", 12));
    test::task<void> ending(context.get_executor(), pair.mine.shutdown(clock_type::now() + 1h));
    test::run_ready(context);
    CHECK_FALSE(ending.done());
    std::string got(14, '\0');
    asio::read(pair.theirs, asio::buffer(got));
    CHECK(got == "the last words");
    boost::system::error_code ended;
    char more = 0;
    asio::read(pair.theirs, asio::buffer(&more, 1), ended);
    CHECK(ended == asio::error::eof);
    pair.theirs.close();
    context.restart();
    context.run();
    CHECK(ending.outcome().has_value());
    CHECK_FALSE(pair.mine.is_open());
}

TEST_CASE("transport: a shutdown ends by its deadline beside a peer that never answers, or when it is cancelled")
{
    asio::io_context context;
    tcp_pair pair(context);
    const std::size_t before = test::open_sockets();
    SUBCASE("deadline")
    {
        test::await(context, pair.mine.shutdown(clock_type::now() + 2ms));
    }
    SUBCASE("cancelled")
    {
        test::task<void> ending(context.get_executor(), pair.mine.shutdown(clock_type::now() + 1h));
        test::run_ready(context);
        ending.cancel();
        context.restart();
        context.run();
        CHECK(ending.done());
    }
    CHECK_FALSE(pair.mine.is_open());
    CHECK(test::open_sockets() == before - 1);
    test::await(context, pair.mine.shutdown(clock_type::now() + 1h)); // nothing to do
}

TEST_CASE("transport: a callback, a future and a coroutine can wait for it")
{
    asio::io_context context;
    tcp_pair pair(context);
    std::array<char, 1> into{};
    asio::write(pair.theirs, asio::buffer("abc", 3));
    auto later = pair.mine.async_read_some(asio::buffer(into), asio::use_future);
    test::run_ready(context);
    CHECK(later.get() == 1);
    std::size_t called = 0;
    pair.mine.async_read_some(asio::buffer(into), [&](boost::system::error_code, std::size_t n) { called = n; });
    CHECK(called == 0);
    test::run_ready(context);
    CHECK(called == 1);
    CHECK(test::await(context, read_some(pair.mine, into)) == 1);
}

} // namespace
