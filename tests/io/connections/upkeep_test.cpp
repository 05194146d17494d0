// What a pool does by itself, and how it ends.
#include <weir/connection_pool.hpp>
#include <weir/observer.hpp>
#include <weir/registry.hpp>

#include "fake_connections.hpp"
#include "support/coroutine.hpp"

#include <boost/asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

namespace upkeep_test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::acquisition;
using test::run_ready;
using test::run_until;
using weir::close_reason;
using clock_type = std::chrono::steady_clock;
using plain_pool = weir::connection_pool<test::plain_manager>;
using full_pool = weir::connection_pool<test::full_manager>;

asio::awaitable<void> wait_for_ever(int)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, 24h);
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> fail(int)
{
    throw weir::error(std::make_error_code(std::errc::connection_reset), "check");
    co_return;
}

/// `count` connections of `key` that lie idle.
template <class Pool> void make_idle(Pool& pool, asio::io_context& io, int key, std::size_t count)
{
    std::vector<acquisition> all;
    for (std::size_t i = 0; i < count; ++i)
        all.emplace_back(pool, io, key);
    run_ready(io);
    for (acquisition& each : all) {
        REQUIRE(each.got());
        each.got().release();
    }
    run_ready(io);
}

/// How an end that was waited for came about.
struct ending {
    bool done = false;
    std::error_code code;
    auto handler()
    {
        return [this](boost::system::error_code outcome) {
            done = true;
            code = outcome;
        };
    }
};

TEST_CASE("idle: nobody's connection is closed after the idle limit, and the executor has nothing left to do")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, {.idle_limit = 2ms});
    make_idle(pool, io, 1, 2);
    io.restart();
    io.run();
    CHECK(world.all.now == 0);
    CHECK(pool.statistics().closed_for(close_reason::idle) == 2);
    CHECK(pool.statistics().keys == 0);
}

TEST_CASE("idle: above max_idle the one that was idle for longest is closed")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, {.max_idle = 2});
    std::vector<acquisition> all;
    for (int i = 0; i < 3; ++i)
        all.emplace_back(pool, io, i);
    run_ready(io);
    for (acquisition& each : all)
        each.got().release();
    run_ready(io);
    CHECK(pool.statistics().closed_for(close_reason::surplus) == 1);
    CHECK(!pool.try_acquire(0));
    CHECK(pool.try_acquire(1));
    CHECK(pool.try_acquire(2));
}

TEST_CASE("lifetime: an old connection is closed when it is idle, and when it comes back")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, {.max_lifetime = 2ms, .lifetime_jitter = 0});
    acquisition first(pool, io, 1);
    acquisition second(pool, io, 1);
    run_ready(io);
    first.got().release();
    run_until(io, [&] { return pool.statistics().closed_for(close_reason::lifetime) == 1; });
    CHECK(world.all.now == 1);
    second.got().release();
    run_ready(io);
    CHECK(pool.statistics().closed_for(close_reason::lifetime) == 2);
    CHECK(world.all.now == 0);
}

TEST_CASE("lifetime: the jitter makes it shorter, never longer, and not the same for all")
{
    test::world world;
    std::multiset<clock_type::time_point> ends;
    asio::io_context io;
    weir::connection_hooks<int, test::fake_connection> hooks;
    hooks.closed = [&](int, close_reason) { ends.insert(clock_type::now()); };
    plain_pool pool(io.get_executor(), {&world}, {.max_lifetime = 400ms, .lifetime_jitter = 1}, hooks);
    const auto start = clock_type::now();
    make_idle(pool, io, 1, 16);
    run_until(io, [&] { return ends.size() >= 4; });
    CHECK(*ends.begin() - start < 400ms); // 4 of 16 before their time: each is at a random part of it
    CHECK(pool.statistics().closed_for(close_reason::lifetime) >= 4);
    CHECK(pool.statistics().idle > 0);
}

TEST_CASE("check: what was idle is checked before it is lent, and replaced when that fails")
{
    test::world world;
    asio::io_context io;
    full_pool pool(io.get_executor(), {{&world}}, {.check_when_idle_for = 0s});
    make_idle(pool, io, 1, 1);
    CHECK(!pool.try_acquire(1)); // a check takes time
    acquisition good(pool, io, 1);
    run_ready(io);
    CHECK(good.got()->id == 1);
    CHECK(world.checks == 1);
    good.got().release();
    run_ready(io);
    world.on_check = fail;
    acquisition other(pool, io, 1);
    run_ready(io);
    CHECK(other.got()->id == 2);
    CHECK(pool.statistics().closed_for(close_reason::unhealthy) == 1);
    CHECK(world.all.now == 1);
}

