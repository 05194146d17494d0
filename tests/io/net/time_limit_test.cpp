#include <weir/net/time_limit.hpp>

#include "support/coroutine.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::net::time_limit;
using clock_type = std::chrono::steady_clock;

constexpr auto none = clock_type::time_point::max();

TEST_CASE("time limit: it is told once when it passes, and holds until there is another")
{
    asio::io_context context;
    int told = 0;
    time_limit limit(context.get_executor(), [&] { ++told; });
    CHECK(limit.watch(context.get_executor()));
    limit.set(clock_type::now() + 1ms);
    CHECK(limit.watch(context.get_executor()));
    CHECK(limit.watch(context.get_executor()));
    context.run();
    CHECK(told == 1);
    CHECK(limit.expired());
    CHECK_FALSE(limit.watch(context.get_executor()));
    limit.set(clock_type::now() + 1h);
    CHECK_FALSE(limit.expired());
    CHECK(limit.watch(context.get_executor()));
}

TEST_CASE("time limit: one that nobody watches does not pass, and one that has passed is noticed by the next watch")
{
    asio::io_context context;
    int told = 0;
    time_limit limit(context.get_executor(), [&] { ++told; });
    limit.set(clock_type::now() - 1h);
    CHECK(context.run() == 0);
    CHECK_FALSE(limit.expired());
    CHECK(limit.watch(context.get_executor()));
    context.restart();
    context.run();
    CHECK(told == 1);
}

TEST_CASE("time limit: moved on again and again it sleeps, and taken away it keeps nothing running")
{
    asio::io_context context;
    int told = 0;
    time_limit limit(context.get_executor(), [&] { ++told; });
    const auto end = clock_type::now() + 50ms;
    while (clock_type::now() < end) {
        limit.set(clock_type::now() + 20s);
        CHECK(limit.watch(context.get_executor()));
        context.restart();
        context.poll();
    }
    CHECK(told == 0);
    SUBCASE("sooner")
    {
        limit.set(clock_type::now() + 1ms);
        CHECK(limit.watch(context.get_executor()));
        context.restart();
        context.run();
        CHECK(told == 1);
    }
    SUBCASE("none")
    {
        limit.set(none);
        context.restart();
        context.run();
        CHECK(told == 0);
    }
}

TEST_CASE("time limit: its end tells nothing any more")
{
    asio::io_context context;
    int told = 0;
    std::optional<time_limit> limit(std::in_place, context.get_executor(), [&] { ++told; });
    limit->set(clock_type::now());
    CHECK(limit->watch(context.get_executor()));
    limit.reset();
    context.run();
    CHECK(told == 0);
}

TEST_CASE("time limit: it goes from one strand to the next, on several threads")
{
    asio::io_context context;
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work(context.get_executor());
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] { context.run(); });
    int told = 0;   // each time on one strand, one after the other
    int wanted = 0;
    auto limit = std::make_unique<time_limit>(context.get_executor(), [&] { ++told; });
    for (int turn = 0; turn < 300; ++turn) {
        const auto strand = asio::make_strand(context);
        std::promise<void> done;
        auto wait = [&](auto self) -> void {
            if (limit->expired() || turn % 2 == 0) {
                limit->set(none);
                return done.set_value();
            }
            asio::post(strand, [self] { self(self); });
        };
        wanted += turn % 2;
        asio::post(strand, [&] {
            limit->set(clock_type::now() + std::chrono::microseconds(turn));
            if (!limit->watch(strand))
                FAIL("it has passed before");
            wait(wait);
        });
        done.get_future().wait();
    }
    work.reset();
    for (std::thread& each : threads)
        each.join();
    CHECK(told >= wanted);
}

} // namespace
