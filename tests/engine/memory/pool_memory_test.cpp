// What the pool costs the system, as the kernel counts it.
#include <weir/buffer_pool.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace pool_memory_test {
namespace {

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;

/// Resident memory of this process in bytes; smaps_rollup is exact where statm may lag by batches. Compare how much
/// it falls: the shadow memory of a sanitizer stays.
std::size_t resident_bytes()
{
    std::ifstream rollup("/proc/self/smaps_rollup");
    for (std::string word; rollup >> word;) {
        std::size_t kib = 0;
        if (word == "Rss:" && rollup >> kib)
            return kib * KiB;
    }
    return 0;
}

std::vector<weir::buffer> take_and_touch(weir::buffer_pool& pool, std::size_t count, std::size_t bytes)
{
    std::vector<weir::buffer> out;
    for (std::size_t i = 0; i < count; ++i) {
        out.push_back(pool.acquire_now(bytes));
        out.back().resize(bytes);
        std::memset(out.back().data(), 1, bytes);
    }
    return out;
}

TEST_CASE("pool: shrink gives the memory of free blocks back to the system")
{
    weir::buffer_pool pool;
    const std::size_t before = resident_bytes();
    REQUIRE(before > 0);
    std::vector<weir::buffer> held = take_and_touch(pool, 512, 64 * KiB);
    const std::size_t full = resident_bytes();
    CHECK(full - before > 31 * MiB);
    held.resize(64);
    CHECK(pool.shrink() == 448 * 64 * KiB);
    const std::size_t shrunk = resident_bytes();
    CHECK(full - shrunk > 27 * MiB);
    bool whole = true;
    for (const weir::buffer& each : held)
        for (std::byte value : each.span())
            whole = whole && value == std::byte(1);
    CHECK(whole);
    held.clear();
    pool.clear();
    CHECK(full - resident_bytes() > 31 * MiB);
    CHECK(pool.statistics().allocated_bytes == 0);
    CHECK(pool.check());
}

TEST_CASE("pool: free blocks scattered between used ones are given back too")
{
    weir::buffer_pool pool;
    std::vector<weir::buffer> held = take_and_touch(pool, 512, 64 * KiB);
    const std::size_t full = resident_bytes();
    for (std::size_t i = 0; i < held.size(); i += 2)
        held[i] = weir::buffer();
    CHECK(pool.shrink() == 256 * 64 * KiB);
    CHECK(full - resident_bytes() > 15 * MiB);
    CHECK(pool.check());
}

TEST_CASE("pool: one small buffer costs little, not a whole slab")
{
    weir::buffer_pool pool({.tiers = {{KiB, 1024}}});
    const std::size_t before = resident_bytes();
    const std::vector<weir::buffer> held = take_and_touch(pool, 1, KiB);
    CHECK(resident_bytes() - before < 128 * KiB);
}

TEST_CASE("pool: what nobody uses for a while is given back by itself, what is used stays")
{
    weir::buffer_pool pool({.idle_trim = std::chrono::milliseconds(5)});
    std::vector<weir::buffer> held = take_and_touch(pool, 256, 64 * KiB);
    const std::size_t full = resident_bytes();
    held.resize(16);
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (pool.statistics().available_bytes > 0 && std::chrono::steady_clock::now() < limit)
        std::this_thread::yield();
    CHECK(pool.statistics().tiers[0].allocated == 16);
    CHECK(full - resident_bytes() > 14 * MiB);
    CHECK(held[15].span()[64 * KiB - 1] == std::byte(1));
    CHECK(pool.check());
}

TEST_CASE("pool: a mapped region's memory goes back at once")
{
    weir::buffer_pool pool;
    const std::size_t before = resident_bytes();
    std::vector<weir::buffer> held = take_and_touch(pool, 1, 20 * MiB);
    const std::size_t full = resident_bytes();
    CHECK(full - before > 19 * MiB);
    held.clear();
    CHECK(full - resident_bytes() > 19 * MiB);
}

TEST_CASE("pool: after its destruction only what is in use costs memory")
{
    std::optional<weir::buffer_pool> pool(std::in_place);
    std::vector<weir::buffer> held = take_and_touch(*pool, 256, 64 * KiB);
    const std::size_t full = resident_bytes();
    held.resize(1);
    pool.reset();
    CHECK(full - resident_bytes() > 15 * MiB);
    CHECK(held[0].span()[0] == std::byte(1));
}

TEST_CASE("pool: blocks of huge pages work as others do")
{
    weir::buffer_pool pool({.tiers = {{256 * KiB, 64}}, .huge_pages = true});
    const std::vector<weir::buffer> held = take_and_touch(pool, 64, 256 * KiB);
    CHECK(!pool.try_acquire(1));
    CHECK(pool.check());
}

} // namespace
} // namespace pool_memory_test
