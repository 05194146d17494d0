#include <weir/buffer_pool.hpp>
#include <weir/error.hpp>

#include "async_result.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace pool_waiting_test {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using test::poll;
using buffer_result = test::result<weir::buffer>;
using reservation_result = test::result<weir::reservation>;

constexpr std::size_t KiB = 1024;

weir::pool_options blocks_of_1k(std::size_t count) { return {.tiers = {{KiB, count}}, .max_mapped = 1}; }

bool is(error_code code, weir::errc wanted) { return std::error_code(code) == wanted; }

TEST_CASE("acquire: a free block is given by a post, never inside the call")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(1));
    buffer_result got;
    pool.async_acquire(1, got.handler(io));
    CHECK(!got.done);
    poll(io);
    CHECK(got.done);
    CHECK(!got.code);
    CHECK(got.value.capacity() == KiB);
    CHECK(pool.statistics().waits == 0);
}

TEST_CASE("acquire: waits for a block and gets it when one is dropped")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(1));
    std::optional<weir::buffer> held = pool.try_acquire(1);
    buffer_result got;
    pool.async_acquire(1, got.handler(io));
    poll(io);
    CHECK(!got.done);
    CHECK(pool.statistics().waiting == 1);
    held.reset();
    CHECK(!got.done); // by a post here too
    poll(io);
    CHECK(got.value);
    const weir::pool_statistics numbers = pool.statistics();
    CHECK(numbers.waits == 1);
    CHECK(numbers.waited.count() > 0);
    CHECK(numbers.waiting == 0);
    CHECK(pool.check());
}

TEST_CASE("acquire: waiters are served in the order of their coming, and nobody passes them")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(1));
    std::optional<weir::buffer> held = pool.try_acquire(1);
    std::array<buffer_result, 3> got;
    for (buffer_result& each : got)
        pool.async_acquire(1, each.handler(io));
    held.reset();
    for (std::size_t turn = 0; turn < got.size(); ++turn) {
        CHECK(!pool.try_acquire(1));
        poll(io);
        for (std::size_t i = 0; i < got.size(); ++i)
            CHECK(got[i].done == (i <= turn));
        got[turn].value = weir::buffer();
    }
    CHECK(pool.try_acquire(1));
    CHECK(pool.check());
}

TEST_CASE("acquire: a cancelled waiter gets operation_aborted and does not delay those behind it")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(1));
    std::optional<weir::buffer> held = pool.try_acquire(1);
    std::array<buffer_result, 3> got;
    for (buffer_result& each : got)
        pool.async_acquire(1, each.handler(io));
    got[1].cancel();
    poll(io);
    CHECK(got[1].code == asio::error::operation_aborted);
    CHECK(!got[1].value);
    held.reset();
    poll(io);
    CHECK(got[0].value);
    got[0].value = weir::buffer();
    poll(io);
    CHECK(got[2].value);
}

TEST_CASE("acquire: cancelling after the completion does nothing")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(1));
    std::optional<weir::buffer> held = pool.try_acquire(1);
    buffer_result got;
    pool.async_acquire(1, got.handler(io));
    held.reset();
    got.cancel(); // granted, not yet delivered
    poll(io);
    got.cancel();
    poll(io);
    CHECK(got.calls == 1);
    CHECK(got.value);
    CHECK(pool.check());
}

TEST_CASE("acquire: a waiter gives up at its deadline")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(1));
    const weir::buffer held = pool.acquire_now(1);
    buffer_result late;
    pool.async_acquire(1, std::chrono::steady_clock::now() + std::chrono::milliseconds(2), late.handler(io));
    buffer_result past;
    pool.async_acquire(1, std::chrono::steady_clock::time_point(), past.handler(io));
    io.run();
    CHECK(is(late.code, weir::errc::deadline_exceeded));
    CHECK(is(past.code, weir::errc::deadline_exceeded));
    CHECK(pool.statistics().failures == 2);
    CHECK(pool.statistics().waiting == 0);
}

