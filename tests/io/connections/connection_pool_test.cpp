#include <weir/connection_pool.hpp>

#include "fake_connections.hpp"
#include "support/coroutine.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <doctest/doctest.h>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::acquisition;
using test::run_ready;
using clock_type = std::chrono::steady_clock;
using plain_pool = weir::connection_pool<test::plain_manager>;

weir::connection_pool_options limits(std::size_t total, std::size_t per_key)
{
    return {.max_total = total, .max_per_key = per_key};
}

/// Holds up what is awaited on it until it is opened.
struct gate {
    weir::detail::async_event open;
    std::function<asio::awaitable<void>(int)> pass()
    {
        return [this](int) { return wait(open); };
    }
    static asio::awaitable<void> wait(weir::detail::async_event& event)
    {
        co_await event.async_wait(asio::use_awaitable);
    }
};

std::function<asio::awaitable<void>(int)> failing(std::error_code code)
{
    return [code](int) -> asio::awaitable<void> {
        throw weir::error(code, "connect");
        co_return;
    };
}

const std::error_code refused = std::make_error_code(std::errc::connection_refused);
const std::error_code forbidden = std::make_error_code(std::errc::permission_denied);

TEST_CASE("acquire: a new connection is made, given back, and lent again")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world});
    acquisition first(pool, io, 1);
    CHECK(!first.done());
    run_ready(io);
    REQUIRE(first.got());
    CHECK(first.got().uses() == 0);
    first.got().release();
    acquisition second(pool, io, 1);
    CHECK(!second.done()); // by a post, here too
    run_ready(io);
    REQUIRE(second.got());
    CHECK(second.got()->id == 1);
    CHECK(second.got().uses() == 1);
    CHECK(world.made == 1);
}

TEST_CASE("renew: as given back and lent again, while nobody waits")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, limits(1, 1));
    acquisition first(pool, io, 1);
    run_ready(io);
    CHECK(first.got().renew());
    CHECK(first.got()->id == 1);
    CHECK(first.got().uses() == 1);
    CHECK(pool.statistics().acquired == 2);
    CHECK(pool.statistics().recycled == 1);
    CHECK(pool.statistics().borrowed == 1);

    SUBCASE("somebody of the key waits") {
        acquisition second(pool, io, 1);
        run_ready(io);
        CHECK_FALSE(second.done());
        CHECK_FALSE(first.got().renew());
        first.got().release();
        run_ready(io);
        CHECK(second.got()->id == 1);
        CHECK(second.got().renew());
    }
    SUBCASE("the total limit keeps somebody of another key waiting") {
        acquisition other(pool, io, 2);
        run_ready(io);
        CHECK_FALSE(first.got().renew());
        first.got().release();
        run_ready(io);
        CHECK(other.got()->key == 2);
    }
    SUBCASE("it is broken") {
        first.got().mark_broken();
        CHECK_FALSE(first.got().renew());
    }
    SUBCASE("its peer is gone") {
        first.got()->dead = true;
        CHECK_FALSE(first.got().renew());
        first.got().release();
        run_ready(io);
        CHECK(pool.statistics().closed_for(weir::close_reason::broken) == 1);
    }
    SUBCASE("the pool is closed") {
        pool.close();
        CHECK_FALSE(first.got().renew());
        first.got().release();
        run_ready(io);
        CHECK(pool.statistics().closed_for(weir::close_reason::pool_closed) == 1);
    }
    SUBCASE("the pool is drained") {
        pool.async_drain(clock_type::now(), [](boost::system::error_code) {});
        CHECK_FALSE(first.got().renew());
    }
    CHECK(world.all.most == 1);
}

