// The cuts of weir1 are frozen: these are the vectors of docs/weir1.md. A change here is a new algorithm.

#include "cutting.hpp"
#include "generate.hpp"

#include <chunking/weir1.hpp>

#include <doctest/doctest.h>

namespace weir1_golden_test {
namespace {

using test::byte_vector;
using test::checksum;
using test::ends_vector;

struct golden {
    const char* name;
    std::size_t min, average, max;
    int level;
    byte_vector data;
    std::size_t chunks;
    std::uint64_t checksum;
    ends_vector first;
};

std::vector<golden> vectors()
{
    return {
        {"random-16K",
         4096,
         16384,
         65536,
         2,
         test::splitmix(1, 4194304),
         256,
         0x54fafebf748cbed2,
         {14779, 29090, 43234, 54683}},
        {"random-4K-level0",
         1024,
         4096,
         16384,
         0,
         test::splitmix(2, 1048576),
         255,
         0xa107545d0c21570b,
         {5463, 7320, 8986, 11896}},
        {"random-4K-level1",
         1024,
         4096,
         16384,
         1,
         test::splitmix(2, 1048576),
         257,
         0xb25e1397b46d5a57,
         {5463, 8986, 11896, 18541}},
        {"random-4K-level3",
         1024,
         4096,
         16384,
         3,
         test::splitmix(2, 1048576),
         255,
         0xd6720fad3ee623c3,
         {3807, 7704, 11896, 16076}},
        {"odd-sizes",
         1999,
         7001,
         20011,
         2,
         test::splitmix(3, 1048576),
         148,
         0xdd00afb092ef99ce,
         {13379, 20170, 28003, 36105}},
        {"smallest", 64, 256, 1024, 2, test::splitmix(4, 262144), 990, 0x20def71a886025de, {377, 641, 967, 1104}},
        {"letters",
         2048,
         8192,
         32768,
         2,
         test::letters(5, 1048576),
         129,
         0x507438da233dc8e4,
         {7789, 11989, 19048, 21379}},
        {"sparse", 2048, 8192, 32768, 2, test::sparse(6, 1048576), 64, 0x556ece2f47af0932, {7686, 40454, 47708, 57143}},
        {"period-63",
         1024,
         4096,
         16384,
         2,
         test::periodic(7, 63, 262144),
         16,
         0x2766e570ebe65641,
         {16384, 32768, 49152, 65536}},
        {"zeros", 1024, 4096, 16384, 2, byte_vector(100000), 7, 0x2691a7f02bf4536f, {16384, 32768, 49152, 65536}},
    };
}

weir::chunker_options options_of(const golden& vector)
{
    weir::chunker_options options = weir::weir1(vector.average);
    options.min = vector.min;
    options.max = vector.max;
    options.normalization = vector.level;
    return options;
}

void check(const golden& vector, const weir::chunker_options& options)
{
    for (const weir::cpu_level level : weir::available_cpu_levels()) {
        INFO(vector.name << " on " << weir::to_string(level));
        const ends_vector ends = test::cut(options, vector.data, level);
        CHECK(ends.size() == vector.chunks);
        CHECK(ends_vector(ends.begin(), ends.begin() + 4) == vector.first);
        CHECK(checksum(ends) == vector.checksum);
    }
}

TEST_CASE("weir1: the golden vectors come out on every kernel")
{
    for (const golden& vector : vectors())
        check(vector, options_of(vector));
}

TEST_CASE("weir1: the golden vector with a secret comes out on every kernel")
{
    const golden vector{"secret",
                        1024,
                        4096,
                        16384,
                        2,
                        test::splitmix(8, 1048576),
                        252,
                        0xaf6e9694450481c9,
                        {4572, 8908, 12280, 17187}};
    weir::chunker_options options = options_of(vector);
    options.secret.emplace();
    for (std::size_t i = 0; i < 32; ++i)
        (*options.secret)[i] = static_cast<std::byte>(i);
    check(vector, options);
}

TEST_CASE("weir1: the values of single positions come out")
{
    using namespace weir::detail;
    const byte_vector data = test::splitmix(1, 256);
    const weir1_function function = make_weir1_function(std::nullopt);
    CHECK(weir1_value(data.data() + 127, function) == 0xbe415843);
    CHECK(weir1_value(data.data() + 128, function) == 0x0dbb14ee);
    CHECK(weir1_value(data.data() + 129, function) == 0xe70783fc);
    CHECK(weir1_value(data.data() + 130, function) == 0x791d1906);
}

} // namespace
} // namespace weir1_golden_test