TEST_CASE("acquire: a deadline that is not reached leaves the loop free to end")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(1));
    std::optional<weir::buffer> held = pool.try_acquire(1);
    buffer_result got;
    pool.async_acquire(1, std::chrono::steady_clock::now() + std::chrono::hours(1), got.handler(io));
    held.reset();
    io.run(); // would take the hour if the timer were left
    CHECK(got.value);
}

TEST_CASE("acquire: impossible sizes complete with invalid_size")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(1));
    std::array<buffer_result, 2> got;
    pool.async_acquire(0, got[0].handler(io));
    pool.async_acquire((std::size_t(1) << 30) + 1, got[1].handler(io));
    CHECK(!got[0].done);
    poll(io);
    CHECK(is(got[0].code, weir::errc::invalid_size));
    CHECK(is(got[1].code, weir::errc::invalid_size));
}

TEST_CASE("acquire: mapped regions are waited for too")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(1));
    std::optional<weir::buffer> held = pool.try_acquire(100 * KiB);
    buffer_result got;
    pool.async_acquire(200 * KiB, got.handler(io));
    poll(io);
    CHECK(!got.done);
    held.reset();
    poll(io);
    CHECK(got.value.capacity() >= 200 * KiB);
    CHECK(pool.check());
}

TEST_CASE("acquire: who waits when the pool is destroyed gets closed")
{
    asio::io_context io;
    std::optional<weir::buffer_pool> pool(std::in_place, blocks_of_1k(1));
    const weir::buffer held = pool->acquire_now(1);
    std::array<buffer_result, 2> got;
    for (buffer_result& each : got)
        pool->async_acquire(1, each.handler(io));
    reservation_result promised;
    pool->async_reserve(1, KiB, promised.handler(io));
    pool.reset();
    poll(io);
    CHECK(is(got[0].code, weir::errc::closed));
    CHECK(is(got[1].code, weir::errc::closed));
    CHECK(is(promised.code, weir::errc::closed));
}

TEST_CASE("acquire: a deferred call that starts after the pool is gone gets closed")
{
    asio::io_context io;
    std::optional<weir::buffer_pool> pool(std::in_place, blocks_of_1k(1));
    auto later = pool->async_acquire(1, asio::deferred);
    pool.reset();
    buffer_result got;
    std::move(later)(got.handler(io));
    poll(io);
    CHECK(is(got.code, weir::errc::closed));
}

TEST_CASE("acquire: a handler that is never run gives its block back")
{
    weir::buffer_pool pool(blocks_of_1k(1));
    {
        asio::io_context io;
        buffer_result got;
        pool.async_acquire(1, got.handler(io));
        CHECK(pool.statistics().tiers[0].in_use == 1);
    }
    CHECK(pool.statistics().tiers[0].in_use == 0);
}

TEST_CASE("acquire: where tiers compete for bytes, the oldest is served first")
{
    asio::io_context io;
    weir::buffer_pool pool({.tiers = {{4 * KiB, 16}, {16 * KiB, 4}}, .max_bytes = 16 * KiB});
    std::deque<weir::buffer> small;
    for (int i = 0; i < 4; ++i)
        small.push_back(pool.acquire_now(4 * KiB));
    buffer_result large;
    pool.async_acquire(16 * KiB, large.handler(io));
    buffer_result later;
    pool.async_acquire(4 * KiB, later.handler(io));
    for (int i = 0; i < 3; ++i) {
        small.pop_front();
        CHECK(!pool.try_acquire(4 * KiB));
    }
    poll(io);
    CHECK(!later.done); // three blocks are free, but they are saved up
    small.pop_front();
    poll(io);
    CHECK(large.value);
    CHECK(!later.done);
    large.value = weir::buffer();
    poll(io);
    CHECK(later.value);
    CHECK(pool.check());
}