TEST_CASE("renew: not past its lifetime, nor where it is recycled or a hook wants to see it")
{
    test::world world;
    asio::io_context io;
    weir::connection_pool_options options = limits(1, 1);
    SUBCASE("lifetime") {
        options.max_lifetime = 1ns;
        plain_pool pool(io.get_executor(), {&world}, options);
        acquisition first(pool, io, 1);
        run_ready(io);
        CHECK_FALSE(first.got().renew());
    }
    SUBCASE("recycled") {
        weir::connection_pool<test::full_manager> pool(io.get_executor(), {{&world}}, options);
        acquisition first(pool, io, 1);
        run_ready(io);
        CHECK_FALSE(first.got().renew());
        first.got().release();
        run_ready(io);
        CHECK(world.recycles == 1);
    }
    SUBCASE("hook") {
        int seen = 0;
        plain_pool::hooks_type hooks;
        hooks.recycled = [&](const int&, test::fake_connection&) { ++seen; };
        plain_pool pool(io.get_executor(), {&world}, options, hooks);
        acquisition first(pool, io, 1);
        run_ready(io);
        CHECK_FALSE(first.got().renew());
        first.got().release();
        CHECK(seen == 1);
    }
}

TEST_CASE("acquire: keys do not share connections")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world});
    acquisition first(pool, io, 1);
    run_ready(io);
    first.got().release();
    acquisition other(pool, io, 2);
    run_ready(io);
    CHECK(other.got()->key == 2);
    CHECK(world.made == 2);
    CHECK(pool.statistics().keys == 2);
}

TEST_CASE("acquire: a key without connections and waiters is forgotten")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world});
    acquisition first(pool, io, 1);
    run_ready(io);
    first.got().close();
    run_ready(io);
    CHECK(pool.statistics().keys == 0);
    CHECK(pool.statistics().closed_for(weir::close_reason::closed_by_user) == 1);
}

TEST_CASE("acquire: the limit of a key counts connections that are being made")
{
    test::world world;
    asio::io_context io;
    gate making;
    world.on_create = making.pass();
    plain_pool pool(io.get_executor(), {&world}, limits(8, 2));
    std::vector<acquisition> all;
    for (int i = 0; i < 4; ++i)
        all.emplace_back(pool, io, 1);
    run_ready(io);
    CHECK(world.all.now == 2);
    CHECK(pool.statistics().creating == 2);
    CHECK(pool.statistics().waiting == 4);
    making.open.set();
    run_ready(io);
    CHECK(all[0].got());
    CHECK(all[1].got());
    CHECK(!all[2].done());
    CHECK(world.all.most == 2);
}

TEST_CASE("acquire: waiters get what comes back in the order of their coming")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, limits(1, 1));
    std::vector<acquisition> all;
    for (int i = 0; i < 4; ++i)
        all.emplace_back(pool, io, 1);
    for (std::size_t turn = 0; turn < all.size(); ++turn) {
        run_ready(io);
        for (std::size_t i = 0; i < all.size(); ++i)
            CHECK(all[i].done() == (i <= turn));
        CHECK(!pool.try_acquire(1));
        all[turn].got().release();
    }
    CHECK(world.made == 1);
    CHECK(pool.statistics().wait_times.count() == 4);
}

TEST_CASE("acquire: at the total limit the connection that was idle for longest makes room")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, limits(2, 2));
    acquisition first(pool, io, 1);
    acquisition second(pool, io, 2);
    run_ready(io);
    first.got().release();
    second.got().release();
    acquisition third(pool, io, 3);
    run_ready(io);
    CHECK(third.got());
    CHECK(world.all.most == 2);
    CHECK(pool.statistics().closed_for(weir::close_reason::evicted) == 1);
    CHECK(!pool.try_acquire(1));
    CHECK(pool.try_acquire(2));
}

TEST_CASE("acquire: across keys too, who came first gets the place that comes free")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, limits(1, 1));
    acquisition holder(pool, io, 1);
    run_ready(io);
    acquisition earlier(pool, io, 2);
    acquisition later(pool, io, 1);
    holder.got().release(); // fits `later`, who would pass `earlier` for ever
    run_ready(io);
    CHECK(earlier.got());
    CHECK(!later.done());
    earlier.got().release();
    run_ready(io);
    CHECK(later.got());
    CHECK(world.all.most == 1);
}

