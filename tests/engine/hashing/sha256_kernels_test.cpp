#include "hashing/sha256_kernels.hpp"

#include "kernels.hpp"
#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace {

using namespace weir::hashing;

TEST_CASE("sha256 kernels: every one gives the example of FIPS 180-4 in all its lanes")
{
    unsigned char block[sha256_block] = {'a', 'b', 'c', 0x80};
    block[sha256_block - 1] = 24; // bits
    constexpr std::uint32_t expected[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                           0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    for (const sha256_kernel& kernel : test::every_sha256_kernel()) {
        CAPTURE(std::string(kernel.name));
        sha256_lane lanes[sha256_max_lanes];
        sha256_lane* pointers[sha256_max_lanes];
        for (unsigned i = 0; i < kernel.lanes; ++i) {
            std::memcpy(lanes[i].state, sha256_initial_state, sizeof lanes[i].state);
            lanes[i].data = block;
            pointers[i] = &lanes[i];
        }
        kernel.run(pointers, 1);
        for (unsigned i = 0; i < kernel.lanes; ++i)
            CHECK(std::ranges::equal(lanes[i].state, expected));
    }
}

TEST_CASE("sha256 kernels: no blocks leave every lane as it was")
{
    const unsigned char block[sha256_block] = {};
    for (const sha256_kernel& kernel : test::every_sha256_kernel()) {
        CAPTURE(std::string(kernel.name));
        sha256_lane lane{{1, 2, 3, 4, 5, 6, 7, 8}, block};
        sha256_lane* pointers[sha256_max_lanes];
        std::ranges::fill(pointers, &lane);
        kernel.run(pointers, 0);
        CHECK(std::ranges::equal(lane.state, std::array{1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u}));
        CHECK(lane.data == block);
    }
}

TEST_CASE("sha256 kernels: every one agrees with the portable one, block by block, at every alignment")
{
    auto random = test::generator();
    std::vector<unsigned char> data(1 << 14);
    std::ranges::generate(data, [&] { return static_cast<unsigned char>(random()); });
    for (const sha256_kernel& kernel : test::every_sha256_kernel()) {
        CAPTURE(std::string(kernel.name));
        for (std::size_t alignment = 0; alignment < 64; ++alignment) {
            const std::size_t blocks = 1 + alignment % 3;
            sha256_lane lanes[sha256_max_lanes], expected[sha256_max_lanes];
            sha256_lane* pointers[sha256_max_lanes];
            for (unsigned i = 0; i < kernel.lanes; ++i) {
                for (std::uint32_t& word : lanes[i].state)
                    word = static_cast<std::uint32_t>(random());
                lanes[i].data = data.data() + alignment + random() % 8000;
                expected[i] = lanes[i];
                pointers[i] = &lanes[i];
            }
            kernel.run(pointers, blocks);
            for (unsigned i = 0; i < kernel.lanes; ++i) {
                sha256_lane* single = &expected[i];
                sha256_portable_x1(&single, blocks);
                CHECK(std::ranges::equal(lanes[i].state, expected[i].state));
                CHECK(lanes[i].data == expected[i].data);
            }
        }
    }
}

} // namespace
