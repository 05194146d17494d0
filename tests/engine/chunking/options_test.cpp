#include <weir/chunk_sizes.hpp>
#include <weir/chunker.hpp>
#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <string_view>

namespace {

std::string refusal(const weir::chunker_options& options)
{
    try {
        static_cast<void>(resolve(options));
        return {};
    }
    catch (const weir::error& failure) {
        return failure.what();
    }
}

weir::chunker_options sizes(std::size_t min, std::size_t average, std::size_t max)
{
    weir::chunker_options options = weir::fastcdc2020(average);
    options.min = min;
    options.max = max;
    return options;
}

TEST_CASE("chunker options: the average alone gives a quarter and four times of it")
{
    const weir::chunker_options options = resolve(weir::weir1(64 * 1024));
    CHECK(options.min == 16 * 1024);
    CHECK(options.max == 256 * 1024);
    CHECK(options.normalization == 2);
    CHECK(resolve(weir::fastcdc2020(64 * 1024)).normalization == 1);
    CHECK(resolve(weir::chunker_options{}).average == 1024 * 1024);
    CHECK(resolve(options) == options);
}

TEST_CASE("chunker options: the limits themselves are allowed, one beyond is not")
{
    CHECK(refusal(sizes(64, 256, 1024)).empty());
    CHECK(refusal(sizes(1 << 20, 4 << 20, 16 << 20)).empty());
    CHECK(refusal(sizes(63, 256, 1024))
          == "configure chunker minimum 63: impossible chunk sizes (allowed: 64 to 1048576 bytes)");
    CHECK(!refusal(sizes((1 << 20) + 1, 4 << 20, 16 << 20)).empty());
    CHECK(!refusal(sizes(64, 255, 1024)).empty());
    CHECK(!refusal(sizes(64, (4 << 20) + 1, 16 << 20)).empty());
    CHECK(!refusal(sizes(64, 256, 1023)).empty());
    CHECK(!refusal(sizes(64, 256, (16 << 20) + 1)).empty());
    CHECK(!refusal(weir::weir1(0)).empty());
    CHECK(!refusal(weir::weir1(std::numeric_limits<std::size_t>::max())).empty());
}

TEST_CASE("chunker options: sizes must rise")
{
    CHECK(refusal(sizes(513, 512, 1024))
          == "configure chunker minimum 513: impossible chunk sizes (above the average 512)");
    CHECK(refusal(sizes(64, 2048, 1024))
          == "configure chunker average 2048: impossible chunk sizes (above the maximum 1024)");
    CHECK(refusal(sizes(1024, 1024, 1024)).empty());
}

TEST_CASE("chunker options: what has no meaning for the algorithm is refused")
{
    weir::chunker_options seeded = weir::weir1(4096);
    seeded.seed = 1;
    CHECK(refusal(seeded) == "configure chunker seed: bad configuration (only fastcdc2020 has one)");
    weir::chunker_options secret = weir::fastcdc2020(4096);
    secret.secret.emplace();
    CHECK(!refusal(secret).empty());
    weir::chunker_options level = weir::weir1(4096);
    level.normalization = 4;
    CHECK(!refusal(level).empty());
    level.normalization = -2;
    CHECK(!refusal(level).empty());
}

TEST_CASE("chunker options: fixed chunks have one size")
{
    const weir::chunker_options options = resolve(weir::fixed(1000));
    CHECK(options.min == 1000);
    CHECK(options.max == 1000);
    CHECK(refusal(weir::fixed(64)).empty());
    CHECK(!refusal(weir::fixed(63)).empty());
    CHECK(!refusal(weir::fixed((16 << 20) + 1)).empty());
    weir::chunker_options other = weir::fixed(1000);
    other.max = 2000;
    CHECK(!refusal(other).empty());
}

TEST_CASE("chunker options: algorithms have names, and identifiers that never change")
{
    for (const char* name : {"weir1", "fastcdc2020", "fixed"}) {
        weir::chunker_options options;
        options.algorithm = weir::parse_chunk_algorithm(name).value();
        CHECK(to_string(options.algorithm) == name);
        CHECK(weir::chunker(options).id() == name);
    }
    CHECK(!weir::parse_chunk_algorithm("weir2"));
}

TEST_CASE("chunker: a level that the CPU lacks is refused")
{
#if defined(__x86_64__)
    const weir::cpu_level foreign = weir::cpu_level::neon;
#else
    const weir::cpu_level foreign = weir::cpu_level::avx2;
#endif
    CHECK_THROWS_AS(weir::chunker(weir::weir1(4096), foreign), weir::error);
}

TEST_CASE("chunker: the kernel's name says which one runs")
{
    for (const weir::cpu_level level : weir::available_cpu_levels())
        CHECK(weir::chunker(weir::weir1(4096), level).kernel() == "weir1-" + std::string(to_string(level)));
    CHECK(weir::chunker(weir::fastcdc2020(4096)).kernel() == "fastcdc2020-x3");
    CHECK(weir::chunker(weir::fixed(4096)).kernel() == "fixed");
}

TEST_CASE("chunk size table: bounds are exclusive, and an unknown size is a large file's")
{
    const weir::chunk_size_table table;
    CHECK(table.average_for(0) == 256 << 10);
    CHECK(table.average_for((1 << 20) - 1) == 256 << 10);
    CHECK(table.average_for(1 << 20) == 1 << 20);
    CHECK(table.average_for((100 << 20) - 1) == 1 << 20);
    CHECK(table.average_for(100 << 20) == 512 << 10);
    CHECK(table.average_for((1 << 30) - 1) == 512 << 10);
    CHECK(table.average_for(1 << 30) == 2 << 20);
    CHECK(table.average_for(std::nullopt) == 512 << 10);
    CHECK_NOTHROW(table.validate());
}

TEST_CASE("chunk size table: falling thresholds and impossible sizes are refused")
{
    weir::chunk_size_table falling;
    falling.small_file_threshold = falling.medium_file_threshold + 1;
    CHECK_THROWS_AS(falling.validate(), weir::error);
    weir::chunk_size_table tiny;
    tiny.large_file_chunk_size = 100;
    CHECK_THROWS_AS(tiny.validate(), weir::error);
}

} // namespace
