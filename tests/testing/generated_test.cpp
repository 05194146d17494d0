#include <weir/testing/generated.hpp>

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <span>
#include <string>

namespace {

using weir::testing::generated;

TEST_CASE("generated: the bytes are SplitMix64's, whatever the machine")
{
    // 1234567 is the seed of the known sequence 6457827717110365317, 3203168211198807973, ...
    CHECK(generated(1234567, 0, 16)
          == std::string("\x85\xfc\x08\xfb\x17\xd0\x9e\x59\xa5\x0f\x54\x58\x84\xf0\x73\x2c", 16));
}

TEST_CASE("generated: any part is what the whole has there")
{
    auto random = test::generator();
    const std::string whole = generated(7, 0, 1000);
    for (int i = 0; i != 300; ++i) {
        const std::size_t offset = random() % whole.size();
        const std::size_t size = random() % (whole.size() - offset);
        CHECK(generated(7, offset, size) == whole.substr(offset, size));
    }
}

TEST_CASE("generated: another seed gives another body") { CHECK(generated(1, 0, 64) != generated(2, 0, 64)); }

TEST_CASE("generated: a check finds the one byte that is wrong")
{
    std::string bytes = generated(3, 5, 10'000);
    CHECK(weir::testing::is_generated(3, 5, std::as_bytes(std::span(bytes))));
    bytes[9'999] = static_cast<char>(bytes[9'999] ^ 1);
    CHECK_FALSE(weir::testing::is_generated(3, 5, std::as_bytes(std::span(bytes))));
}

} // namespace
