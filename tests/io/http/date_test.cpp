#include <weir/http/date.hpp>

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace {

using namespace std::chrono_literals;
using std::chrono::sys_seconds;
using weir::http::format_date;
using weir::http::parse_date;
using weir::http::parse_retry_after;

constexpr sys_seconds example{784111777s};  // Sun, 06 Nov 1994 08:49:37 GMT
constexpr sys_seconds in_2026{1790000000s}; // Mon, 21 Sep 2026

TEST_CASE("date: the three forms of RFC 9110 are read")
{
    CHECK(parse_date("Sun, 06 Nov 1994 08:49:37 GMT", in_2026) == example);
    CHECK(parse_date("Sunday, 06-Nov-94 08:49:37 GMT", in_2026) == example);
    CHECK(parse_date("Sun Nov  6 08:49:37 1994", in_2026) == example);
    CHECK(parse_date("Wed Nov 16 08:49:37 1994", in_2026) == example + 240h);
    CHECK(parse_date("Mon, 06 Nov 1994 08:49:37 GMT", in_2026) == example); // it was a Sunday
    CHECK(parse_date("Thu, 29 Feb 2024 00:00:00 GMT", in_2026) == sys_seconds(1709164800s));
    CHECK(parse_date("Sat, 31 Dec 2016 23:59:60 GMT", in_2026) == sys_seconds(1483228800s));
    CHECK(parse_date("Thu, 01 Jan 1970 00:00:00 GMT", in_2026) == sys_seconds(0s));
    CHECK(parse_date("Mon, 01 Jan 0001 00:00:00 GMT", in_2026) == sys_seconds(-62135596800s));
    CHECK(parse_date("Fri, 31 Dec 9999 23:59:59 GMT", in_2026) == sys_seconds(253402300799s));
}

TEST_CASE("date: a year of two digits is at most 50 years ahead")
{
    const auto year_of = [](std::string_view text, sys_seconds now) {
        const auto read = parse_date(text, now);
        REQUIRE(read);
        return static_cast<int>(std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(*read)).year());
    };
    CHECK(year_of("Friday, 01-Jan-76 00:00:00 GMT", in_2026) == 2076);
    CHECK(year_of("Friday, 01-Jan-77 00:00:00 GMT", in_2026) == 1977);
    CHECK(year_of("Friday, 01-Jan-26 00:00:00 GMT", in_2026) == 2026);
    constexpr sys_seconds in_2090 = sys_seconds(3800000000s);
    CHECK(year_of("Friday, 01-Jan-39 00:00:00 GMT", in_2090) == 2139);
    CHECK(year_of("Friday, 01-Jan-91 00:00:00 GMT", in_2090) == 2091);
}

TEST_CASE("date: what is no date, or no day, is refused")
{
    for (const std::string_view text : {"",
                                        "0",
                                        "Sun",
                                        "Sun, 06 Nov 1994 08:49:37",
                                        "Sun, 06 Nov 1994 08:49:37 UTC",
                                        "Sun, 06 Nov 1994 08:49:37 GMT ",
                                        " Sun, 06 Nov 1994 08:49:37 GMT",
                                        "sun, 06 nov 1994 08:49:37 gmt",
                                        "Sun, 6 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 94 08:49:37 GMT",
                                        "Sun, 31 Nov 1994 08:49:37 GMT",
                                        "Sun, 00 Nov 1994 08:49:37 GMT",
                                        "Sun, 29 Feb 2023 00:00:00 GMT",
                                        "Sun, 06 Nov 1994 24:00:00 GMT",
                                        "Sun, 06 Nov 1994 08:60:00 GMT",
                                        "Sun, 06 Nov 1994 08:49:61 GMT",
                                        "Sun, 06 Nov 1994 8:49:37 GMT",
                                        "Xyz, 06 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 08:49:37 +0100",
                                        "Sun, +6 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-1994 08:49:37 GMT",
                                        "Sun, 06-Nov-94 08:49:37 GMT",
                                        "Sunday, 06 Nov 94 08:49:37 GMT",
                                        "Sun Nov 6 08:49:37 1994",
                                        "Sun Nov 06 08:49:37 94",
                                        "1994-11-06T08:49:37Z",
                                        "Sun, 06 Nov 1994 08-49-37 GMT",
                                        "784111777"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_date(text, in_2026));
    }
}

TEST_CASE("date: what is written is read back")
{
    CHECK(format_date(example) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(format_date(sys_seconds(-1s)) == "Wed, 31 Dec 1969 23:59:59 GMT");
    CAPTURE(test::seed());
    std::mt19937_64 random = test::generator(3);
    for (int round = 0; round < 2000; ++round) {
        // From the year 1 to the year 9999.
        const sys_seconds time(
            std::chrono::seconds(std::uniform_int_distribution<std::int64_t>(-62135596800, 253402300799)(random)));
        CAPTURE(time.time_since_epoch().count());
        REQUIRE(parse_date(format_date(time), in_2026) == time);
    }
}

TEST_CASE("retry-after: seconds, or the time until a date")
{
    CHECK(parse_retry_after("0", in_2026) == 0s);
    CHECK(parse_retry_after("120", in_2026) == 120s);
    CHECK(parse_retry_after(format_date(in_2026 + 90s), in_2026) == 90s);
    CHECK(parse_retry_after(format_date(in_2026 - 90s), in_2026) == 0s);
    for (const std::string_view text : {"", "-1", "+1", "1.5", " 1", "1s", "1,2", "soon", "0x10"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_retry_after(text, in_2026));
    }
}

TEST_CASE("retry-after: however much is asked for, sums with it do not overflow")
{
    const std::chrono::seconds most = std::chrono::years(100);
    CHECK(parse_retry_after("99999999999999999999999999", in_2026) == most);
    CHECK(parse_retry_after("18446744073709551616", in_2026) == most);
    CHECK(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", in_2026) == most);
    CHECK(std::chrono::nanoseconds(most).count() > 0);
}

} // namespace
