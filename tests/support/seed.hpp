#pragma once
// Random numbers for property tests: another sequence each run, printed, and repeatable by WEIR_TEST_SEED.

#include <cstdint>
#include <cstdlib>
#include <random>

namespace test {

inline std::uint64_t seed()
{
    static const std::uint64_t value = [] {
        if (const char* text = std::getenv("WEIR_TEST_SEED"))
            return static_cast<std::uint64_t>(std::strtoull(text, nullptr, 10));
        return static_cast<std::uint64_t>(std::random_device{}());
    }();
    return value;
}

/// A generator for one test case; `stream` sets cases of one run apart.
inline std::mt19937_64 generator(std::uint64_t stream = 0)
{
    return std::mt19937_64(seed() + 0x9e3779b97f4a7c15u * (stream + 1));
}

} // namespace test
