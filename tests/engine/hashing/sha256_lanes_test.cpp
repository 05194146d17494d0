#include "hashing/sha256_lanes.hpp"

#include "batch.hpp"

#include <doctest/doctest.h>

#include <string>

namespace weir::hashing {
sha256_function sha256_emulated_avx512_x16; // sha256_emulated.cpp
}

namespace {

using namespace weir::hashing;

/// All that can run here, also those that would never win.
std::vector<sha256_kernel> every_kernel()
{
    std::vector<sha256_kernel> kernels{{"portable-x1", sha256_portable_x1, 1}};
#if WEIR_HAVE_SIMDE
    kernels.push_back({"emulated-avx512-x16", sha256_emulated_avx512_x16, 16});
#endif
    for (weir::cpu_level level : weir::available_cpu_levels()) {
        for (const sha256_kernel& kernel : sha256_kernels_of(level))
            kernels.push_back(kernel);
#if defined(__x86_64__)
        if (level == weir::cpu_level::avx2)
            kernels.push_back({"avx2-x8", sha256_avx2_x8, 8});
#endif
    }
    return kernels;
}

/// A plan that has nothing but `kernel`.
sha256_plan only(const sha256_kernel& kernel)
{
    sha256_plan plan;
    plan.kernels.fill(&kernel);
    return plan;
}

TEST_CASE("sha256 lanes: 10,000 random batches over all kernels give the digests of OpenSSL")
{
    auto random = test::generator();
    const auto data = test::random_bytes(random, 1 << 16);
    const auto kernels = every_kernel();
    const std::size_t rounds = 10'000 / kernels.size() + 1;
    for (const sha256_kernel& kernel : kernels) {
        CAPTURE(std::string(kernel.name));
        const sha256_plan plan = only(kernel);
        sha256_lanes lanes(plan);
        for (std::size_t round = 0; round < rounds; ++round) {
            test::batch batch = test::random_batch(data, 24, random);
            lanes.start(batch.messages());
            const std::size_t portion = random() % 4 == 0 ? 1 + random() % 9000 : std::size_t(-1);
            while (!lanes.run(portion))
                ;
            batch.check(weir::hash_algorithm::sha256);
        }
    }
}

TEST_CASE("sha256 lanes: kernels that change with the number of messages left give the same digests")
{
    auto random = test::generator();
    const auto data = test::random_bytes(random, 1 << 16);
    const auto kernels = every_kernel();
    for (int round = 0; round < 300; ++round) {
        sha256_plan plan;
        for (const sha256_kernel*& kernel : plan.kernels)
            kernel = &kernels[random() % kernels.size()];
        sha256_lanes lanes(plan);
        test::batch batch = test::random_batch(data, 50, random);
        lanes.start(batch.messages());
        while (!lanes.run(1 + random() % 50'000))
            ;
        batch.check(weir::hash_algorithm::sha256);
    }
}

TEST_CASE("sha256 lanes: every kernel agrees with the portable one, block by block, at every alignment")
{
    auto random = test::generator();
    const auto data = test::random_bytes(random, 1 << 14);
    const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
    for (const sha256_kernel& kernel : every_kernel()) {
        CAPTURE(std::string(kernel.name));
        for (std::size_t alignment = 0; alignment < 64; ++alignment) {
            const std::size_t blocks = 1 + alignment % 3;
            sha256_lane lanes[sha256_max_lanes], expected[sha256_max_lanes];
            sha256_lane* pointers[sha256_max_lanes];
            for (unsigned i = 0; i < kernel.lanes; ++i) {
                for (std::uint32_t& word : lanes[i].state)
                    word = static_cast<std::uint32_t>(random());
                lanes[i].data = bytes + alignment + random() % 8000;
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

TEST_CASE("sha256 plan: there is a kernel of the level for every number of messages")
{
    for (weir::cpu_level level : weir::available_cpu_levels()) {
        const auto allowed = sha256_kernels_of(level);
        const sha256_plan* plan = sha256_plan_for(level);
        REQUIRE((plan == nullptr) == allowed.empty());
        if (!plan)
            continue;
        for (unsigned live = 1; live <= sha256_max_lanes; ++live) {
            REQUIRE(plan->kernels[live] != nullptr);
            CHECK(std::ranges::any_of(allowed, [&](auto& kernel) { return &kernel == plan->kernels[live]; }));
        }
        CHECK(plan->kernels[1]->lanes == 1);
        CHECK(sha256_plan_for(level) == plan);
    }
}

} // namespace
