#include <weir/buffer_pool.hpp>
#include <weir/error.hpp>

#include "async_result.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace reservation_test {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using test::poll;
using buffer_result = test::result<weir::buffer>;
using reservation_result = test::result<weir::reservation>;

constexpr std::size_t KiB = 1024;

weir::pool_options blocks_of_1k(std::size_t count) { return {.tiers = {{KiB, count}}, .max_mapped = 0}; }

bool is(error_code code, weir::errc wanted) { return std::error_code(code) == wanted; }

weir::reservation reserve(weir::buffer_pool& pool, std::size_t blocks)
{
    std::optional<weir::reservation> got = pool.try_reserve(blocks, KiB);
    REQUIRE(got);
    return std::move(*got);
}

TEST_CASE("reserve: its blocks are its own, whatever others take")
{
    weir::buffer_pool pool(blocks_of_1k(3));
    weir::reservation mine = reserve(pool, 2);
    CHECK(mine.blocks() == 2);
    CHECK(mine.block_bytes() == KiB);
    const weir::buffer other = pool.acquire_now(1);
    CHECK(!pool.try_acquire(1));
    const std::optional<weir::buffer> first = mine.try_take();
    const std::optional<weir::buffer> second = mine.try_take();
    CHECK(first);
    CHECK(second);
    CHECK(!mine.try_take());
    CHECK(pool.statistics().tiers[0].reserved == 2);
    CHECK(pool.statistics().tiers[0].in_use == 3);
    CHECK(pool.check());
}

TEST_CASE("reserve: one that is moved from has no blocks, whichever way")
{
    weir::buffer_pool pool(blocks_of_1k(3));
    weir::reservation one = reserve(pool, 1);
    weir::reservation two = reserve(pool, 2);
    one = std::move(two);
    CHECK(one.blocks() == 2);
    CHECK(two.blocks() == 0);
    CHECK(pool.statistics().tiers[0].reserved == 2);
}

TEST_CASE("reserve: a taken block comes back to it, not to the pool")
{
    weir::buffer_pool pool(blocks_of_1k(1));
    weir::reservation mine = reserve(pool, 1);
    std::optional<weir::buffer> taken = mine.try_take();
    taken->resize(10);
    weir::slice kept = std::move(*taken).freeze();
    taken.reset();
    CHECK(mine.free_blocks() == 0);
    kept = {};
    CHECK(mine.free_blocks() == 1);
    CHECK(!pool.try_acquire(1));
}

TEST_CASE("reserve: beyond its own it lends elastic blocks while they are free, and they go back to the pool")
{
    weir::buffer_pool pool(blocks_of_1k(3));
    weir::reservation mine = reserve(pool, 1);
    std::vector<weir::buffer> taken;
    while (std::optional<weir::buffer> next = mine.try_take())
        taken.push_back(std::move(*next));
    CHECK(taken.size() == 3);
    CHECK(!mine.try_take_own());
    CHECK(pool.statistics().failures == 0); // elastic blocks are a chance, not a request
    taken.clear();
    CHECK(mine.free_blocks() == 1);
    CHECK(pool.statistics().tiers[0].available == 2);
    CHECK(pool.check());
}

TEST_CASE("reserve: nothing elastic while somebody waits at the pool")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(3));
    weir::reservation mine = reserve(pool, 1);
    std::optional<weir::buffer> other = pool.try_acquire(1);
    reservation_result waiting;
    pool.async_reserve(2, KiB, waiting.handler(io));
    std::optional<weir::buffer> own = mine.try_take();
    CHECK(own);
    CHECK(!mine.try_take());
    other.reset();
    poll(io);
    CHECK(waiting.value.blocks() == 2);
    CHECK(pool.check());
}

TEST_CASE("reserve: all or nothing")
{
    weir::buffer_pool pool(blocks_of_1k(3));
    const weir::buffer other = pool.acquire_now(1);
    CHECK(!pool.try_reserve(3, KiB));
    CHECK(pool.statistics().tiers[0].in_use == 1);
    CHECK(pool.statistics().failures == 1);
    CHECK(pool.try_reserve(2, KiB));
}

TEST_CASE("reserve: what can never be had is pool_too_small, and says what is needed and the limit")
{
    asio::io_context io;
    weir::buffer_pool pool({.tiers = {{KiB, 100}}, .max_bytes = 10 * KiB, .max_mapped = 0});
    try {
        (void)pool.try_reserve(11, KiB);
        FAIL("11 of 10");
    }
    catch (const weir::error& failure) {
        CHECK(failure.code() == weir::errc::pool_too_small);
        CHECK(std::string_view(failure.what())
              == "reserve: the pool is too small (needs 11 blocks of 1024 bytes, 11264 bytes in all; the limit is "
                 "10 blocks, 10240 bytes)");
    }
    reservation_result got;
    pool.async_reserve(11, KiB, got.handler(io));
    poll(io);
    CHECK(is(got.code, weir::errc::pool_too_small));
    CHECK_NOTHROW(pool.ensure_can_reserve(10, KiB));
}

TEST_CASE("reserve: no blocks, or blocks of an impossible size, are invalid")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(1));
    CHECK_THROWS_AS((void)pool.try_reserve(0, KiB), weir::error);
    CHECK_THROWS_AS((void)pool.try_reserve(1, 0), weir::error);
    CHECK_THROWS_AS((void)pool.try_reserve(1, KiB + 1), weir::error);
    reservation_result got;
    pool.async_reserve(1, 2 * KiB, got.handler(io));
    poll(io);
    CHECK(is(got.code, weir::errc::invalid_size));
}

