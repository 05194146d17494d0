#include <weir/cache.hpp>

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

/// A clock that stands still unless it is moved.
struct manual_clock {
    using rep = std::int64_t;
    using period = std::milli;
    using duration = std::chrono::milliseconds;
    using time_point = std::chrono::time_point<manual_clock>;
    [[maybe_unused]] static constexpr bool is_steady = true; // asked for by the concept of a clock
    static inline std::atomic<rep> ticks{0};
    static time_point now() { return time_point(duration(ticks.load())); }
};

TEST_CASE("cache: finds what was put, and counts hits and misses")
{
    weir::cache<std::string, int> cache;
    cache.put("a", 1);
    cache.put("b", 2);
    cache.put("a", 3);
    CHECK(cache.find("a") == 3);
    CHECK(cache.find("b") == 2);
    CHECK(!cache.find("c"));
    CHECK(cache.erase("a"));
    CHECK(!cache.erase("a"));
    CHECK(!cache.find("a"));
    const weir::cache_statistics numbers = cache.statistics();
    CHECK(numbers.hits == 2);
    CHECK(numbers.misses == 2);
    CHECK(numbers.count == 1);
    CHECK(numbers.evictions == 0);
}

TEST_CASE("cache: the entry that was used least recently goes first")
{
    weir::cache<int, int> cache({.max_count = 3});
    for (int key : {1, 2, 3})
        cache.put(key, key);
    CHECK(cache.find(1));
    cache.put(4, 4);
    CHECK(!cache.find(2));
    CHECK(cache.find(1));
    CHECK(cache.find(3));
    CHECK(cache.find(4));
    CHECK(cache.statistics().evictions == 1);
}

TEST_CASE("cache: the limit of bytes evicts as many as it takes")
{
    weir::cache<int, int> cache({.max_count = 100, .max_bytes = 10});
    for (int key : {1, 2, 3})
        cache.put(key, key, 3);
    cache.put(4, 4, 7);
    CHECK(!cache.find(1));
    CHECK(!cache.find(2));
    CHECK(cache.find(3));
    CHECK(cache.statistics().bytes == 10);
    cache.put(3, 3, 11); // too large: what was there is forgotten, the new one not kept
    CHECK(!cache.find(3));
    CHECK(cache.statistics().bytes == 7);
}

TEST_CASE("cache: a cache without room keeps nothing")
{
    weir::cache<int, int> cache({.max_count = 0});
    cache.put(1, 1);
    CHECK(!cache.find(1));
}

TEST_CASE("cache: clear forgets everything and the cache works on")
{
    weir::cache<int, int> cache;
    for (int key = 0; key < 1000; ++key)
        cache.put(key, key);
    cache.clear();
    CHECK(cache.statistics().count == 0);
    CHECK(cache.statistics().bytes == 0);
    cache.put(1, 7);
    CHECK(cache.find(1) == 7);
}

TEST_CASE("cache: values are destroyed when they leave")
{
    weir::cache<int, std::shared_ptr<int>> cache({.max_count = 1});
    const auto value = std::make_shared<int>(1);
    cache.put(1, value);
    CHECK(value.use_count() == 2);
    cache.put(2, nullptr);
    CHECK(value.use_count() == 1);
}

TEST_CASE("cache: a value that ends may use the cache that it was in")
{
    struct busy;
    using cache_type = weir::cache<int, std::shared_ptr<busy>>;
    struct busy {
        explicit busy(cache_type& of) : cache(of) {}
        ~busy() { (void)cache.find(1); }
        cache_type& cache;
    };
    cache_type cache({.max_count = 1});
    const auto put = [&] { cache.put(1, std::make_shared<busy>(cache)); };
    put();
    put();                 // in its place
    cache.put(2, nullptr); // evicted
    put();
    CHECK(cache.erase(1));
    put();
    cache.clear();
    CHECK(cache.statistics().count == 0);
}

TEST_CASE("cache: a time to live beyond the clock is for ever")
{
    weir::cache<int, int> cache({.time_to_live = std::chrono::milliseconds::max()});
    cache.put(1, 1);
    CHECK(cache.find(1));
}

TEST_CASE("cache: what is older than its time is not found")
{
    weir::cache<int, int, std::hash<int>, manual_clock> cache({.time_to_live = 1h});
    cache.put(1, 1);
    manual_clock::ticks += 1800 * 1000;
    cache.put(2, 2);
    CHECK(cache.find(1));
    manual_clock::ticks += 1800 * 1000;
    CHECK(!cache.find(1));
    CHECK(cache.find(2));
    CHECK(cache.statistics().count == 2);
    cache.expire();
    CHECK(cache.statistics().count == 1);
    CHECK(cache.statistics().expirations == 1);
}

TEST_CASE("cache: old entries are removed in the background")
{
    weir::cache<int, int> cache({.time_to_live = 10ms});
    cache.put(1, 1);
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (cache.statistics().count > 0 && std::chrono::steady_clock::now() < limit)
        std::this_thread::yield();
    CHECK(cache.statistics().count == 0);
    CHECK(cache.statistics().expirations == 1);
}

TEST_CASE("cache: random operations agree with a plain list in order of use")
{
    auto random = test::generator(21);
    constexpr std::size_t room = 20;
    weir::cache<int, int> cache({.max_count = room});
    std::list<std::pair<int, int>> model; // newest first
    const auto find = [&](int key) {
        return std::find_if(model.begin(), model.end(), [key](const auto& each) { return each.first == key; });
    };
    for (int step = 0; step < 20'000; ++step) {
        const int key = static_cast<int>(random() % 40);
        const auto known = find(key);
        if (random() % 3 == 0) {
            cache.put(key, step);
            if (known != model.end())
                model.erase(known);
            model.emplace_front(key, step);
            if (model.size() > room)
                model.pop_back();
        }
        else if (random() % 20 == 0) {
            REQUIRE(cache.erase(key) == (known != model.end()));
            if (known != model.end())
                model.erase(known);
        }
        else {
            const std::optional<int> found = cache.find(key);
            REQUIRE(found.has_value() == (known != model.end()));
            if (found) {
                REQUIRE(*found == known->second);
                model.splice(model.begin(), model, known);
            }
        }
        REQUIRE(cache.statistics().count == model.size());
    }
}

TEST_CASE("cache: many threads, sharded: a value found is the one of its key, and the limit holds")
{
    constexpr std::size_t room = 4096;
    weir::cache<int, int> cache({.max_count = room});
    std::atomic<bool> wrong = false;
    std::vector<std::thread> threads;
    for (unsigned id = 0; id < 4; ++id)
        threads.emplace_back([&, id] {
            auto random = test::generator(30 + id);
            for (int step = 0; step < 20'000; ++step) {
                const int key = static_cast<int>(random() % 10'000);
                if (const std::optional<int> found = cache.find(key); !found)
                    cache.put(key, key * 2);
                else if (*found != key * 2)
                    wrong = true;
            }
        });
    for (std::thread& each : threads)
        each.join();
    CHECK(!wrong);
    const weir::cache_statistics numbers = cache.statistics();
    CHECK(numbers.count <= room);
    CHECK(numbers.count > room * 3 / 4);
    CHECK(numbers.hits + numbers.misses == 80'000);
}

} // namespace
