#include <weir/http/range.hpp>

#include <weir/error.hpp>

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

namespace {

using weir::http::byte_range;
using weir::http::byte_span;
using weir::http::content_range;
using weir::http::parse_content_range;

constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();

TEST_CASE("content-range: the forms of RFC 9110 are read")
{
    CHECK(parse_content_range("bytes 0-499/1234") == content_range{byte_span{0, 499}, 1234});
    CHECK(parse_content_range("bytes 500-999/*") == content_range{byte_span{500, 999}, std::nullopt});
    CHECK(parse_content_range("bytes */1234") == content_range{std::nullopt, 1234});
    CHECK(parse_content_range("bytes */0") == content_range{std::nullopt, 0});
    CHECK(parse_content_range("Bytes 7-7/8") == content_range{byte_span{7, 7}, 8});
    CHECK(parse_content_range("bytes 00-09/010") == content_range{byte_span{0, 9}, 10});
    CHECK(parse_content_range("bytes 0-9223372036854775806/9223372036854775807")
          == content_range{byte_span{0, most - 1}, most});
}

TEST_CASE("content-range: anything else is refused")
{
    for (const std::string_view text : {"",
                                        "bytes",
                                        "bytes ",
                                        "bytes 0-499",
                                        "bytes 0-499/",
                                        "bytes /1234",
                                        "bytes -/1234",
                                        "bytes 5-4/10",
                                        "bytes 0-1234/1234",
                                        "bytes 0-0/0",
                                        "bytes */*",
                                        "bytes -5/10",
                                        "bytes 5-/10",
                                        "bytes=0-499/1234",
                                        "bytes  0-499/1234",
                                        " bytes 0-499/1234",
                                        "bytes 0-499/1234 ",
                                        "bytes 0 -499/1234",
                                        "bytes 0- 499/1234",
                                        "bytes 0-499 /1234",
                                        "bytes 0-499/ 1234",
                                        "bytes 0-499/1234/5",
                                        "bytes 0-4-9/10",
                                        "bytes +0-4/10",
                                        "bytes 0x0-4/10",
                                        "bytes 0-4/1e1",
                                        "items 0-4/10",
                                        "bytes 0-9223372036854775808/*",
                                        "bytes 0-1/9223372036854775808",
                                        "bytes 0-18446744073709551616/*",
                                        "bytes 18446744073709551616-18446744073709551617/*",
                                        "bytes 0-4/10, bytes 5-9/10",
                                        "bytes\t0-4/10",
                                        "bytes 0-4/-1",
                                        "bytes 0-4/**"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_content_range(text));
    }
}

TEST_CASE("content-range: what is written is read back")
{
    CAPTURE(test::seed());
    std::mt19937_64 random = test::generator(4);
    for (int round = 0; round < 2000; ++round) {
        std::uniform_int_distribution<std::uint64_t> any(0, most >> (random() % 63));
        const std::uint64_t a = any(random), b = any(random);
        const content_range value{byte_span{std::min(a, b), std::max(a, b)},
                                  random() % 2 && std::max(a, b) < most ? std::optional(std::max(a, b) + 1)
                                                                        : std::nullopt};
        REQUIRE(parse_content_range(to_string(value)) == value);
        const content_range refused{std::nullopt, a};
        REQUIRE(parse_content_range(to_string(refused)) == refused);
    }
}

TEST_CASE("range: ranges are written as RFC 9110 says, and never empty")
{
    CHECK(byte_range::part(0, 500).to_string() == "bytes=0-499");
    CHECK(byte_range::part(7, 1).to_string() == "bytes=7-7");
    CHECK(byte_range::from(9500).to_string() == "bytes=9500-");
    CHECK(byte_range::tail(500).to_string() == "bytes=-500");
    CHECK(byte_range::part(most, 1).to_string() == "bytes=9223372036854775807-9223372036854775807");
    CHECK_THROWS_AS((void)byte_range::part(42, 0), weir::error);
    CHECK_THROWS_AS((void)byte_range::tail(0), weir::error);
    CHECK_THROWS_AS((void)byte_range::part(most, 2), weir::error);
    CHECK_THROWS_AS((void)byte_range::part(most + 1, 1), weir::error);
    CHECK_THROWS_AS((void)byte_range::part(2, std::numeric_limits<std::uint64_t>::max()), weir::error);
    CHECK_THROWS_AS((void)byte_range::from(most + 1), weir::error);
    CHECK_THROWS_AS((void)byte_range::tail(most + 1), weir::error);
}

TEST_CASE("range: an answer fits where it begins as asked and does not go beyond")
{
    const auto answered = [](const byte_range& range, std::string_view answer) {
        return range.is_answered_by(parse_content_range(answer).value());
    };
    const byte_range part = byte_range::part(100, 50);
    CHECK(answered(part, "bytes 100-149/1000"));
    CHECK(answered(part, "bytes 100-149/*"));
    CHECK(answered(part, "bytes 100-120/121"));
    CHECK(answered(part, "bytes 100-120/1000")); // fewer: the rest is asked for again
    CHECK_FALSE(answered(part, "bytes 99-149/1000"));
    CHECK_FALSE(answered(part, "bytes 101-149/1000"));
    CHECK_FALSE(answered(part, "bytes 100-150/1000"));
    CHECK_FALSE(answered(part, "bytes 0-999/1000"));
    CHECK_FALSE(answered(part, "bytes */1000"));
    CHECK(answered(byte_range::from(100), "bytes 100-999/1000"));
    CHECK_FALSE(answered(byte_range::from(100), "bytes 0-999/1000"));
    CHECK(answered(byte_range::tail(10), "bytes 990-999/1000"));
    CHECK(answered(byte_range::tail(2000), "bytes 0-999/1000"));
    CHECK_FALSE(answered(byte_range::tail(10), "bytes 989-999/1000"));
    CHECK_FALSE(answered(byte_range::tail(10), "bytes 990-999/*"));
}

TEST_CASE("range: the one range that a request asks for is read; what is none, or several, is not")
{
    for (const std::string text : {"bytes=0-9", "bytes=7-7", "bytes=500-", "bytes=-500"}) {
        CAPTURE(text);
        const auto read = byte_range::parse(text);
        REQUIRE(read);
        CHECK(read->to_string() == text);
    }
    CHECK(byte_range::parse("Bytes= 0-9 ") == byte_range::part(0, 10));
    for (const std::string text : {"", "bytes", "bytes=", "bytes=-", "bytes=-0", "bytes=9-0", "bytes=0-1,3-4", "bytes=0-9,", "lines=0-9",
                                   "bytes=a-9", "bytes=0-x", "bytes=+1-2", "bytes=0-9223372036854775808", "bytes=1"}) {
        CAPTURE(text);
        CHECK_FALSE(byte_range::parse(text));
    }
}

} // namespace