TEST_CASE("reserve: a large one at the head is not starved by small ones behind it")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(2));
    std::optional<weir::buffer> first = pool.try_acquire(1);
    std::optional<weir::buffer> second = pool.try_acquire(1);
    reservation_result large;
    pool.async_reserve(2, KiB, large.handler(io));
    buffer_result small;
    pool.async_acquire(1, small.handler(io));
    first.reset();
    poll(io);
    CHECK(!large.done);
    CHECK(!small.done);
    second.reset();
    poll(io);
    CHECK(large.value.blocks() == 2);
    CHECK(!small.done);
    large.value = weir::reservation();
    poll(io);
    CHECK(small.value);
    CHECK(pool.check());
}

TEST_CASE("reserve: when a large one is cancelled, those that fit behind it are served at once")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(2));
    const weir::buffer held = pool.acquire_now(1);
    reservation_result large;
    pool.async_reserve(2, KiB, large.handler(io));
    buffer_result small;
    pool.async_acquire(1, small.handler(io));
    poll(io);
    CHECK(!small.done);
    large.cancel();
    poll(io);
    CHECK(large.code == asio::error::operation_aborted);
    CHECK(small.value);
    CHECK(pool.check());
}

TEST_CASE("take: waits for a block to come back, first come, first served")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(1));
    weir::reservation mine = reserve(pool, 1);
    std::optional<weir::buffer> taken = mine.try_take();
    std::array<buffer_result, 3> got;
    for (buffer_result& each : got)
        mine.async_take(each.handler(io));
    poll(io);
    CHECK(!got[0].done);
    got[1].cancel();
    taken.reset();
    CHECK(!mine.try_take());
    poll(io);
    CHECK(got[0].value);
    CHECK(got[1].code == asio::error::operation_aborted);
    CHECK(!got[2].done);
    got[0].value = weir::buffer();
    poll(io);
    CHECK(got[2].value);
}

TEST_CASE("take: a free block is given by a post")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(2));
    weir::reservation mine = reserve(pool, 1);
    std::array<buffer_result, 2> got;
    for (buffer_result& each : got)
        mine.async_take(each.handler(io));
    CHECK(!got[0].done);
    poll(io);
    CHECK(got[0].value);
    CHECK(got[1].value); // elastic
}

TEST_CASE("take: an elastic block that returns serves a waiter here only if nobody waits at the pool")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(2));
    weir::reservation mine = reserve(pool, 1);
    const std::optional<weir::buffer> own = mine.try_take();
    std::optional<weir::buffer> elastic = mine.try_take();
    buffer_result here;
    mine.async_take(here.handler(io));
    elastic.reset();
    poll(io);
    REQUIRE(here.value);

    buffer_result again;
    mine.async_take(again.handler(io));
    buffer_result at_pool;
    pool.async_acquire(1, at_pool.handler(io));
    here.value = weir::buffer();
    poll(io);
    CHECK(at_pool.value);
    CHECK(!again.done);
    CHECK(pool.check());
    mine = weir::reservation();
    poll(io);
    CHECK(is(again.code, weir::errc::closed));
}

TEST_CASE("take: who waits when the reservation is dropped gets closed, and its blocks go to the pool")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(2));
    weir::reservation mine = reserve(pool, 1);
    std::optional<weir::buffer> own = mine.try_take();
    std::optional<weir::buffer> elastic = mine.try_take();
    buffer_result got;
    mine.async_take(got.handler(io));
    mine = weir::reservation();
    poll(io);
    CHECK(is(got.code, weir::errc::closed));
    CHECK(pool.statistics().tiers[0].reserved == 0);
    CHECK(pool.statistics().tiers[0].in_use == 2);
    own.reset();
    elastic.reset();
    CHECK(pool.statistics().tiers[0].available == 2);
    CHECK(pool.check());
}

TEST_CASE("take: from an empty reservation, or one dropped before the call starts, is closed")
{
    asio::io_context io;
    weir::buffer_pool pool(blocks_of_1k(2));
    weir::reservation none;
    CHECK(none.blocks() == 0);
    CHECK(!none.try_take());
    std::array<buffer_result, 2> got;
    none.async_take(got[0].handler(io));
    weir::reservation mine = reserve(pool, 1);
    auto later = mine.async_take(asio::deferred);
    mine = weir::reservation();
    std::move(later)(got[1].handler(io));
    poll(io);
    CHECK(is(got[0].code, weir::errc::closed));
    CHECK(is(got[1].code, weir::errc::closed));
    CHECK(pool.statistics().tiers[0].in_use == 0);
}

TEST_CASE("reserve: the blocks work on after pool and reservation are gone")
{
    std::optional<weir::buffer_pool> pool(std::in_place, blocks_of_1k(3));
    weir::reservation mine = reserve(*pool, 2);
    std::optional<weir::buffer> first = mine.try_take();
    pool.reset();
    std::optional<weir::buffer> second = mine.try_take();
    REQUIRE(second);
    CHECK(!mine.try_take()); // a closed pool lends nothing
    second.reset();
    second = mine.try_take();
    mine = weir::reservation();
    std::memset(first->data(), 1, KiB);
    std::memset(second->data(), 2, KiB);
    first.reset();
    CHECK(second->data()[KiB - 1] == std::byte(2));
}

} // namespace
} // namespace reservation_test
