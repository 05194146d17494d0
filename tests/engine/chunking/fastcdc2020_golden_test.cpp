// Cut points of the published FastCDC 2020 reference: sizes, levels, a seed, odd sizes, edges, edits.

#include "cutting.hpp"
#include "generate.hpp"

#include <doctest/doctest.h>

namespace {

using test::byte_vector;

struct parameters {
    std::size_t min, average, max;
    int level;
    std::uint64_t seed;
};

struct golden {
    const char* name;
    parameters sizes;
    byte_vector data;
    std::size_t chunks;
    std::uint64_t checksum;
};

// `count` other random bytes before offset `at`.
byte_vector with_insertion(std::uint64_t seed, std::size_t size, std::size_t at, std::size_t count)
{
    byte_vector data = test::splitmix(seed, size);
    const byte_vector inserted = test::splitmix(seed + 1, count);
    data.insert(data.begin() + static_cast<std::ptrdiff_t>(at), inserted.begin(), inserted.end());
    return data;
}

std::vector<golden> vectors()
{
    return {
        {"rand-16K-s1", {4096, 16384, 65536, 1, 0}, test::splitmix(1, 4194304), 221, 0x4344201288706b3b},
        {"rand-64K-s1", {16384, 65536, 262144, 1, 0}, test::splitmix(1, 8388608), 109, 0xf7b352c07def5565},
        {"level0", {2048, 8192, 65536, 0, 0}, test::splitmix(10, 3145728), 322, 0xc700fba345a7ab43},
        {"level3", {2048, 8192, 65536, 3, 0}, test::splitmix(10, 3145728), 356, 0x081302d70ddf337c},
        {"gearseed-1", {4096, 16384, 65536, 1, 1}, test::splitmix(11, 3145728), 156, 0xa0e515badf4fb73e},
        {"odd-all", {2047, 8191, 32767, 1, 0}, test::splitmix(14, 2097152), 208, 0x5418f776dc7897bd},
        {"avg11586", {2048, 11586, 92688, 1, 0}, test::splitmix(15, 2097152), 132, 0xce760734e575f7b1},
        {"len0", {4096, 16384, 65536, 1, 0}, test::splitmix(20, 0), 0, 0xcbf29ce484222325},
        {"len4096", {4096, 16384, 65536, 1, 0}, test::splitmix(20, 4096), 1, 0x53a03f8d0add0c15},
        {"len4097", {4096, 16384, 65536, 1, 0}, test::splitmix(20, 4097), 1, 0xdef4e9ce3a681d54},
        {"oddlen2049", {2047, 8191, 32767, 1, 0}, test::splitmix(21, 2049), 1, 0x5f3954d68e8c58cc},
        {"const00", {4096, 16384, 65536, 1, 0}, byte_vector(1000003), 16, 0x869844485539ba67},
        {"period63", {4096, 16384, 65536, 1, 0}, test::periodic(30, 63, 1500001), 24, 0xc3ca346c9d25db71},
        {"edit-base", {4096, 16384, 65536, 1, 0}, test::splitmix(40, 4194304), 216, 0x5a63bd4246b3c06d},
        {"edit-1000000-1",
         {4096, 16384, 65536, 1, 0},
         with_insertion(40, 4194304, 1000000, 1),
         216,
         0xd13242347db53f95},
    };
}

TEST_CASE("fastcdc2020: the cuts of the published reference come out")
{
    for (const golden& vector : vectors()) {
        INFO(vector.name);
        weir::chunker_options options = weir::fastcdc2020(vector.sizes.average);
        options.min = vector.sizes.min;
        options.max = vector.sizes.max;
        options.normalization = vector.sizes.level;
        options.seed = vector.sizes.seed;
        const test::ends_vector ends = test::cut(options, vector.data);
        CHECK(ends.size() == vector.chunks);
        CHECK(test::checksum(ends) == vector.checksum);
    }
}

} // namespace
