#include <weir/net/connect.hpp>

#include "black_hole.hpp"
#include "descriptors.hpp"
#include "listening.hpp"
#include "steps.hpp"
#include "support/coroutine.hpp"

#include <weir/error.hpp>

#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using clock_type = std::chrono::steady_clock;
using weir::net::connect;

constexpr auto no_deadline = clock_type::time_point::max();
constexpr auto an_hour = std::chrono::milliseconds(1h);

std::string text(const tcp::endpoint& endpoint)
{
    const std::string address = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

tcp::endpoint reached(asio::io_context& context, std::vector<tcp::endpoint> endpoints, std::chrono::milliseconds delay)
{
    const std::size_t before = test::open_sockets();
    const tcp::socket socket = test::await(context, connect(std::move(endpoints), "peer.test", no_deadline, delay));
    CHECK(test::open_sockets() == before + 1);
    return socket.remote_endpoint();
}

TEST_CASE("connect: the first address that answers is taken")
{
    asio::io_context context;
    test::listener good(context);
    test::listener spare(context);
    CHECK(reached(context, {good.endpoint()}, an_hour) == good.endpoint());
    CHECK(reached(context, {good.endpoint(), spare.endpoint()}, an_hour) == good.endpoint());
}

TEST_CASE("connect: after an address that refuses the next is tried at once")
{
    asio::io_context context;
    test::listener good(context);
    CHECK(reached(context, {test::refusing(context, true), good.endpoint()}, an_hour) == good.endpoint());
    CHECK(reached(context, {test::refusing(context), test::refusing(context), good.endpoint()}, an_hour)
          == good.endpoint());
}

TEST_CASE("connect: beside an address that does not answer the next is tried after the delay")
{
    asio::io_context context;
    const test::black_hole silent(context);
    test::listener good(context);
    const auto start = clock_type::now();
    CHECK(reached(context, {silent.endpoint(), good.endpoint()}, 20ms) == good.endpoint());
    CHECK(clock_type::now() - start >= 20ms);
    CHECK(reached(context, {silent.endpoint(), test::refusing(context), good.endpoint()}, 1ms) == good.endpoint());
}

TEST_CASE("connect: of two that answer one is taken, and the other is closed before it ends")
{
    asio::io_context context;
    test::listener first(context);
    test::listener second(context);
    CHECK(reached(context, {first.endpoint(), second.endpoint()}, 0ms).address().is_loopback());
}

TEST_CASE("connect: if all fail, how each did is told, in the order of the attempts, the families in turn")
{
    asio::io_context context;
    std::vector<tcp::endpoint> all;
    for (const bool ipv6 : {false, false, true})
        all.push_back(test::refusing(context, ipv6));
    const std::size_t before = test::open_sockets();
    const auto outcome = test::await(context, weir::as_result(connect(all, "peer.test", no_deadline, an_hour)));
    CHECK(outcome.code() == std::errc::connection_refused);
    const std::string said = outcome.message();
    CAPTURE(said);
    CHECK(said.starts_with("connect to peer.test:" + std::to_string(all[0].port()) + ": connection refused ("));
    const std::size_t first = said.find(text(all[0]) + ": Connection refused");
    const std::size_t second = said.find(text(all[2]) + ": ");
    const std::size_t third = said.find(text(all[1]) + ": Connection refused");
    CHECK(first < second);
    CHECK(second < third);
    CHECK(third < said.size());
    CHECK(test::open_sockets() == before);
}

TEST_CASE("connect: that a peer refuses says more than that there is no way to an address")
{
    asio::io_context context;
    const tcp::endpoint no_way(asio::ip::address_v4::broadcast(), 9);
    const std::vector<tcp::endpoint> both{no_way, test::refusing(context)};
    const auto refused = test::await(context, weir::as_result(connect(both, "peer.test", no_deadline, an_hour)));
    CHECK(refused.code() == std::errc::connection_refused);
    const auto alone = test::await(context, weir::as_result(connect(std::vector{no_way}, "peer.test", no_deadline)));
    CHECK_FALSE(alone.has_value());
    CHECK(alone.code() != std::errc::connection_refused);
}

TEST_CASE("connect: a host without addresses is not resolved")
{
    asio::io_context context;
    const auto outcome = test::await(context, weir::as_result(connect({}, "peer.test", no_deadline)));
    CHECK(outcome.code() == weir::errc::resolve_failed);
}

TEST_CASE("connect: it ends by its deadline, and says who did not answer and who was not asked")
{
    asio::io_context context;
    const test::black_hole silent(context);
    const test::black_hole other(context);
    const std::size_t before = test::open_sockets();
    const std::vector<tcp::endpoint> both{silent.endpoint(), other.endpoint()};
    const auto outcome = test::await(
        context, weir::as_result(connect(both, "peer.test", clock_type::now() + 250ms, an_hour)));
    CHECK(outcome.code() == weir::errc::deadline_exceeded);
    CHECK(outcome.message() == "connect to peer.test:" + std::to_string(silent.endpoint().port())
              + ": deadline exceeded (" + text(both[0]) + ": no answer, " + text(both[1]) + ": not tried)");
    CHECK(test::open_sockets() == before);
    const auto late = test::await(context, weir::as_result(connect(both, "peer.test", clock_type::now() - 1ms)));
    CHECK(late.code() == weir::errc::deadline_exceeded);
}

TEST_CASE("connect: cancelled after any number of steps it leaves no socket")
{
    test::await_all_steps([](asio::io_context& context) {
        auto silent = std::make_shared<test::black_hole>(context);
        auto good = std::make_shared<test::listener>(context);
        const std::vector<tcp::endpoint> endpoints{test::refusing(context), silent->endpoint(), good->endpoint()};
        return [silent, good, endpoints] { return connect(endpoints, "peer.test", no_deadline, 1ms); };
    });
}

asio::awaitable<tcp::endpoint> endpoint_reached(std::vector<tcp::endpoint> endpoints)
{
    const tcp::socket socket = co_await connect(std::move(endpoints), "peer.test", no_deadline, 1ms);
    co_return socket.remote_endpoint();
}

TEST_CASE("connect: many at a time on several threads end, and close what they do not use")
{
    const std::size_t before = test::open_sockets();
    {
        asio::thread_pool pool(3);
        asio::io_context listening;
        const test::black_hole silent(listening);
        test::listener good(listening);
        std::vector<std::future<tcp::endpoint>> all;
        for (int i = 0; i < 50; ++i) {
            std::vector<tcp::endpoint> endpoints{test::refusing(listening), silent.endpoint(), good.endpoint()};
            all.push_back(asio::co_spawn(pool, endpoint_reached(std::move(endpoints)), asio::use_future));
        }
        for (std::future<tcp::endpoint>& each : all)
            CHECK(each.get() == good.endpoint());
        pool.join();
    }
    CHECK(test::open_sockets() == before);
}

} // namespace
