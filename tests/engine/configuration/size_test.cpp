#include <weir/size.hpp>

#include <weir/error.hpp>

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace {
using namespace weir::literals;

TEST_CASE("size: K, KB and KiB are 1024 in any case, and so upwards")
{
    for (const char* text : {"64K", "64k", "64KB", "64kb", "64KiB", "64kib", "64 KIB", " 64 K "})
        CHECK(weir::parse_size(text) == 64_KiB);
    for (const char* text : {"3M", "3mb", "3 MiB"})
        CHECK(weir::parse_size(text) == 3_MiB);
    for (const char* text : {"5G", "5gB", "5gib"})
        CHECK(weir::parse_size(text) == 5_GiB);
    CHECK(weir::parse_size("2T") == 2048_GiB);
    CHECK(weir::parse_size("0") == 0);
    CHECK(weir::parse_size("1000") == 1000);
    CHECK(weir::parse_size("1000 B") == 1000);
}

TEST_CASE("size: the largest number fits, the next does not")
{
    CHECK(weir::parse_size("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
    CHECK(weir::parse_size("16777215T") == std::uint64_t{16777215} << 40);
    for (const char* text : {"18446744073709551616", "16777216T", "99999999999999999999999"})
        CHECK_THROWS_AS((void)weir::parse_size(text), weir::error);
}

TEST_CASE("size: what is no size is refused by an error that quotes it and names the units")
{
    for (const char* text : {"", " ", "K", "-1", "+1", "1.5M", "12Q", "12KiBs", "12 K B", "0x10", "1,024", "K12"}) {
        CAPTURE(text);
        try {
            (void)weir::parse_size(text);
            FAIL("accepted");
        }
        catch (const weir::error& failure) {
            CHECK(failure.code() == weir::errc::bad_format);
            const std::string_view what = failure.what();
            CHECK(what.find("'" + std::string(text) + "'") != std::string_view::npos);
            CHECK(what.find("K, M, G or T") != std::string_view::npos);
        }
    }
}

TEST_CASE("size: reports round to a tenth of the unit")
{
    CHECK(weir::format_size(0) == "0 B");
    CHECK(weir::format_size(1023) == "1023 B");
    CHECK(weir::format_size(1024) == "1 KiB");
    CHECK(weir::format_size(1536) == "1.5 KiB");
    CHECK(weir::format_size(96_MiB) == "96 MiB");
    CHECK(weir::format_size(1_MiB - 1) == "1 MiB");
    CHECK(weir::format_size(1_GiB + 150_MiB) == "1.1 GiB");
    CHECK(weir::format_size(5000_GiB) == "4.9 TiB");
}

TEST_CASE("size: what is written exactly is read back the same")
{
    CHECK(weir::format_size_exactly(64_KiB) == "64 KiB");
    CHECK(weir::format_size_exactly(1000) == "1000 B");
    CHECK(weir::format_size_exactly(1_MiB + 1_KiB) == "1025 KiB");
    auto random = test::generator();
    for (int i = 0; i < 2000; ++i) {
        const std::uint64_t bytes = (random() >> (random() % 64)) << (random() % 12);
        CAPTURE(bytes);
        CHECK(weir::parse_size(weir::format_size_exactly(bytes)) == bytes);
        CHECK_NOTHROW((void)weir::format_size(bytes));
    }
}

} // namespace