TEST_CASE("check: one that takes too long counts as failed")
{
    test::world world;
    asio::io_context io;
    full_pool pool(io.get_executor(), {{&world}}, {.recycle_limit = 1ms, .check_when_idle_for = 0s});
    make_idle(pool, io, 1, 1);
    world.on_check = wait_for_ever;
    acquisition other(pool, io, 1);
    run_until(io, [&] { return other.done(); });
    CHECK(other.got()->id == 2);
    CHECK(pool.statistics().closed_for(close_reason::unhealthy) == 1);
}

TEST_CASE("check: a waiter that leaves during the check loses nothing for the next")
{
    test::world world;
    asio::io_context io;
    full_pool pool(io.get_executor(), {{&world}}, {.max_total = 1, .check_when_idle_for = 0s});
    make_idle(pool, io, 1, 1);
    weir::detail::async_event checked;
    world.on_check = [&](int) -> asio::awaitable<void> { co_await checked.async_wait(asio::use_awaitable); };
    acquisition first(pool, io, 1);
    acquisition second(pool, io, 1);
    run_ready(io);
    CHECK(pool.statistics().checking == 1);
    first.cancel();
    checked.set();
    run_ready(io);
    CHECK(first.code() == weir::condition::cancelled);
    CHECK(second.got()->id == 1);
}

TEST_CASE("check: idle connections are checked again and again")
{
    test::world world;
    asio::io_context io;
    full_pool pool(io.get_executor(), {{&world}}, {.check_every = 1ms});
    make_idle(pool, io, 1, 2);
    run_until(io, [&] { return world.checks >= 6; });
    CHECK(pool.statistics().total == 2);
    world.on_check = fail;
    run_until(io, [&] { return world.all.now == 0; });
    CHECK(pool.statistics().closed_for(close_reason::unhealthy) == 2);
}

TEST_CASE("check: is no use: the idle limit runs on, and the order of reuse stays")
{
    test::world world;
    asio::io_context io;
    full_pool pool(io.get_executor(), {{&world}}, {.check_every = 1ms, .idle_limit = 30ms});
    make_idle(pool, io, 1, 1);
    run_until(io, [&] { return pool.statistics().total == 0; });
    CHECK(pool.statistics().closed_for(close_reason::idle) == 1);

    full_pool slow(io.get_executor(), {{&world}}, {.check_every = 1ms});
    acquisition first(slow, io, 1);
    acquisition second(slow, io, 1);
    run_ready(io);
    const int last = second.got()->id;
    first.got().release();
    second.got().release();
    const int before = world.checks;
    run_until(io, [&] { return world.checks >= before + 3 && slow.statistics().idle == 2; });
    CHECK(slow.try_acquire(1)->id == last);
}

TEST_CASE("recycle: what comes back is made ready before it is lent again, and closed if that fails")
{
    test::world world;
    asio::io_context io;
    full_pool pool(io.get_executor(), {{&world}}, {.max_total = 1});
    acquisition first(pool, io, 1);
    run_ready(io);
    acquisition second(pool, io, 1);
    first.got().release();
    CHECK(pool.statistics().recycling == 1);
    run_ready(io);
    CHECK(second.got()->id == 1);
    CHECK(world.recycles == 1);
    world.on_recycle = fail;
    acquisition third(pool, io, 1);
    second.got().release();
    run_ready(io);
    CHECK(third.got()->id == 2);
    CHECK(pool.statistics().closed_for(close_reason::not_recycled) == 1);
    CHECK(world.all.most == 1);
}

TEST_CASE("recycle: one that takes too long is given up")
{
    test::world world;
    asio::io_context io;
    world.on_recycle = wait_for_ever;
    full_pool pool(io.get_executor(), {{&world}}, {.max_total = 1, .recycle_limit = 1ms});
    acquisition first(pool, io, 1);
    run_ready(io);
    first.got().release();
    acquisition second(pool, io, 1);
    run_until(io, [&] { return second.done(); });
    CHECK(second.got()->id == 2);
    CHECK(pool.statistics().closed_for(close_reason::not_recycled) == 1);
}

