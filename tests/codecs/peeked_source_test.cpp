#include "streams/peeked_source.hpp"

#include "streaming.hpp"

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace peeked_source_test {
namespace {

namespace asio = boost::asio;
using test::bench;
using weir::codecs::peeked_source;

test::byte_vector look(bench& on, peeked_source& at, std::size_t count)
{
    const auto seen = test::run(on.context, at.look(count));
    return {seen.begin(), seen.end()};
}

test::byte_vector first(const test::byte_vector& content, std::size_t count)
{
    return {content.begin(), content.begin() + static_cast<std::ptrdiff_t>(std::min(count, content.size()))};
}

TEST_CASE("peeked_source: gives all of its input, whatever was seen of it before, and however it came")
{
    auto random = test::generator(1);
    bench on;
    for (int round = 0; round < 100; ++round) {
        const auto content = test::random_bytes(random() % 400'000, random());
        test::script how;
        const bool slow = random() % 4 == 0;
        how.read_size = [&] { return slow ? 1 + random() % 700 : 1 + random() % 100'000; };
        how.suspends = [&] { return random() % 50 == 0; };
        how.wasteful = random() % 2 == 0;
        peeked_source input(std::make_unique<test::scripted_source>(content, how));
        for (std::uint64_t looks = random() % 3; looks != 0; --looks) {
            const std::size_t count = random() % (random() % 2 == 0 ? 600 : 300'000);
            CHECK(look(on, input, count) == first(content, count));
        }
        CHECK(test::drain(on, input, 1 + random() % 100'000) == content);
    }
}

TEST_CASE("peeked_source: an input that fails fails the look, or the read that comes to it")
{
    const auto content = test::random_bytes(10'000, 2);
    test::script how;
    how.fails_at = 1'000;
    bench on;
    peeked_source input(std::make_unique<test::scripted_source>(content, how));
    CHECK(look(on, input, 1'000) == first(content, 1'000));
    CHECK_THROWS_AS(look(on, input, 1'001), weir::error);
    CHECK_THROWS_AS(test::drain(on, input), weir::error);
}

TEST_CASE("peeked_source: it is its input's by name and size, and keeps it no longer than itself")
{
    const auto content = test::random_bytes(1'000, 3);
    int alive = 0;
    bench on;
    {
        peeked_source input(std::make_unique<test::scripted_source>(content, test::script(), &alive));
        CHECK(input.name() == "scripted");
        CHECK(!input.size());
        CHECK(look(on, input, 10).size() == 10);
        test::run(on.context, input.close());
        CHECK(alive == 1);
    }
    CHECK(alive == 0);
}

} // namespace
} // namespace peeked_source_test
