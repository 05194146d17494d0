#include <weir/unique_counter.hpp>

#include "support/seed.hpp"

#include <weir/hasher.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <unordered_map>

namespace {

/// A digest that is different for every number, and as random as a real one.
weir::digest digest_number(std::uint64_t number)
{
    return weir::digest_of(weir::hash_algorithm::xxh3_128, std::as_bytes(std::span(&number, 1)));
}

std::uint64_t length_of(std::uint64_t number) { return 1000 + number % 3001; }

double relative_error(double got, double expected) { return std::abs(got - expected) / expected; }

TEST_CASE("unique_counter: counts exactly what a map counts, whatever is repeated")
{
    auto random = test::generator();
    weir::unique_counter counter;
    std::unordered_map<weir::digest, std::uint64_t> expected;
    std::uint64_t bytes = 0;
    for (int i = 0; i < 50'000; ++i) {
        const std::uint64_t number = random() % 20'000;
        counter.add(digest_number(number), length_of(number));
        if (expected.emplace(digest_number(number), 0).second)
            bytes += length_of(number);
        if (i % 1000 == 0) {
            REQUIRE(counter.unique_chunks() == expected.size());
            REQUIRE(counter.unique_bytes() == bytes);
        }
    }
    CHECK(counter.exact());
}

TEST_CASE("unique_counter: digests that differ by one bit, or are all zeros, are told apart")
{
    weir::unique_counter counter;
    std::byte bytes[32] = {};
    counter.add(weir::digest(bytes), 1);
    for (int bit = 0; bit < 64; ++bit) {
        std::byte other[32] = {};
        other[bit / 8] = std::byte{1} << bit % 8;
        if (other[0] != std::byte{1}) // the neighbour of the empty slot's mark
            counter.add(weir::digest(other), 1);
    }
    counter.add(weir::digest(bytes), 1);
    CHECK(counter.unique_chunks() == 64);
    CHECK(counter.unique_bytes() == 64);
}

TEST_CASE("unique_counter: it stays exact when at the limit only known digests come")
{
    weir::unique_counter counter(1000);
    for (std::uint64_t i = 0; i < 3000; ++i)
        counter.add(digest_number(i % 1000), 5);
    CHECK(counter.exact());
    CHECK(counter.unique_chunks() == 1000);
    CHECK(counter.unique_bytes() == 5000);
    counter.add(digest_number(1000), 5);
    CHECK(!counter.exact());
}

TEST_CASE("unique_counter: beyond the limit both counts are within two percent, and never fall")
{
    // Numbers, not seeds: this must not fail one day in a thousand.
    weir::unique_counter counter(1000);
    std::uint64_t bytes = 0, chunks_before = 0, bytes_before = 0;
    for (std::uint64_t i = 0; i < 300'000; ++i) {
        counter.add(digest_number(i), length_of(i));
        bytes += length_of(i);
        if (i % 3 == 0)
            counter.add(digest_number(i / 2), length_of(i / 2));
        REQUIRE(counter.unique_chunks() >= chunks_before);
        REQUIRE(counter.unique_bytes() >= bytes_before);
        chunks_before = counter.unique_chunks();
        bytes_before = counter.unique_bytes();
    }
    CHECK(!counter.exact());
    CHECK(relative_error(static_cast<double>(counter.unique_chunks()), 300'000) < 0.02);
    CHECK(relative_error(static_cast<double>(counter.unique_bytes()), static_cast<double>(bytes)) < 0.02);
}

TEST_CASE("unique_counter: what was counted exactly is not counted again by the estimate")
{
    weir::unique_counter counter(10'000);
    for (std::uint64_t i = 0; i < 10'000; ++i)
        counter.add(digest_number(i), 100);
    counter.add(digest_number(10'000), 100);
    REQUIRE(!counter.exact());
    const std::uint64_t chunks = counter.unique_chunks();
    for (std::uint64_t i = 0; i <= 10'000; ++i)
        counter.add(digest_number(i), 100);
    CHECK(counter.unique_chunks() == chunks);
}

TEST_CASE("unique_counter: an estimate never exceeds what was added")
{
    weir::unique_counter counter(0);
    for (std::uint64_t i = 1; i <= 2000; ++i) {
        counter.add(digest_number(i), 3);
        REQUIRE(counter.unique_chunks() <= i);
        REQUIRE(counter.unique_bytes() <= 3 * i);
    }
}

TEST_CASE("unique_counter: memory grows with the count, to 8 MiB at 700,000, and falls beyond")
{
    weir::unique_counter counter;
    CHECK(counter.memory_bytes() < 8 << 10);
    std::uint64_t i = 0;
    for (; i < 1000; ++i)
        counter.add(digest_number(i), 1);
    CHECK(counter.memory_bytes() < 64 << 10);
    for (; i < weir::unique_counter::default_limit; ++i)
        counter.add(digest_number(i), 1);
    CHECK(counter.exact());
    CHECK(counter.unique_chunks() == weir::unique_counter::default_limit);
    CHECK(counter.memory_bytes() <= (8 << 20) + (8 << 10));
    counter.add(digest_number(i), 1);
    CHECK(!counter.exact());
    CHECK(counter.memory_bytes() < 512 << 10);
}

TEST_CASE("unique_counter: digests made to crowd one place end its exactness, not its memory")
{
    weir::unique_counter counter;
    for (std::uint64_t i = 1; i < 20'000; ++i) {
        std::byte bytes[32] = {};
        std::memcpy(bytes, &i, sizeof i);
        counter.add(weir::digest(bytes), 1);
        REQUIRE(counter.memory_bytes() < 1 << 20);
    }
    CHECK(!counter.exact());
}

} // namespace