TEST_CASE("acquire: a cancelled waiter is told so, and those behind it are not delayed")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, limits(1, 1));
    std::vector<acquisition> all;
    for (int i = 0; i < 4; ++i)
        all.emplace_back(pool, io, 1);
    run_ready(io);
    all[1].cancel();
    run_ready(io);
    CHECK(all[1].code() == weir::condition::cancelled);
    CHECK(!all[1].got());
    all[2].cancel();
    all[0].got().release();
    run_ready(io);
    CHECK(all[3].got());
    CHECK(pool.statistics().cancelled == 2);
    all[3].cancel(); // too late: nothing happens
    run_ready(io);
    CHECK(all[3].calls() == 1);
}

TEST_CASE("acquire: what is being made for a waiter that leaves goes to the next")
{
    test::world world;
    asio::io_context io;
    gate making;
    world.on_create = making.pass();
    plain_pool pool(io.get_executor(), {&world}, limits(1, 1));
    acquisition first(pool, io, 1);
    acquisition second(pool, io, 1);
    run_ready(io);
    first.cancel();
    making.open.set();
    run_ready(io);
    CHECK(first.code() == weir::condition::cancelled);
    CHECK(second.got());
    CHECK(world.made == 1);
}

TEST_CASE("acquire: what is being made for nobody any more is kept, or cancelled if the options say so")
{
    for (const auto policy : {weir::unwanted_connection::keep, weir::unwanted_connection::cancel}) {
        test::world world;
        asio::io_context io;
        gate making;
        world.on_create = making.pass();
        plain_pool pool(io.get_executor(), {&world}, {.unwanted = policy});
        acquisition first(pool, io, 1);
        run_ready(io);
        CHECK(world.all.now == 1);
        first.cancel();
        run_ready(io);
        const bool kept = policy == weir::unwanted_connection::keep;
        CHECK(world.all.now == (kept ? 1 : 0));
        making.open.set();
        run_ready(io);
        CHECK(pool.statistics().idle == (kept ? 1 : 0));
        CHECK(pool.statistics().total == (kept ? 1 : 0));
    }
}

TEST_CASE("acquire: who comes while an unwanted connection is being cancelled gets one of their own")
{
    test::world world;
    asio::io_context io;
    gate making;
    world.on_create = making.pass();
    plain_pool pool(io.get_executor(), {&world}, {.max_total = 1, .unwanted = weir::unwanted_connection::cancel});
    acquisition first(pool, io, 1);
    run_ready(io);
    first.cancel();
    acquisition second(pool, io, 1); // the cancelled one still has the only place
    making.open.set();
    run_ready(io);
    CHECK(second.got());
    CHECK(world.all.most == 1);
}

TEST_CASE("acquire: more waiters than max_waiters are refused, but none for whom there is room")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, {.max_total = 2, .max_per_key = 2, .max_waiters = 1});
    std::vector<acquisition> all;
    for (int i = 0; i < 4; ++i)
        all.emplace_back(pool, io, 1);
    run_ready(io);
    CHECK(all[0].got());
    CHECK(all[1].got());
    CHECK(!all[2].done());
    CHECK(all[3].code() == weir::errc::queue_full);
    CHECK(all[3].code() == weir::condition::retryable);
    CHECK(pool.statistics().refused == 1);
}

TEST_CASE("acquire: the limit for waiting ends a wait for a place")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, {.max_total = 1, .wait_limit = 1ms});
    acquisition first(pool, io, 1);
    run_ready(io);
    acquisition second(pool, io, 1);
    test::run_until(io, [&] { return second.done(); });
    CHECK(second.code() == weir::errc::pool_timeout);
    CHECK(second.code() == weir::condition::exhausted);
    CHECK(pool.statistics().timeouts == 1);
    first.got().release();
    CHECK(pool.try_acquire(1));
}

