#include <weir/buffer_pool.hpp>
#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace pool_test {
namespace {

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;

std::error_code refusal(const weir::pool_options& options, std::string_view named)
{
    try {
        weir::buffer_pool pool(options);
    }
    catch (const weir::error& failure) {
        CHECK(failure.subject() == named);
        return failure.code();
    }
    return {};
}

TEST_CASE("pool: a request gets the smallest tier that fits")
{
    weir::buffer_pool pool;
    CHECK(pool.acquire_now(1).capacity() == 64 * KiB);
    CHECK(pool.acquire_now(64 * KiB).capacity() == 64 * KiB);
    CHECK(pool.acquire_now(64 * KiB + 1).capacity() == MiB);
    CHECK(pool.acquire_now(MiB).capacity() == MiB);
    CHECK(pool.acquire_now(MiB + 1).capacity() >= MiB + 1);
    const weir::pool_statistics numbers = pool.statistics();
    CHECK(numbers.tiers[0].acquisitions == 2);
    CHECK(numbers.tiers[1].acquisitions == 2);
    CHECK(numbers.mapped.acquisitions == 1);
    CHECK(numbers.acquisitions == 5);
    CHECK(numbers.releases == 5);
    CHECK(pool.check());
}

TEST_CASE("pool: tiers may be given in any order")
{
    weir::buffer_pool pool({.tiers = {{16 * KiB, 2}, {KiB, 2}, {4 * KiB, 2}}});
    CHECK(pool.acquire_now(3 * KiB).capacity() == 4 * KiB);
    CHECK(pool.options().tiers.front().block_bytes == KiB);
}

TEST_CASE("pool: an impossible option is refused by name")
{
    using weir::errc;
    CHECK(refusal({.tiers = {}}, "tiers") == errc::bad_configuration);
    CHECK(refusal({.tiers = {{0, 1}}}, "tiers") == errc::bad_configuration);
    CHECK(refusal({.tiers = {{KiB, 0}}}, "tiers") == errc::bad_configuration);
    CHECK(refusal({.tiers = {{KiB, 1}, {KiB, 2}}}, "tiers") == errc::bad_configuration);
    CHECK(refusal({.tiers = {{2 * KiB, 1}}, .max_bytes = KiB}, "tiers") == errc::bad_configuration);
    CHECK(refusal({.tiers = {{KiB, 1}}, .max_mapped_bytes = KiB}, "max_mapped_bytes") == errc::bad_configuration);
    CHECK(refusal({.idle_trim = std::chrono::milliseconds(-1)}, "idle_trim") == errc::bad_configuration);
    CHECK(refusal({.tiers = {{5000, 1}}, .max_bytes = 5000}, "tiers") == errc::bad_configuration);
    constexpr std::size_t endless = std::numeric_limits<std::size_t>::max();
    CHECK(refusal({.tiers = {{endless, 1}}, .max_bytes = endless}, "max_bytes") == errc::bad_configuration);
}

TEST_CASE("pool: a size of 0, or above the largest region, is invalid")
{
    weir::buffer_pool pool;
    CHECK_THROWS_WITH_AS((void)pool.try_acquire(0), doctest::Contains("0 bytes"), weir::error);
    CHECK_THROWS_AS((void)pool.try_acquire((std::size_t(1) << 30) + 1), weir::error);
    weir::buffer_pool unmapped({.tiers = {{KiB, 1}}, .max_mapped = 0});
    CHECK_THROWS_AS((void)unmapped.try_acquire(KiB + 1), weir::error);
}

TEST_CASE("pool: a tier gives as many blocks as it has and no more, and counts the refusals")
{
    weir::buffer_pool pool({.tiers = {{KiB, 3}}});
    std::vector<weir::buffer> held;
    for (int i = 0; i < 3; ++i)
        held.push_back(pool.acquire_now(1));
    CHECK(!pool.try_acquire(1));
    try {
        (void)pool.acquire_now(1);
        FAIL("a fourth block of three");
    }
    catch (const weir::error& failure) {
        CHECK(failure.code() == weir::errc::exhausted);
    }
    const weir::tier_statistics full = pool.statistics().tiers[0];
    CHECK(full.in_use == 3);
    CHECK(full.available == 0);
    CHECK(full.failures == 2);
    held.pop_back();
    CHECK(pool.try_acquire(1));
    CHECK(pool.statistics().tiers[0].peak == 3);
    CHECK(pool.check());
}

TEST_CASE("pool: blocks are made when needed and kept for the next user")
{
    weir::buffer_pool pool;
    CHECK(pool.statistics().allocated_bytes == 0);
    const std::byte* const first = pool.acquire_now(1).data();
    CHECK(pool.acquire_now(1).data() == first);
    CHECK(pool.statistics().tiers[0].allocated == 1);
    CHECK(pool.statistics().available_bytes == 64 * KiB);
}

TEST_CASE("pool: all blocks can be written to their ends at the same time")
{
    weir::buffer_pool pool({.tiers = {{100, 50}, {5000, 50}, {3 * MiB, 2}}, .max_mapped = 0});
    std::vector<weir::buffer> held;
    for (std::size_t bytes : {std::size_t(100), std::size_t(5000), 3 * MiB}) {
        while (std::optional<weir::buffer> got = pool.try_acquire(bytes)) {
            got->resize(got->capacity());
            std::memset(got->data(), static_cast<int>(held.size()), got->size());
            held.push_back(std::move(*got));
        }
    }
    REQUIRE(held.size() == 102);
    bool whole = true;
    for (std::size_t i = 0; i < held.size(); ++i)
        for (std::byte each : held[i].span())
            whole = whole && each == static_cast<std::byte>(i);
    CHECK(whole);
    CHECK(pool.check());
}

TEST_CASE("pool: blocks of a page and more are aligned to pages, smaller ones to cache lines")
{
    weir::buffer_pool pool({.tiers = {{100, 9}, {5000, 9}}});
    for (int i = 0; i < 3; ++i) {
        const weir::buffer large = pool.acquire_now(5000);
        const weir::buffer small = pool.acquire_now(100);
        CHECK(reinterpret_cast<std::uintptr_t>(large.data()) % 4096 == 0);
        CHECK(reinterpret_cast<std::uintptr_t>(small.data()) % 64 == 0);
    }
}

TEST_CASE("pool: the byte limit holds over all tiers, and idle memory of one serves another")
{
    weir::buffer_pool pool({.tiers = {{64 * KiB, 1024}, {MiB, 128}}, .max_bytes = 4 * MiB});
    std::vector<weir::buffer> small;
    while (std::optional<weir::buffer> got = pool.try_acquire(1))
        small.push_back(std::move(*got));
    CHECK(small.size() == 64);
    CHECK(!pool.try_acquire(MiB));
    small.resize(49);
    CHECK(!pool.try_acquire(MiB)); // 15 free blocks are not enough
    small.pop_back();
    const std::optional<weir::buffer> large = pool.try_acquire(MiB);
    CHECK(large);
    CHECK(pool.statistics().allocated_bytes == 4 * MiB);
    CHECK(pool.statistics().peak_bytes == 4 * MiB);
    CHECK(!pool.try_acquire(1));
    CHECK(pool.check());
}

TEST_CASE("pool: mapped regions have a limit of their own, outside of the byte limit")
{
    weir::buffer_pool pool({.tiers = {{KiB, 1}}, .max_bytes = KiB, .max_mapped = 2});
    const weir::buffer small = pool.acquire_now(1);
    weir::buffer first = pool.acquire_now(5 * MiB);
    const weir::buffer second = pool.acquire_now(std::size_t(1) << 30);
    CHECK(!pool.try_acquire(2 * KiB));
    first.resize(first.capacity());
    std::memset(first.data(), 1, first.size());
    CHECK(pool.statistics().mapped.in_use == 2);
    CHECK(pool.statistics().mapped_bytes == 5 * MiB + (std::size_t(1) << 30));
    first = weir::buffer();
    CHECK(pool.try_acquire(2 * KiB));
    CHECK(pool.statistics().mapped.peak == 2);
    CHECK(pool.statistics().mapped.failures == 1);
    CHECK(pool.check());
}

TEST_CASE("pool: buffers and slices outlive it")
{
    std::optional<weir::buffer_pool> pool(std::in_place);
    weir::buffer kept = pool->acquire_now(1);
    weir::buffer mapped = pool->acquire_now(2 * MiB);
    weir::buffer dropped = pool->acquire_now(MiB);
    kept.resize(kept.capacity());
    const weir::slice slice = kept.freeze(10, 20);
    dropped = weir::buffer();
    pool.reset();
    std::memset(kept.data(), 7, kept.size());
    mapped.resize(mapped.capacity());
    std::memset(mapped.data(), 7, mapped.size());
    kept = weir::buffer();
    CHECK(slice.span()[19] == std::byte(7));
}

TEST_CASE("pool: the last of its blocks may die on another thread")
{
    std::optional<weir::buffer_pool> pool(std::in_place);
    std::vector<weir::buffer> held;
    for (int i = 0; i < 8; ++i)
        held.push_back(pool->acquire_now(1));
    std::vector<std::thread> threads;
    for (weir::buffer& each : held)
        threads.emplace_back([mine = std::move(each)]() mutable { mine = weir::buffer(); });
    pool.reset();
    for (std::thread& each : threads)
        each.join();
}

TEST_CASE("pool: clear starts the peaks anew and keeps what is in use")
{
    weir::buffer_pool pool;
    weir::buffer kept = pool.acquire_now(1);
    std::memset(kept.data(), 3, kept.capacity());
    {
        const weir::buffer other = pool.acquire_now(1);
        CHECK(pool.statistics().tiers[0].peak == 2);
    }
    pool.clear();
    CHECK(pool.statistics().tiers[0].peak == 1);
    CHECK(pool.statistics().tiers[0].allocated == 1);
    CHECK(kept.data()[64 * KiB - 1] == std::byte(3));
    CHECK(pool.check());
}

} // namespace
} // namespace pool_test
