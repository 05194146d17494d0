// What was encoded is what is decoded, whatever codec, level, buffers and cuts.

#include "coding.hpp"

#include "support/sanitized.hpp"
#include "support/seed.hpp"

#include <doctest/doctest.h>

using weir::codec;

namespace {

weir::codec_level level_of(codec which, std::mt19937_64& random)
{
    const bool large_contexts = which == codec::xz || which == codec::lzma;
    if (random() % 2 == 0 || which == codec::identity)
        return static_cast<weir::codec_level::named>(random() % (large_contexts ? 3 : 4));
    switch (which) {
    case codec::zstd: return static_cast<int>(random() % 28) - 8;
    case codec::lz4: return static_cast<int>(random() % 24) - 11;
    default: return static_cast<int>(random() % (large_contexts ? 4 : 10));
    }
}

test::byte_vector content_of(std::mt19937_64& random)
{
    const std::size_t sizes[] = {random() % 10, random() % 1000, random() % 70'000, random() % 400'000};
    test::byte_vector out = test::words(sizes[random() % 4], random());
    if (random() % 4 == 0) // noise in between
        for (std::size_t i = out.size() / 3; i < out.size() / 2; ++i)
            out[i] = static_cast<std::byte>(random());
    if (random() % 4 == 0)
        std::fill(out.begin() + static_cast<std::ptrdiff_t>(out.size() / 2), out.end(), std::byte{0});
    return out;
}

} // namespace

TEST_CASE("round trip: content comes back through every codec, at any level, cut anyhow")
{
    std::mt19937_64 random = test::generator(5);
    for (const codec each : test::built_in_codecs())
        for (int round = 0; round < 25; ++round) {
            const test::byte_vector content = content_of(random);
            const weir::codec_level level = level_of(each, random);
            const std::size_t largest_piece = content.size() < 5000 && random() % 2 == 0 ? 3 : 1 + random() % 100'000;
            CAPTURE(weir::to_string(each));
            CAPTURE(round);
            const test::byte_vector stream =
                test::encoded(each, content, {.level = level}, test::at_random(random, largest_piece));
            REQUIRE(test::decoded(each, stream, {}, test::at_random(random, largest_piece)) == content);
            REQUIRE(test::decoded(each, stream) == content);
        }
}

TEST_CASE("round trip: every level of every codec")
{
    const test::byte_vector content = test::words(30'000, 7);
    for (const codec each : test::built_in_codecs()) {
        if (each == codec::identity)
            continue; // it has none by number
        const bool large_contexts = each == codec::xz || each == codec::lzma;
        const int least = each == codec::zstd || each == codec::lz4 ? -7 : 0;
        // Of 22 the library takes no more than the size of the content asks for; xz takes 670 MiB for the highest of its.
        const int most = each == codec::zstd ? 22 : each == codec::lz4 ? 12 : large_contexts && test::is_sanitized ? 6 : 9;
        for (int level = least; level <= most; ++level) {
            CAPTURE(weir::to_string(each));
            CAPTURE(level);
            CHECK(test::decoded(each, test::encoded(each, content, {.level = level})) == content);
        }
        if (!test::is_sanitized || !large_contexts)
            CHECK(test::decoded(each, test::encoded(each, content, {.level = weir::codec_level::best})) == content);
    }
}