TEST_CASE("close: the manager says goodbye where there is somebody to hear it, and not for longer than its limit")
{
    test::world world;
    asio::io_context io;
    full_pool pool(io.get_executor(), {{&world}}, {.max_total = 1, .close_limit = 300ms});
    acquisition first(pool, io, 1);
    run_ready(io);
    first.got().mark_broken();
    first.got().release();
    run_ready(io);
    CHECK(world.farewells == 0);
    acquisition second(pool, io, 1);
    run_ready(io);
    world.on_close = wait_for_ever;
    second.got().close();
    acquisition third(pool, io, 1);
    run_ready(io);
    CHECK(world.farewells == 1);
    CHECK(pool.statistics().closing == 1);
    CHECK(!third.done()); // what is being closed counts: the limit is the peer's limit too
    run_until(io, [&] { return third.done(); });
    CHECK(third.got());
    CHECK(world.all.most == 1);
}

TEST_CASE("keep_warm: connections are made ahead, stay beyond the idle limit, and are replaced")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, {.max_total = 4, .idle_limit = 1ms});
    pool.keep_warm(1, 2);
    run_ready(io);
    CHECK(pool.statistics().idle == 2);
    {
        const test::lent mine = pool.try_acquire(1);
        CHECK(mine.uses() == 0);
        run_ready(io);
        CHECK(pool.statistics().idle == 2); // and one lent
    }
    run_until(io, [&] { return pool.statistics().closed_for(close_reason::idle) == 1; });
    CHECK(pool.statistics().idle == 2);
    test::lent broken = pool.try_acquire(1);
    broken.mark_broken();
    broken.release();
    run_ready(io);
    CHECK(pool.statistics().idle == 2);
    pool.keep_warm(1, 0);
    io.restart();
    io.run();
    CHECK(pool.statistics().total == 0);
    CHECK(pool.statistics().keys == 0);
}

TEST_CASE("keep_warm: never above the limits, and a failure is followed by a pause")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, {.max_total = 4, .max_per_key = 3});
    pool.keep_warm(1, 8);
    run_ready(io);
    CHECK(pool.statistics().idle == 3);
    CHECK(world.all.most == 3);
    world.on_create = fail;
    pool.keep_warm(2, 1);
    run_ready(io);
    CHECK(pool.statistics().create_failures == 1);
    world.on_create = {};
    acquisition wanted(pool, io, 2); // who wants one need not wait for the pause
    run_ready(io);
    CHECK(wanted.got());
}

TEST_CASE("keep_warm: after a failure it is tried again")
{
    test::world world;
    asio::io_context io;
    world.on_create = fail;
    plain_pool pool(io.get_executor(), {&world});
    pool.keep_warm(1, 1);
    run_ready(io);
    REQUIRE(pool.statistics().create_failures == 1);
    world.on_create = {};
    run_until(io, [&] { return pool.statistics().idle == 1; });
    CHECK(world.made == 1);
}

TEST_CASE("resize: more room serves waiters at once, less closes what is idle now and the rest as it comes back")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, {.max_total = 1});
    acquisition first(pool, io, 1);
    acquisition second(pool, io, 1);
    acquisition third(pool, io, 1);
    run_ready(io);
    CHECK(!second.done());
    pool.resize(3, 3);
    run_ready(io);
    REQUIRE(third.got());
    first.got().release();
    pool.resize(1, 1);
    run_ready(io);
    CHECK(world.all.now == 2);
    second.got().release();
    run_ready(io);
    CHECK(world.all.now == 1);
    third.got().release();
    run_ready(io);
    CHECK(pool.statistics().idle == 1);
    CHECK(pool.statistics().closed_for(close_reason::surplus) == 2);
    CHECK_THROWS_AS(pool.resize(0, 1), weir::error);
}

TEST_CASE("close_idle: of one key, and of all")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world});
    for (int key = 0; key < 3; ++key)
        make_idle(pool, io, key, 1);
    pool.close_idle(1);
    CHECK(!pool.try_acquire(1));
    CHECK(pool.try_acquire(0));
    pool.close_idle();
    run_ready(io);
    CHECK(world.all.now == 0);
    CHECK(pool.statistics().closed_for(close_reason::drained) == 3);
}

TEST_CASE("drain: old connections go as they come back, new ones are made, and the end is told")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world});
    acquisition held(pool, io, 1);
    run_ready(io);
    make_idle(pool, io, 1, 1);
    ending drained;
    pool.async_drain(clock_type::time_point::max(), drained.handler());
    acquisition fresh(pool, io, 1);
    run_ready(io);
    CHECK(!drained.done);
    CHECK(fresh.got()->id == 3);
    fresh.got().release();
    CHECK(pool.statistics().idle == 1);
    held.got().release();
    run_ready(io);
    CHECK(drained.done);
    CHECK(!drained.code);
    CHECK(pool.statistics().idle == 1);
    CHECK(pool.statistics().closed_for(close_reason::drained) == 2);
}

