#include "hashing/sha256_lanes.hpp"

#include "batch.hpp"
#include "kernels.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace {

using namespace weir::hashing;

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
    const auto kernels = test::every_sha256_kernel();
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

TEST_CASE("sha256 lanes: one to three messages of every length to 1025 give the digests of OpenSSL on every kernel")
{
    auto random = test::generator();
    const auto data = test::random_bytes(random, 1 << 12);
    for (const sha256_kernel& kernel : test::every_sha256_kernel()) {
        CAPTURE(std::string(kernel.name));
        const sha256_plan plan = only(kernel);
        sha256_lanes lanes(plan);
        for (std::size_t size = 0; size <= 1025; ++size) {
            for (std::size_t count = 1; count <= 3; ++count) {
                test::batch batch;
                for (std::size_t i = 0; i < count; ++i) {
                    const auto message = std::span<const std::byte>(data).subspan(i * 1100 + (size + i) % 64, size);
                    batch.add(message, {weir::slice::adopt(message, nullptr)});
                }
                lanes.start(batch.messages());
                CHECK(lanes.run(std::size_t(-1)));
                batch.check(weir::hash_algorithm::sha256);
            }
        }
    }
}

TEST_CASE("sha256 lanes: kernels that change with the number of messages left give the same digests")
{
    auto random = test::generator();
    const auto data = test::random_bytes(random, 1 << 16);
    const auto kernels = test::every_sha256_kernel();
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

TEST_CASE("sha256 plan: a busy neighbour on the core does not hide that three streams are the best")
{
    const sha256_kernel kernels[] = {{"x1", sha256_portable_x1, 1},
                                     {"x2", sha256_portable_x1, 2},
                                     {"x3", sha256_portable_x1, 3, 3},
                                     {"x16", sha256_portable_x1, 16, 1}};
    // Nanoseconds a block as Zen 3 and Zen 4 gave them, alone and beside a neighbour.
    for (const auto& seconds : {std::array{40.4, 21.6, 18.1, 27.0}, std::array{40.7, 23.8, 27.4, 32.0}}) {
        const sha256_plan plan = make_sha256_plan(kernels, seconds);
        CHECK(plan.kernels[1] == &kernels[0]);
        CHECK(plan.kernels[2] == &kernels[1]);
        CHECK(plan.kernels[3] == &kernels[2]);
        CHECK(plan.kernels[16] == &kernels[2]);
    }
    // Sapphire Rapids: lanes of AVX-512 win where there are enough messages.
    const sha256_plan plan = make_sha256_plan(kernels, std::array{50.0, 41.0, 41.0, 23.6});
    CHECK(plan.kernels[3] == &kernels[2]);
    // Beside a busy hyperthread lanes of which some are idle lose as much as three streams.
    CHECK(plan.kernels[9] == &kernels[2]);
    CHECK(plan.kernels[10] == &kernels[3]);
    CHECK(plan.kernels[16] == &kernels[3]);
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