TEST_CASE("acquire: the limit for waiting does not concern who has a connection on the way")
{
    test::world world;
    asio::io_context io;
    gate making;
    world.on_create = making.pass();
    plain_pool pool(io.get_executor(), {&world}, {.max_total = 1, .wait_limit = 1ms});
    acquisition first(pool, io, 1);
    acquisition second(pool, io, 1);
    test::run_until(io, [&] { return second.done(); });
    CHECK(second.code() == weir::errc::pool_timeout);
    CHECK(!first.done());
    making.open.set();
    run_ready(io);
    CHECK(first.got());
}

TEST_CASE("acquire: the caller's deadline bounds the wait for a place and for a connection")
{
    test::world world;
    asio::io_context io;
    gate making;
    world.on_create = making.pass();
    plain_pool pool(io.get_executor(), {&world}, limits(1, 1));
    const auto soon = clock_type::now() + 2ms;
    acquisition first(pool, io, 1, soon);
    acquisition second(pool, io, 1, soon);
    acquisition third(pool, io, 1);
    test::run_until(io, [&] { return first.done() && second.done(); });
    CHECK(first.code() == weir::errc::deadline_exceeded);
    CHECK(second.code() == weir::errc::deadline_exceeded);
    making.open.set();
    run_ready(io);
    CHECK(third.got());
    CHECK(pool.statistics().timeouts == 2);
}

TEST_CASE("acquire: a deadline that is past fails at once, unless a connection is idle")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world});
    acquisition late(pool, io, 1, clock_type::now());
    run_ready(io);
    CHECK(late.code() == weir::errc::deadline_exceeded);
    CHECK(world.made == 0);
    CHECK(pool.statistics().keys == 0);
    acquisition first(pool, io, 1);
    run_ready(io);
    first.got().release();
    acquisition lucky(pool, io, 1, clock_type::now());
    run_ready(io);
    CHECK(lucky.got());
}

TEST_CASE("create: one that takes too long is a connect_timeout")
{
    test::world world;
    asio::io_context io;
    gate making;
    world.on_create = making.pass();
    plain_pool pool(io.get_executor(), {&world}, {.create_limit = 1ms});
    acquisition first(pool, io, 1);
    test::run_until(io, [&] { return first.done(); });
    CHECK(first.code() == weir::errc::connect_timeout);
    CHECK(first.code() == weir::condition::retryable);
    CHECK(world.all.now == 0);
    CHECK(pool.statistics().create_failures == 1);
}

TEST_CASE("create: a failure is told to one waiter, the first, and the next attempt serves the next")
{
    test::world world;
    asio::io_context io;
    int attempts = 0;
    world.on_create = [&](int) -> asio::awaitable<void> {
        if (++attempts == 1)
            throw weir::error(refused, "connect");
        co_return;
    };
    plain_pool pool(io.get_executor(), {&world}, limits(1, 1));
    acquisition first(pool, io, 1);
    acquisition second(pool, io, 1);
    run_ready(io);
    CHECK(first.code() == refused);
    CHECK(second.got());
}

TEST_CASE("create: a permanent failure is told to all of a key that has no other connection")
{
    test::world world;
    asio::io_context io;
    world.on_create = failing(forbidden);
    plain_pool pool(io.get_executor(), {&world}, limits(1, 1));
    std::vector<acquisition> all;
    for (int i = 0; i < 3; ++i)
        all.emplace_back(pool, io, 1);
    acquisition other(pool, io, 2);
    run_ready(io);
    for (acquisition& each : all)
        CHECK(each.code() == forbidden);
    CHECK(other.code() == forbidden);
    CHECK(pool.statistics().create_failures == 2);
    CHECK(pool.statistics().keys == 0);
}