TEST_CASE("close: waiters are told, and it ends when the last connection came back")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, {.max_total = 1});
    acquisition held(pool, io, 1);
    acquisition waiting(pool, io, 1);
    run_ready(io);
    ending first;
    ending second;
    pool.async_close(clock_type::time_point::max(), first.handler());
    pool.async_close(clock_type::now() + 24h, second.handler());
    run_ready(io);
    CHECK(waiting.code() == weir::errc::closed);
    CHECK(!first.done);
    held.got().release();
    io.restart();
    io.run(); // no timer is left
    CHECK(first.done);
    CHECK(!first.code);
    CHECK(second.done);
    CHECK(world.all.now == 0);
    acquisition late(pool, io, 1);
    ending again;
    pool.async_close(clock_type::time_point::max(), again.handler());
    run_ready(io);
    CHECK(late.code() == weir::errc::closed);
    CHECK(again.done);
    CHECK(!pool.try_acquire(1));
}

TEST_CASE("close: does not wait for what is lent beyond its deadline, and may be cancelled")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world});
    acquisition held(pool, io, 1);
    run_ready(io);
    ending limited;
    ending cancelled;
    asio::cancellation_signal stop;
    pool.async_close(clock_type::now() + 1ms, limited.handler());
    pool.async_close(clock_type::time_point::max(), asio::bind_cancellation_slot(stop.slot(), cancelled.handler()));
    stop.emit(asio::cancellation_type::terminal);
    run_until(io, [&] { return limited.done; });
    CHECK(limited.code == weir::errc::deadline_exceeded);
    CHECK(cancelled.code == weir::condition::cancelled);
    held.got().release();
    run_ready(io);
    CHECK(world.all.now == 0);
}

TEST_CASE("close: what is being made is cancelled")
{
    test::world world;
    asio::io_context io;
    world.on_create = wait_for_ever;
    plain_pool pool(io.get_executor(), {&world});
    acquisition waiting(pool, io, 1);
    run_ready(io);
    ending closed;
    pool.async_close(clock_type::time_point::max(), closed.handler());
    run_ready(io);
    CHECK(closed.done);
    CHECK(waiting.code() == weir::errc::closed);
    CHECK(world.all.now == 0);
}

TEST_CASE("hooks: tell of what is created, recycled, closed with its reason, and failed")
{
    test::world world;
    std::vector<std::string> told;
    asio::io_context io;
    weir::connection_hooks<int, test::fake_connection> hooks;
    hooks.created = [&](int key, test::fake_connection& made) {
        told.push_back("created " + std::to_string(key));
        if (made.id == 3)
            throw weir::error(weir::errc::mismatch, "greet");
    };
    hooks.recycled = [&](int, test::fake_connection&) { told.push_back("recycled"); };
    hooks.closed = [&](int key, close_reason why) {
        told.push_back("closed " + std::to_string(key) + " " + std::string(to_string(why)));
        throw 1; // is lost
    };
    hooks.failed = [&](int, const std::exception_ptr& failure) { told.push_back(weir::message_of(failure)); };
    plain_pool pool(io.get_executor(), {&world}, {}, hooks);
    make_idle(pool, io, 7, 1);
    acquisition second(pool, io, 7);
    run_ready(io);
    second.got().mark_broken();
    second.got().release();
    run_ready(io);
    CHECK(told == std::vector<std::string>{"created 7", "recycled", "closed 7 broken"});
    told.clear();
    world.on_create = fail;
    acquisition third(pool, io, 7);
    run_ready(io);
    CHECK(told.size() == 1);
    CHECK(told[0].starts_with("check: connection reset"));
    world.on_create = {};
    world.made = 2;
    acquisition refused(pool, io, 7);
    run_ready(io);
    CHECK(refused.code() == weir::errc::mismatch);
    CHECK(world.all.now == 0);
}

TEST_CASE("hooks: a recycled hook that throws has the connection closed")
{
    test::world world;
    asio::io_context io;
    weir::connection_hooks<int, test::fake_connection> hooks;
    hooks.recycled = [&](int, test::fake_connection&) { throw weir::error(weir::errc::mismatch, "look"); };
    plain_pool plain(io.get_executor(), {&world}, {}, hooks);
    full_pool full(io.get_executor(), {{&world}}, {}, hooks);
    acquisition first(plain, io, 1);
    acquisition second(full, io, 1);
    run_ready(io);
    first.got().release();
    second.got().release();
    run_ready(io);
    CHECK(plain.statistics().closed_for(close_reason::broken) == 1);
    CHECK(full.statistics().closed_for(close_reason::not_recycled) == 1);
    CHECK(world.all.now == 0);
}