TEST_CASE("acquire: when the one that saved up bytes is cancelled, the others go on")
{
    asio::io_context io;
    weir::buffer_pool pool({.tiers = {{4 * KiB, 16}, {16 * KiB, 4}}, .max_bytes = 16 * KiB});
    std::deque<weir::buffer> small;
    for (int i = 0; i < 4; ++i)
        small.push_back(pool.acquire_now(4 * KiB));
    buffer_result large;
    pool.async_acquire(16 * KiB, large.handler(io));
    buffer_result later;
    pool.async_acquire(4 * KiB, later.handler(io));
    small.pop_front();
    small.pop_front();
    large.cancel();
    poll(io);
    CHECK(large.code == asio::error::operation_aborted);
    CHECK(later.value);
    CHECK(pool.try_acquire(4 * KiB));
    CHECK(pool.check());
}

asio::awaitable<std::size_t> acquire_in_every_style(weir::buffer_pool& pool)
{
    std::size_t sum = 0;
    const weir::buffer awaited = co_await pool.async_acquire(1, asio::use_awaitable);
    sum += awaited.capacity();
    auto [code, paired] = co_await pool.async_acquire(1, asio::as_tuple(asio::use_awaitable));
    sum += code ? 0 : paired.capacity();
    const weir::buffer deferred = co_await pool.async_acquire(1, asio::deferred);
    sum += deferred.capacity();
    auto [late, none] = co_await pool.async_acquire(1, std::chrono::steady_clock::time_point(),
                                                    asio::as_tuple(asio::deferred));
    sum += std::error_code(late) == weir::errc::deadline_exceeded && !none ? 1 : 0;
    co_return sum;
}

TEST_CASE("acquire: works with awaitables, tuples, deferred calls and futures")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(3));
    std::future<std::size_t> sum = asio::co_spawn(io, acquire_in_every_style(pool), asio::use_future);
    io.run();
    CHECK(sum.get() == 3 * KiB + 1);
    std::future<weir::buffer> taken = pool.async_acquire(1, asio::use_future);
    CHECK(taken.get().capacity() == KiB);
}

asio::awaitable<void> acquire_until(weir::buffer_pool& pool, asio::steady_timer& timer, std::size_t& winner)
{
    using namespace asio::experimental::awaitable_operators;
    // await-forms: allow or, because the acquire waits until it is cancelled
    const auto first = co_await (pool.async_acquire(1, asio::use_awaitable) || timer.async_wait(asio::use_awaitable));
    winner = first.index();
}

TEST_CASE("acquire: loses against another operation without losing a block")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(1));
    std::optional<weir::buffer> held = pool.try_acquire(1);
    asio::steady_timer timer(io, std::chrono::milliseconds(1));
    std::size_t winner = 7;
    asio::co_spawn(io, acquire_until(pool, timer, winner), [](std::exception_ptr failure) { CHECK(!failure); });
    io.run();
    CHECK(winner == 1);
    CHECK(pool.statistics().waiting == 0);
    held.reset();
    CHECK(pool.try_acquire(1));
    CHECK(pool.check());
}

asio::awaitable<void> acquire_when_cancelled(weir::buffer_pool& pool, asio::cancellation_signal& stop,
                                             std::error_code& outcome)
{
    stop.emit(asio::cancellation_type::terminal);
    try {
        const weir::buffer got = co_await pool.async_acquire(1, asio::use_awaitable);
    }
    catch (const boost::system::system_error& failure) {
        outcome = failure.code();
    }
    co_await asio::this_coro::reset_cancellation_state();
}

TEST_CASE("acquire: a coroutine that is cancelled already takes no block")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(1));
    asio::cancellation_signal stop;
    std::error_code outcome;
    asio::co_spawn(io, acquire_when_cancelled(pool, stop, outcome),
                   asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr failure) { CHECK(!failure); }));
    io.run();
    CHECK(outcome == weir::condition::cancelled);
    CHECK(pool.statistics().acquisitions == 0);
    CHECK(pool.check());
}

} // namespace
} // namespace pool_waiting_test