TEST_CASE("create: what is worth retrying is tried as often as allowed before anybody is told")
{
    test::world world;
    asio::io_context io;
    int attempts = 0;
    world.on_create = [&](int) -> asio::awaitable<void> {
        if (++attempts < 3)
            throw weir::error(refused, "connect");
        co_return;
    };
    plain_pool pool(io.get_executor(), {&world}, {.create_attempts = 3, .retry_pause = 1us});
    acquisition first(pool, io, 1);
    test::run_until(io, [&] { return first.done(); });
    CHECK(first.got());
    attempts = -1;
    acquisition second(pool, io, 1);
    test::run_until(io, [&] { return second.done(); });
    CHECK(second.code() == refused);
    CHECK(attempts == 2);
    CHECK(pool.statistics().create_failures == 5);
}

TEST_CASE("create: what is permanent is tried once")
{
    test::world world;
    asio::io_context io;
    world.on_create = failing(forbidden);
    plain_pool pool(io.get_executor(), {&world}, {.create_attempts = 3, .retry_pause = 1us});
    acquisition first(pool, io, 1);
    test::run_until(io, [&] { return first.done(); });
    CHECK(pool.statistics().create_failures == 1);
}

TEST_CASE("pooled: a broken connection is closed, not lent again, and its place is free")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, limits(1, 1));
    acquisition first(pool, io, 1);
    run_ready(io);
    acquisition second(pool, io, 1);
    first.got().mark_broken();
    first.got().release();
    CHECK(world.all.now == 1); // closed on the executor, not by who drops it
    run_ready(io);
    CHECK(second.got()->id == 2);
    CHECK(world.all.most == 1);
    CHECK(pool.statistics().closed_for(weir::close_reason::broken) == 1);
}

TEST_CASE("pooled: one that died while it was idle is found out before it is lent")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world});
    acquisition first(pool, io, 1);
    run_ready(io);
    test::fake_connection& inner = *first.got();
    first.got().release();
    inner.dead = true;
    CHECK(!pool.try_acquire(1));
    run_ready(io);
    CHECK(world.all.now == 0);
    acquisition second(pool, io, 1);
    run_ready(io);
    CHECK(second.got()->id == 2);
}

TEST_CASE("pooled: a detached connection counts no more")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, limits(1, 1));
    acquisition first(pool, io, 1);
    run_ready(io);
    const test::fake_connection mine = first.got().detach();
    CHECK(!first.got());
    CHECK(mine.id == 1);
    acquisition second(pool, io, 1);
    run_ready(io);
    CHECK(second.got());
    CHECK(world.all.now == 2);
    CHECK(pool.statistics().closed_for(weir::close_reason::detached) == 1);
    CHECK(pool.statistics().total == 1);
}

TEST_CASE("pooled: lent by the order of the options")
{
    for (const auto order : {weir::reuse_order::newest_first, weir::reuse_order::oldest_first}) {
        test::world world;
        asio::io_context io;
        plain_pool pool(io.get_executor(), {&world}, {.order = order});
        acquisition first(pool, io, 1);
        acquisition second(pool, io, 1);
        run_ready(io);
        first.got().release();
        second.got().release();
        CHECK(pool.try_acquire(1)->id == (order == weir::reuse_order::newest_first ? 2 : 1));
    }
}

TEST_CASE("pooled: moves, and gives back what it held when it is assigned to")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world});
    acquisition first(pool, io, 1);
    acquisition second(pool, io, 1);
    run_ready(io);
    test::lent mine = std::move(first.got());
    CHECK(!first.got());
    mine = std::move(second.got());
    CHECK(pool.statistics().idle == 1);
    CHECK(mine->id == 2);
}

TEST_CASE("pool: may be destroyed with connections lent, waited for and being made")
{
    test::world world;
    asio::io_context io;
    gate making;
    std::optional<plain_pool> pool(std::in_place, io.get_executor(), test::plain_manager{&world}, limits(3, 2));
    acquisition held(*pool, io, 1);
    acquisition idle(*pool, io, 1);
    run_ready(io);
    idle.got().release();
    world.on_create = making.pass();
    acquisition waiting(*pool, io, 2);
    run_ready(io);
    CHECK(world.all.now == 3);
    pool.reset();
    run_ready(io);
    CHECK(waiting.code() == weir::errc::closed);
    CHECK(world.all.now == 1);
    CHECK(held.got()->id == 1);
    held.got().release();
    run_ready(io);
    CHECK(world.all.now == 0);
    CHECK(io.poll() == 0);
}

