#include "sha256_plan.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <mutex>
#include <optional>
#include <vector>

namespace weir::hashing {
namespace {

#if defined(__x86_64__)
constexpr sha256_kernel with_sha[] = {
    // In the order of levels: the last one needs AVX-512.
    {"sha256-shani-x1", sha256_shani_x1, 1},
    {"sha256-shani-x2", sha256_shani_x2, 2},
    {"sha256-shani-x3", sha256_shani_x3, 3, 3},
    {"sha256-avx512-x16", sha256_avx512_x16, 16, 1},
};
constexpr sha256_kernel without_sha[] = { // all of which fill the core
    {"sha256-portable-x1", sha256_portable_x1, 1},
    {"sha256-avx2-x8", sha256_avx2_x8, 8},
    {"sha256-avx512-x16", sha256_avx512_x16, 16},
};
#elif defined(__aarch64__)
constexpr sha256_kernel with_sha[] = {
    {"sha256-armv8-x1", sha256_armv8_x1, 1},
    {"sha256-armv8-x2", sha256_armv8_x2, 2},
    {"sha256-armv8-x3", sha256_armv8_x3, 3},
    {"sha256-armv8-x4", sha256_armv8_x4, 4},
};
#endif

/// Seconds per block and lane, all lanes in use, the best of a few short runs.
std::vector<double> measure(std::span<const sha256_kernel> kernels)
{
    constexpr std::size_t blocks = 32;
    constexpr int runs = 8;
    alignas(64) unsigned char data[blocks * sha256_block];
    std::memset(data, 0x5a, sizeof data);
    sha256_lane lanes[sha256_max_lanes];
    sha256_lane* pointers[sha256_max_lanes];
    for (unsigned i = 0; i < sha256_max_lanes; ++i) {
        std::memcpy(lanes[i].state, sha256_initial_state, sizeof lanes[i].state);
        pointers[i] = &lanes[i];
    }
    std::vector<double> best(kernels.size(), std::numeric_limits<double>::max());
    for (int run = 0; run < runs; ++run) {
        for (std::size_t i = 0; i < kernels.size(); ++i) {
            for (sha256_lane& lane : lanes)
                lane.data = data;
            const auto start = std::chrono::steady_clock::now();
            kernels[i].run(pointers, blocks);
            const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
            best[i] = std::min(best[i], spent.count() / (blocks * kernels[i].lanes));
        }
    }
    return best;
}

// A neighbour comes and goes within seconds, while the choice stays. On Zen 3 three streams of SHA-NI take 17 ns a
// block on a core of their own and 21 to 24 beside a busy neighbour, two streams 22 and 23 to 26. Three from intrinsics
// take 18 and 22 to 28. A vector of lanes takes all that the core has, whatever is in it.
constexpr double neighbour = 1.25;

} // namespace

sha256_plan make_sha256_plan(std::span<const sha256_kernel> kernels, std::span<const double> seconds)
{
    sha256_plan plan;
    plan.kernels[1] = &kernels.front(); // idle lanes gain nothing, whatever a disturbed measurement says
    for (unsigned live = 2; live <= sha256_max_lanes; ++live) {
        double best = std::numeric_limits<double>::max();
        for (std::size_t i = 0; i < kernels.size(); ++i) {
            // Lanes without a message cost as much as those with one.
            const unsigned used = std::min(live, kernels[i].lanes);
            double cost = seconds[i] * kernels[i].lanes / used;
            if (used >= kernels[i].fills_core_from)
                cost /= neighbour;
            if (cost < best) {
                best = cost;
                plan.kernels[live] = &kernels[i];
            }
        }
    }
    // OpenSSL's own code for one message is as fast as SHA-NI's, and twice as fast as what is portable.
    if (kernels.front().run == sha256_portable_x1)
        plan.smallest_batch = 3;
    return plan;
}

std::span<const sha256_kernel> sha256_kernels_of(cpu_level level)
{
#if defined(__x86_64__)
    const std::size_t without_avx512 = level == cpu_level::avx512 ? 0 : 1;
    if (level == cpu_level::portable || level == cpu_level::neon)
        return {};
    if (cpu_has_sha())
        return std::span(with_sha).first(std::size(with_sha) - without_avx512);
    if (level >= cpu_level::avx2)
        return std::span(without_sha).first(std::size(without_sha) - without_avx512);
#elif defined(__aarch64__)
    if (level == cpu_level::neon && cpu_has_sha())
        return with_sha;
#else
    static_cast<void>(level);
#endif
    return {};
}

const sha256_plan* sha256_plan_for(cpu_level level)
{
    constexpr std::size_t levels = static_cast<std::size_t>(cpu_level::neon) + 1;
    static std::array<std::once_flag, levels> once;
    static std::array<std::optional<sha256_plan>, levels> plans;

    const std::span<const sha256_kernel> kernels = sha256_kernels_of(level);
    if (kernels.empty())
        return nullptr;
    const auto index = static_cast<std::size_t>(level);
    std::call_once(once[index], [&] { plans[index] = make_sha256_plan(kernels, measure(kernels)); });
    return &*plans[index];
}

} // namespace weir::hashing
