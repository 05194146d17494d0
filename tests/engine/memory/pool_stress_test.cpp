// Many threads at one pool. Each marks the block it holds and looks at the mark again before it lets go.
#include <weir/buffer_pool.hpp>
#include <weir/error.hpp>

#include "support/seed.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace pool_stress_test {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

constexpr std::size_t KiB = 1024;

void mark(weir::buffer& target, std::uint64_t value)
{
    target.resize(target.capacity());
    std::memcpy(target.data(), &value, sizeof value);
    std::memcpy(target.data() + target.capacity() - sizeof value, &value, sizeof value);
}

bool has_mark(const weir::slice& held, std::uint64_t value)
{
    return std::memcmp(held.data(), &value, sizeof value) == 0
        && std::memcmp(held.end() - sizeof value, &value, sizeof value) == 0;
}

void run_threads(unsigned count, const std::function<void(unsigned)>& work)
{
    std::vector<std::thread> threads;
    for (unsigned id = 0; id < count; ++id)
        threads.emplace_back(work, id);
    for (std::thread& each : threads)
        each.join();
}

TEST_CASE("pool: as many threads as blocks never find it empty")
{
    weir::buffer_pool pool({.tiers = {{KiB, 4}}, .max_mapped = 0});
    std::atomic<std::uint64_t> refused = 0;
    std::atomic<std::uint64_t> spoilt = 0;
    run_threads(4, [&](unsigned id) {
        for (std::uint64_t i = 0; i < 20'000; ++i) {
            std::optional<weir::buffer> got = pool.try_acquire(1);
            if (!got) {
                ++refused;
                continue;
            }
            const std::uint64_t value = i * 8 + id;
            mark(*got, value);
            if (!has_mark(std::move(*got).freeze(), value))
                ++spoilt;
        }
    });
    CHECK(refused == 0);
    CHECK(spoilt == 0);
    CHECK(pool.statistics().tiers[0].peak <= 4);
    CHECK(pool.check());
}

TEST_CASE("pool: blocks taken by some threads and dropped by others are all there in the end")
{
    weir::buffer_pool pool({.tiers = {{KiB, 64}, {4 * KiB, 16}}, .max_bytes = 96 * KiB, .max_mapped = 0});
    std::mutex lock;
    std::vector<weir::slice> shared;
    run_threads(4, [&](unsigned id) {
        auto random = test::generator(200 + id);
        for (int i = 0; i < 10'000; ++i) {
            std::optional<weir::buffer> got = pool.try_acquire(random() % 4 == 0 ? 4 * KiB : KiB);
            if (i % 1000 == 0)
                pool.shrink();
            weir::slice dropped; // outside of the lock
            std::lock_guard guard(lock);
            if (!shared.empty() && (!got || random() % 2 == 0)) {
                dropped = std::move(shared.back());
                shared.pop_back();
            }
            if (got) {
                got->resize(8);
                shared.push_back(std::move(*got).freeze());
            }
        }
    });
    CHECK(pool.check());
    shared.clear();
    CHECK(pool.statistics().in_use_bytes == 0);
    CHECK(pool.check());
}

struct tally {
    std::atomic<std::uint64_t> granted{0};
    std::atomic<std::uint64_t> late{0};
    std::atomic<std::uint64_t> spoilt{0};
    std::atomic<std::uint64_t> unexpected{0};
};

void note(tally& counts, boost::system::error_code code)
{
    ++(std::error_code(code) == weir::errc::deadline_exceeded ? counts.late : counts.unexpected);
}

asio::awaitable<void> acquire_often(weir::buffer_pool& pool, std::uint64_t id, tally& counts)
{
    auto random = test::generator(300 + id);
    for (int i = 0; i < 60; ++i) {
        const auto limit = steady_clock::now() + std::chrono::microseconds(random() % 3000);
        auto [code, got] = co_await pool.async_acquire(1, limit, asio::as_tuple(asio::use_awaitable));
        if (code) {
            note(counts, code);
            continue;
        }
        ++counts.granted;
        mark(got, id);
        const weir::slice kept = std::move(got).freeze();
        co_await asio::post(asio::use_awaitable); // others run while the block is held
        if (!has_mark(kept, id))
            ++counts.spoilt;
    }
}

asio::awaitable<void> reserve_often(weir::buffer_pool& pool, std::uint64_t id, tally& counts)
{
    auto random = test::generator(400 + id);
    for (int i = 0; i < 30; ++i) {
        const std::size_t blocks = 1 + random() % 4;
        auto [code, mine] = co_await pool.async_reserve(blocks, KiB, asio::as_tuple(asio::use_awaitable));
        if (code) {
            note(counts, code);
            continue;
        }
        std::vector<weir::slice> held;
        for (std::size_t n = 0; n < blocks + 2; ++n) {
            if (n >= blocks)
                held.erase(held.begin());
            weir::buffer got = co_await mine.async_take(asio::use_awaitable);
            ++counts.granted;
            mark(got, id * 8 + n);
            held.push_back(std::move(got).freeze());
        }
        for (std::size_t n = 0; n < held.size(); ++n)
            if (!has_mark(held[n], id * 8 + n + 2))
                ++counts.spoilt;
    }
}

TEST_CASE("pool: coroutines on four threads, with deadlines and reservations, all end and leave every block free")
{
    weir::buffer_pool pool({.tiers = {{KiB, 6}}, .max_mapped = 0});
    tally counts;
    std::atomic<int> failed = 0;
    {
        asio::thread_pool threads(4);
        const auto ended = [&](std::exception_ptr failure) { failed += failure ? 1 : 0; };
        for (std::uint64_t id = 1; id <= 24; ++id)
            asio::co_spawn(threads, acquire_often(pool, id, counts), ended);
        for (std::uint64_t id = 25; id <= 32; ++id)
            asio::co_spawn(threads, reserve_often(pool, id, counts), ended);
        threads.join();
    }
    CHECK(failed == 0);
    CHECK(counts.spoilt == 0);
    CHECK(counts.unexpected == 0);
    CHECK(counts.granted > 0);
    const weir::pool_statistics numbers = pool.statistics();
    CHECK(numbers.in_use_bytes == 0);
    CHECK(numbers.waiting == 0);
    CHECK(numbers.tiers[0].peak <= 6);
    CHECK(numbers.failures == counts.late);
    CHECK(pool.check());
}

TEST_CASE("pool: destroyed while other threads drop its blocks")
{
    for (int round = 0; round < 50; ++round) {
        std::optional<weir::buffer_pool> pool(std::in_place,
                                              weir::pool_options{.tiers = {{KiB, 64}}, .max_mapped = 0});
        std::optional<weir::reservation> promised = pool->try_reserve(8, KiB);
        std::vector<std::vector<weir::buffer>> held(3);
        for (std::vector<weir::buffer>& each : held)
            for (int i = 0; i < 8; ++i)
                each.push_back(i % 4 == 0 ? *promised->try_take() : pool->acquire_now(1));
        std::atomic<bool> go = false;
        std::vector<std::thread> threads;
        for (std::vector<weir::buffer>& each : held)
            threads.emplace_back([&go, mine = std::move(each)]() mutable {
                while (!go)
                    std::this_thread::yield();
                mine.clear();
            });
        go = true;
        pool.reset();
        promised.reset();
        for (std::thread& each : threads)
            each.join();
    }
}

} // namespace
} // namespace pool_stress_test