asio::awaitable<void> wait_for_ever(int)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, 24h);
    co_await timer.async_wait(asio::use_awaitable);
}

TEST_CASE("pool: the context may end with everything under way")
{
    test::world world;
    {
        asio::io_context io;
        plain_pool pool(io.get_executor(), {&world}, limits(4, 4));
        acquisition idle(pool, io, 1);
        acquisition held(pool, io, 1);
        run_ready(io);
        idle.got().release();
        world.on_create = wait_for_ever;
        acquisition waiting(pool, io, 2);
        acquisition other(pool, io, 3);
        run_ready(io);
        CHECK(world.all.now == 4);
    }
    CHECK(world.all.now == 0);
}

TEST_CASE("pool: what is lost with its context leaves the books in order")
{
    test::world world;
    auto io = std::make_unique<asio::io_context>();
    asio::io_context other;
    world.on_create = wait_for_ever;
    {
        plain_pool pool(io->get_executor(), {&world}, limits(4, 4));
        acquisition waiting(pool, other, 1);
        run_ready(*io);
        CHECK(world.all.now == 1);
        io.reset();
        CHECK(world.all.now == 0);
        CHECK(pool.statistics().total == 0);
        run_ready(other);
        CHECK(waiting.code() == weir::errc::closed);
        acquisition late(pool, other, 1);
        run_ready(other);
        CHECK(late.code() == weir::errc::closed);
    }
}

TEST_CASE("pool: a waiter whose own context ends leaves the line, and the next is served")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, limits(1, 1));
    acquisition held(pool, io, 1);
    run_ready(io);
    {
        auto other = std::make_unique<asio::io_context>();
        acquisition lost(pool, *other, 1);
        CHECK(pool.statistics().waiting == 1);
        other.reset();
        CHECK(!lost.done());
        CHECK(pool.statistics().waiting == 0);
    }
    acquisition next(pool, io, 1);
    held.got().release();
    run_ready(io);
    CHECK(next.got());
}

asio::awaitable<int> use(plain_pool& pool, int key)
{
    test::lent mine = co_await pool.async_acquire(key, asio::use_awaitable);
    co_return mine->id;
}

TEST_CASE("acquire: works in coroutines, and cancelled before its start it leaves nothing behind")
{
    test::world world;
    asio::io_context io;
    plain_pool pool(io.get_executor(), {&world}, limits(1, 1));
    CHECK(test::await(io, use(pool, 1)) == 1);
    const test::lent held = pool.try_acquire(1);
    test::task<int> cancelled(io.get_executor(), use(pool, 1));
    cancelled.cancel();
    run_ready(io);
    CHECK(cancelled.outcome().code() == weir::condition::cancelled);
    CHECK(pool.statistics().waiting == 0);
}

TEST_CASE("options: impossible ones are refused, and named")
{
    test::world world;
    asio::io_context io;
    const auto refuses = [&](weir::connection_pool_options options, std::string name) {
        try {
            plain_pool pool(io.get_executor(), {&world}, std::move(options));
        }
        catch (const weir::error& failure) {
            return failure.code() == weir::errc::bad_configuration && failure.subject() == name;
        }
        return false;
    };
    CHECK(refuses({.max_total = 0}, "max_total"));
    CHECK(refuses({.max_per_key = 0}, "max_per_key"));
    CHECK(refuses({.wait_limit = 0s}, "wait_limit"));
    CHECK(refuses({.create_attempts = 0}, "create_attempts"));
    CHECK(refuses({.lifetime_jitter = 2}, "lifetime_jitter"));
}

} // namespace