TEST_CASE("held: what is lent for too long is reported once, by name")
{
    test::world world;
    std::vector<std::string> reported;
    asio::io_context io;
    weir::connection_pool_options options{.held_limit = 1ms};
    options.on_held_too_long = [&](std::string_view key, std::chrono::nanoseconds held) {
        CHECK(held >= 1ms);
        reported.emplace_back(key);
    };
    plain_pool pool(io.get_executor(), {&world}, options);
    acquisition first(pool, io, 5);
    run_until(io, [&] { return !reported.empty(); });
    io.restart();
    io.run(); // nothing is due any more
    CHECK(reported == std::vector<std::string>{"key 5"});
    CHECK(pool.statistics().held_too_long == 1);
    const auto held = pool.held_longer_than(1ms);
    REQUIRE(held.size() == 1);
    CHECK(held[0].key == "key 5");
    CHECK(pool.held_longer_than(24h).empty());
    first.got().release();
    CHECK(pool.held_longer_than(0ms).empty());
}

class event_list final : public weir::observer {
public:
    void on_event(const weir::event& what) noexcept override
    {
        seen.push_back(std::string(what.operation) + " " + std::string(what.subject) + (what.outcome ? " failed" : ""));
    }
    std::vector<std::string> seen;
};

TEST_CASE("observer: is told of connections made and closed, and of waits")
{
    test::world world;
    event_list events;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, {.observer = &events});
    acquisition first(pool, io, 1);
    run_ready(io);
    first.got().close();
    run_ready(io);
    world.on_create = fail;
    acquisition second(pool, io, 1);
    run_ready(io);
    CHECK(events.seen
          == std::vector<std::string>{"connect key 1", "acquire key 1", "close key 1", "connect key 1 failed",
                                      "acquire key 1 failed"});
}

TEST_CASE("registry: names lent connections, and cleanup closes the pool")
{
    test::world world;
    weir::registry resources;
    asio::io_context io;
    {
        plain_pool pool(io.get_executor(), {&world}, {.name = "peers", .resources = &resources});
        acquisition held(pool, io, 1);
        run_ready(io);
        make_idle(pool, io, 2, 1);
        CHECK(resources.statistics().of(weir::resource_kind::connection).live == 2);
        const auto seen = resources.live_resources();
        CHECK(std::ranges::any_of(seen, [](const auto& each) { return each.name == "key 1"; }));
        CHECK(std::ranges::any_of(seen, [](const auto& each) { return each.name == "pool of peers"; }));
        test::task<weir::cleanup_report> cleaning(io.get_executor(), resources.cleanup_all(clock_type::now() + 24h));
        run_ready(io);
        CHECK(!cleaning.done());
        CHECK(resources.statistics().of(weir::resource_kind::connection).live == 1);
        held.got().release();
        run_until(io, [&] { return cleaning.done(); });
        CHECK(cleaning.outcome()->total().background == 1);
        CHECK(resources.statistics().of(weir::resource_kind::connection).live == 0);
    }
    CHECK(resources.leak_report().empty());
}

TEST_CASE("statistics: counts of the phases add up, and the peak stays")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world});
    acquisition held(pool, io, 1);
    run_ready(io);
    make_idle(pool, io, 1, 2);
    const auto seen = pool.statistics();
    CHECK(seen.total == 3);
    CHECK(seen.idle == 2);
    CHECK(seen.borrowed == 1);
    CHECK(seen.created == 3);
    CHECK(seen.acquired == 3);
    CHECK(seen.waits == 3);
    CHECK(seen.recycled == 2);
    held.got().close();
    run_ready(io);
    CHECK(pool.statistics().total == 2);
    CHECK(pool.statistics().peak_total == 3);
}

TEST_CASE("wait_histogram: counts each wait once, and quantiles are bounds of buckets")
{
    weir::wait_histogram times;
    CHECK(times.quantile(0.5) == 0us);
    times.add(0ns);
    times.add(1us);
    times.add(100us);
    times.add(24h * 365);
    CHECK(times.count() == 4);
    CHECK(times.buckets[0] == 1);
    CHECK(times.buckets[1] == 1);
    CHECK(times.buckets[7] == 1);
    CHECK(times.buckets.back() == 1);
    CHECK(times.quantile(0) == 1us);
    CHECK(times.quantile(0.5) == 2us);
    CHECK(times.quantile(0.75) == 128us);
}

} // namespace
} // namespace upkeep_test
