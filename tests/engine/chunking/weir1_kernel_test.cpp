// The kernels of weir1 against each other, one search at a time.

#include "generate.hpp"
#include "guarded_memory.hpp"

#include <chunking/weir1.hpp>
#include <weir/cpu.hpp>

#include <support/seed.hpp>

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

#ifdef WEIR_HAVE_SIMULATED_AVX512
namespace weir::detail {
std::size_t weir1_search_simulated_avx512(const std::uint8_t*, std::size_t, const weir1_function&, const weir1_mask&);
}
#endif

namespace {

using namespace weir::detail;

struct kernel {
    std::string_view name;
    weir1_search search;
};

std::vector<kernel> kernels()
{
    std::vector<kernel> all{{"portable", weir1_search_portable}};
    for (const weir::cpu_level level : weir::available_cpu_levels()) {
#if defined(__x86_64__)
        if (level == weir::cpu_level::sse)
            all.push_back({"sse", weir1_search_sse});
        if (level == weir::cpu_level::avx2)
            all.push_back({"avx2", weir1_search_avx2});
        if (level == weir::cpu_level::avx512)
            all.push_back({"avx512", weir1_search_avx512});
#elif defined(__aarch64__)
        if (level == weir::cpu_level::neon)
            all.push_back({"neon", weir1_search_neon});
#endif
    }
#ifdef WEIR_HAVE_SIMULATED_AVX512
    all.push_back({"simulated avx512", weir1_search_simulated_avx512});
#endif
    return all;
}

// By the full value of every position: its upper 16 bits are what kernels look at.
std::size_t search_plainly(const std::uint8_t* data, std::size_t size, const weir1_function& function,
                           const weir1_mask& mask)
{
    const std::uint32_t wanted =
        static_cast<std::uint32_t>(mask.mask[0]) << 24 | static_cast<std::uint32_t>(mask.mask[1]) << 16;
    for (std::size_t i = 0; i < size; ++i)
        if ((weir1_value(data + i, function) & wanted) == wanted)
            return i;
    return size;
}

weir1_function random_function(std::mt19937_64& random)
{
    std::array<std::byte, 32> secret;
    for (std::byte& byte : secret)
        byte = static_cast<std::byte>(random());
    return make_weir1_function(random() % 3 == 0 ? std::nullopt : std::optional(secret));
}

TEST_CASE("weir1 kernels: every kernel finds the first matching position, at any alignment and length")
{
    std::mt19937_64 random = test::generator(2);
    for (int round = 0; round < 400; ++round) {
        const std::size_t size = random() % 3 == 0 ? random() % 4000 : random() % 200;
        const std::size_t skew = random() % 64;
        const test::byte_vector data = test::splitmix(random(), weir1_lookback + skew + size);
        const weir1_function function = random_function(random);
        const weir1_mask mask{
            {static_cast<std::uint8_t>(0xff00 >> random() % 9), static_cast<std::uint8_t>(0xff00 >> random() % 9)}};
        const std::uint8_t* start = data.data() + weir1_lookback + skew;
        const std::size_t expected = search_plainly(start, size, function, mask);
        for (const kernel& each : kernels()) {
            INFO(each.name << " size " << size << " skew " << skew);
            CHECK(each.search(start, size, function, mask) == expected);
        }
    }
}

TEST_CASE("weir1 kernels: no kernel reads outside of what it may")
{
    const weir1_function function = make_weir1_function(std::nullopt);
    const weir1_mask never{{0xff, 0xff}};
    for (std::size_t size = 0; size <= 260; ++size) {
        // At the end of the readable page, and at its beginning.
        const test::guarded_memory data(test::byte_vector(4096, 0x5a));
        for (const kernel& each : kernels()) {
            INFO(each.name << " size " << size);
            CHECK(each.search(data.span().data() + 4096 - size, size, function, never) == size);
            CHECK(each.search(data.span().data() + weir1_lookback, size, function, never) == size);
        }
    }
}

} // namespace
