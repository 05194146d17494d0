#include "cutting.hpp"
#include "generate.hpp"
#include "weir1_reference.hpp"

#include <chunking/weir1.hpp>

#include <support/seed.hpp>

#include <doctest/doctest.h>

#include <cstring>

namespace weir1_test {
namespace {

using test::byte_vector;
using test::cut;
using test::ends_vector;

weir::chunker_options sizes(std::size_t min, std::size_t average, std::size_t max, int level)
{
    weir::chunker_options options = weir::weir1(average);
    options.min = min;
    options.max = max;
    options.normalization = level;
    return options;
}

ends_vector cut_by_reference(const weir::chunker_options& unresolved, std::span<const std::uint8_t> data)
{
    const weir::chunker_options options = resolve(unresolved);
    test::weir1_parameters parameters{options.min, options.average, options.max, options.normalization, {}};
    if (options.secret) {
        parameters.secret.emplace();
        std::memcpy(parameters.secret->data(), options.secret->data(), options.secret->size());
    }
    return test::weir1_reference(parameters).cut(data);
}

double mean_on_random_data(std::size_t average, std::size_t chunks)
{
    weir::chunker chunker(weir::weir1(average));
    ends_vector ends;
    for (std::uint64_t block = 0; ends.size() < chunks; ++block) {
        const byte_vector data = test::splitmix(average + (block << 32), 1 << 20);
        chunker.push(std::as_bytes(std::span(data)), ends);
    }
    return static_cast<double>(ends.back()) / static_cast<double>(ends.size());
}

TEST_CASE("weir1: any sizes, lengths, secrets and splits give the cuts of the specification, on every kernel")
{
    std::mt19937_64 random = test::generator();
    for (int round = 0; round < 150; ++round) {
        const std::size_t average = 256 + random() % 3000;
        const std::size_t min = 64 + random() % (average - 63);
        const std::size_t max = std::max<std::size_t>(1024, average + random() % (3 * average));
        auto options = sizes(min, average, max, static_cast<int>(random() % 4));
        if (random() % 3 == 0) {
            options.secret.emplace();
            std::memcpy(options.secret->data(), test::splitmix(random(), 32).data(), 32);
        }
        const byte_vector data =
            random() % 4 == 0 ? test::letters(random(), random() % 60000) : test::splitmix(random(), random() % 60000);
        const ends_vector expected = cut_by_reference(options, data);
        for (const weir::cpu_level level : weir::available_cpu_levels()) {
            INFO("min " << min << " average " << average << " max " << max << " size " << data.size() << " level "
                        << weir::to_string(level));
            weir::chunker chunker(options, level);
            CHECK(cut(chunker, data) == expected);
            const std::size_t most = std::size_t{1} << random() % 14;
            CHECK(test::cut_in_pieces(chunker, data, [&] { return random() % (most + 1); }) == expected);
            if (round % 8 == 0) // slow
                CHECK(test::cut_in_pieces(chunker, data, [] { return 1; }) == expected);
        }
    }
}

TEST_CASE("weir1: on random data the mean is within 5% of the average, at powers of two and between")
{
    for (std::size_t average : {4096u, 5000u, 5793u, 7777u, 12000u, 16384u, 23170u, 50000u, 65536u, 262144u}) {
        INFO("average " << average);
        CHECK(mean_on_random_data(average, 800) == doctest::Approx(average).epsilon(0.05));
    }
    for (std::size_t average : {1u << 20, 1500000u}) {
        INFO("average " << average);
        CHECK(mean_on_random_data(average, 200) == doctest::Approx(average).epsilon(0.05));
    }
}

} // namespace
} // namespace weir1_test
