#include "cutting.hpp"
#include "fastcdc2020_reference.hpp"
#include "generate.hpp"

#include <support/seed.hpp>

#include <doctest/doctest.h>

namespace {

using test::cut;
using test::ends_vector;

weir::chunker_options sizes(std::size_t min, std::size_t average, std::size_t max, int level, std::uint64_t seed = 0)
{
    weir::chunker_options options = weir::fastcdc2020(average);
    options.min = min;
    options.max = max;
    options.normalization = level;
    options.seed = seed;
    return options;
}

TEST_CASE("fastcdc2020: published cut points come out")
{
    const ends_vector ends = cut(sizes(4096, 16384, 65536, 1), test::splitmix(1, 4194304));
    CHECK(ends.size() == 221);
    CHECK(ends_vector(ends.begin(), ends.begin() + 6) == ends_vector{16594, 21448, 28128, 44980, 62367, 69735});
    CHECK(ends_vector(ends.end() - 3, ends.end()) == ends_vector{4161354, 4187305, 4194304});
    const ends_vector narrow = cut(sizes(2048, 8192, 65536, 3), test::splitmix(10, 3145728));
    CHECK(narrow.size() == 356);
    CHECK(ends_vector(narrow.begin(), narrow.begin() + 4) == ends_vector{8420, 16769, 26438, 35362});
}

TEST_CASE("fastcdc2020: any sizes, seeds, lengths and splits give the cuts of the rule")
{
    std::mt19937_64 random = test::generator(1);
    for (int round = 0; round < 300; ++round) {
        const std::size_t average = 256 + random() % 3000;
        const std::size_t min = 64 + random() % (average - 63);
        const std::size_t max = std::max<std::size_t>(1024, average + random() % (3 * average));
        const auto options = sizes(min, average, max, static_cast<int>(random() % 4), random() % 2 * random());
        const test::byte_vector data =
            random() % 4 == 0 ? test::letters(random(), random() % 60000) : test::splitmix(random(), random() % 60000);
        const ends_vector expected = test::cut_by_rule_of_fastcdc2020(options, data);
        INFO("min " << min << " average " << average << " max " << max << " size " << data.size());
        weir::chunker chunker(options);
        CHECK(cut(chunker, data) == expected);
        const std::size_t most = std::size_t{1} << random() % 14;
        CHECK(test::cut_in_pieces(chunker, data, [&] { return random() % (most + 1); }) == expected);
        if (round % 8 == 0) // slow
            CHECK(test::cut_in_pieces(chunker, data, [] { return 1; }) == expected);
    }
}

TEST_CASE("fastcdc2020: lengths around the minimum and odd lengths are cut as by the rule")
{
    for (std::size_t min : {64u, 65u, 2047u, 2048u})
        for (std::size_t size = min - 2; size < min + 6; ++size) {
            const auto options = sizes(min, 4095, 8191, 2);
            const test::byte_vector data = test::splitmix(20 + size, size);
            CHECK(cut(options, data) == test::cut_by_rule_of_fastcdc2020(options, data));
        }
    CHECK(cut(sizes(4096, 16384, 65536, 1), {}).empty());
}

TEST_CASE("fastcdc2020: a chunk's end is reported by the byte that decides it")
{
    const auto options = sizes(64, 256, 1024, 1);
    const test::byte_vector data = test::splitmix(5, 20000);
    const ends_vector expected = test::cut_by_rule_of_fastcdc2020(options, data);
    weir::chunker chunker(options);
    ends_vector ends;
    for (std::size_t i = 0; i < data.size(); ++i) {
        chunker.push(std::as_bytes(std::span(data).subspan(i, 1)), ends);
        if (ends.size() == expected.size())
            break;
        const std::uint64_t start = ends.empty() ? 0 : ends.back();
        // The byte that matched, and the rest of its pair, are what may have been pushed beyond the end.
        CHECK(i + 1 <= expected[ends.size()] + 2);
        CHECK(i + 1 - start < options.max);
    }
}

} // namespace
