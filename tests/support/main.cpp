// The entry of every test program: doctest's, and the seed that property tests draw from.
#define DOCTEST_CONFIG_IMPLEMENT
#include "seed.hpp"

#include <doctest/doctest.h>

#include <cstdio>

int main(int argc, char** argv)
{
    std::printf("seed %llu (repeat with WEIR_TEST_SEED)\n", static_cast<unsigned long long>(test::seed()));
    doctest::Context context(argc, argv);
    return context.run();
}
