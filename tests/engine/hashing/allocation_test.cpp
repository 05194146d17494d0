#include "batch.hpp"
#include "support/allocation_counter.hpp"

#include <doctest/doctest.h>

namespace {

TEST_CASE("multi_hasher: from the second batch on nothing is allocated")
{
    auto random = test::generator();
    const auto data = test::random_bytes(random, 1 << 16);
    for (weir::cpu_level level : weir::available_cpu_levels()) {
        test::batch batch;
        for (std::size_t size = 0; size < 5000; size += 61)
            batch.add(std::span(data).first(size), test::cut(std::span(data).first(size), random));
        weir::multi_hasher hasher(weir::hash_algorithm::sha256, level);
        const auto messages = batch.messages();
        hasher.start(messages);
        CHECK(hasher.run(std::size_t(-1)));

        const std::size_t before = test::allocations();
        REQUIRE(before > 0); // the counting works
        hasher.start(messages);
        while (!hasher.run(10'000))
            ;
        const std::size_t after = test::allocations();
        CHECK(after == before);
        batch.check(weir::hash_algorithm::sha256);
    }
}

} // namespace
