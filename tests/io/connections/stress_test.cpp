// Random users of a pool on several threads. That it ends is what is tested: a lost wake-up would be waited for.
#include <weir/connection_pool.hpp>

#include "fake_connections.hpp"
#include "support/seed.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <doctest/doctest.h>

#include <mutex>
#include <random>
#include <thread>

namespace stress_test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using pool_type = weir::connection_pool<test::full_manager>;

constexpr std::size_t total = 6;
constexpr std::size_t per_key = 3;
constexpr int keys = 4;
constexpr int users = 24;

/// Random numbers for whoever asks.
class dice {
public:
    std::uint64_t roll(std::uint64_t sides)
    {
        const std::lock_guard lock(mutex_);
        return random_() % sides;
    }

private:
    std::mutex mutex_;
    std::mt19937_64 random_ = test::generator(77);
};

struct tally {
    std::atomic<int> lent{0};
    std::atomic<int> failed{0};
    std::atomic<int> shared{0};     // connections that two users had at a time
    std::atomic<int> unexpected{0}; // errors that nothing explains
    std::array<std::atomic<int>, 100'000> holders{};
};

bool is_expected(std::error_code code)
{
    return code == weir::condition::cancelled || code == weir::errc::deadline_exceeded
        || code == weir::errc::connect_timeout || code == std::errc::connection_refused;
}

asio::awaitable<void> dawdle(dice& luck, unsigned failures)
{
    if (luck.roll(100) < failures)
        throw weir::error(std::make_error_code(std::errc::connection_refused), "connect");
    if (luck.roll(4) != 0)
        co_return;
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::microseconds(luck.roll(300)));
    co_await timer.async_wait(asio::use_awaitable);
}

/// One acquisition, cancelled at a random time or not at all.
asio::awaitable<test::lent> acquire(pool_type& pool, dice& luck, tally& counts)
{
    const auto here = co_await asio::this_coro::executor;
    const auto stop = std::make_shared<asio::cancellation_signal>();
    asio::steady_timer alarm(here, std::chrono::microseconds(luck.roll(600)));
    if (luck.roll(2) == 0)
        alarm.async_wait([stop](boost::system::error_code off) {
            if (!off)
                stop->emit(asio::cancellation_type::terminal);
        });
    auto deadline = clock_type::time_point::max();
    if (luck.roll(4) == 0)
        deadline = clock_type::now() + std::chrono::microseconds(luck.roll(600));
    const int key = static_cast<int>(luck.roll(keys));
    auto [code, got] = co_await pool.async_acquire(
        key, deadline, asio::bind_cancellation_slot(stop->slot(), asio::as_tuple(asio::use_awaitable)));
    if (code) {
        ++counts.failed;
        counts.unexpected += is_expected(code) ? 0 : 1;
    }
    co_return std::move(got);
}

asio::awaitable<void> use_often(pool_type& pool, dice& luck, tally& counts)
{
    for (int i = 0; i < 100; ++i) {
        test::lent mine = co_await acquire(pool, luck, counts);
        if (!mine)
            continue;
        ++counts.lent;
        std::atomic<int>& holder = counts.holders[static_cast<std::size_t>(mine->id)];
        counts.shared += ++holder == 1 ? 0 : 1;
        co_await dawdle(luck, 0);
        --holder;
        if (luck.roll(10) == 0)
            mine.mark_broken();
        if (luck.roll(10) == 0)
            mine.close();
    }
}

asio::awaitable<void> disturb(pool_type& pool, dice& luck, std::atomic<int>& busy)
{
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (busy > 0) {
        switch (luck.roll(5)) {
        case 0: pool.close_idle(static_cast<int>(luck.roll(keys))); break;
        case 1: pool.resize(1 + luck.roll(total), 1 + luck.roll(per_key)); break;
        case 2: pool.keep_warm(static_cast<int>(luck.roll(keys)), luck.roll(3)); break;
        case 3: pool.async_drain(clock_type::now() + 1ms, [](boost::system::error_code) {}); break;
        default: (void)pool.statistics();
        }
        timer.expires_after(std::chrono::microseconds(luck.roll(500)));
        co_await timer.async_wait(asio::use_awaitable);
    }
    pool.resize(total, per_key);
    for (int key = 0; key < keys; ++key)
        pool.keep_warm(key, 0);
}

void run_on_threads(asio::io_context& io)
{
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&io] { io.run(); });
}

TEST_CASE("pool: users on four threads, cancelled at random, all end; limits hold, and every place is free again")
{
    for (const auto policy : {weir::unwanted_connection::keep, weir::unwanted_connection::cancel}) {
        dice luck;
        tally counts;
        test::world world;
        world.on_create = [&](int) { return dawdle(luck, 10); };
        world.on_check = world.on_create;
        world.on_recycle = [&](int) { return dawdle(luck, 5); };
        world.on_close = world.on_recycle;
        asio::io_context io;
        pool_type pool(io.get_executor(), {{&world}},
                       {.max_total = total,
                        .max_per_key = per_key,
                        .check_when_idle_for = 100us,
                        .check_every = 1ms,
                        .idle_limit = 5ms,
                        .max_lifetime = 10ms,
                        .unwanted = policy});
        std::atomic<int> busy = users;
        const auto ended = [&](std::exception_ptr failure) {
            counts.unexpected += failure ? 1 : 0;
            --busy;
        };
        for (int i = 0; i < users; ++i)
            asio::co_spawn(asio::make_strand(io), use_often(pool, luck, counts), ended);
        asio::co_spawn(asio::make_strand(io), disturb(pool, luck, busy),
                       [&](std::exception_ptr failure) { counts.unexpected += failure ? 1 : 0; });
        run_on_threads(io); // ends when nobody waits and nothing is idle any more
        CHECK(busy == 0);
        CHECK(counts.lent > users);
        CHECK(counts.failed > 0);
        CHECK(counts.shared == 0);
        CHECK(counts.unexpected == 0);
        CHECK(world.all.most <= static_cast<int>(total));
        for (const auto& each : world.of_key)
            CHECK(each.most <= static_cast<int>(per_key));
        CHECK(world.all.now == 0);
        const auto books = pool.statistics();
        CHECK(books.total == 0);
        CHECK(books.waiting == 0);
        CHECK(books.keys == 0);
        CHECK(books.acquired == static_cast<std::uint64_t>(counts.lent));
    }
}

TEST_CASE("pool: destroyed while other threads give connections back and wait for them")
{
    for (int round = 0; round < 50; ++round) {
        test::world world;
        asio::io_context io;
        std::atomic<int> answers = 0;
        std::optional<pool_type> pool(std::in_place, io.get_executor(), test::full_manager{{&world}},
                                      weir::connection_pool_options{.max_total = 2});
        for (int i = 0; i < 16; ++i)
            pool->async_acquire(i % 2, [&](boost::system::error_code, test::lent) { ++answers; });
        std::jthread other([&io] { io.run(); });
        std::jthread third([&io] { io.run(); });
        pool.reset();
        other.join();
        third.join();
        io.restart();
        io.run();
        CHECK(answers == 16);
        CHECK(world.all.now == 0);
    }
}

} // namespace
} // namespace stress_test
