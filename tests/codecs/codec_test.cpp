#include <weir/codec.hpp>

#include "coding.hpp"

#include "support/sanitized.hpp"

#include <weir/codec_settings.hpp>

#include <doctest/doctest.h>

using weir::codec;
using weir::errc;

TEST_CASE("codec: every name is read back, and no other")
{
    for (const codec each : weir::all_codecs())
        CHECK(weir::parse_codec(weir::to_string(each)) == each);
    CHECK_FALSE(weir::parse_codec("brotli"));
    CHECK_FALSE(weir::parse_codec(""));
    CHECK(weir::suffix_of(codec::zstd) == ".zst");
    CHECK(weir::suffix_of(codec::identity).empty());
}

TEST_CASE("codec: what is built in says which library runs it")
{
    CHECK(weir::is_built_in(codec::identity));
    for (const codec each : weir::all_codecs())
        CHECK(weir::is_built_in(each) == !weir::implementation_of(each).empty());
}

TEST_CASE("detect: every encoder's stream is known by its start, but raw deflate and LZMA alone")
{
    for (const codec each : test::built_in_codecs()) {
        const test::byte_vector stream = test::encoded(each, test::bytes_of("some content"));
        const bool has_magic = each != codec::identity && each != codec::deflate && each != codec::lzma;
        CAPTURE(weir::to_string(each));
        CHECK(weir::decoder::detect(stream) == (has_magic ? std::optional(each) : std::nullopt));
    }
}

TEST_CASE("detect: too few bytes, and text, are nothing")
{
    CHECK_FALSE(weir::detect_codec({}));
    CHECK_FALSE(weir::detect_codec(test::bytes_of("x")));
    CHECK_FALSE(weir::detect_codec(test::bytes_of("plain text")));
    CHECK_FALSE(weir::detect_codec(test::bytes_of("\xfd" "7zX")));
}

TEST_CASE("detect: skippable frames count as zstd, legacy lz4 as lz4")
{
    CHECK(weir::detect_codec(test::bytes_of("\x5a\x2a\x4d\x18")) == codec::zstd);
    CHECK(weir::detect_codec(test::bytes_of("\x02\x21\x4c\x18")) == codec::lz4);
}

TEST_CASE("settings: what a codec does not have is refused by name")
{
    const auto refused = [](codec which, const weir::encoder_settings& settings) {
        try {
            weir::encoder coder(which, settings);
            return std::string("accepted");
        }
        catch (const weir::error& failure) {
            return failure.code() == errc::bad_configuration ? failure.subject() : failure.what();
        }
    };
    const weir::dictionary some(test::bytes_of("some content"));
    CHECK(refused(codec::identity, {.threads = 1}) == "threads");
    if (weir::is_built_in(codec::zstd)) {
        CHECK(refused(codec::zstd, {.level = 23}) == "level");
        CHECK(refused(codec::zstd, {.window_bytes = 3000}) == "window");
        CHECK(refused(codec::zstd, {.threads = 201}) == "threads");
    }
    if (weir::is_built_in(codec::lz4)) {
        CHECK(refused(codec::lz4, {.level = 13}) == "level");
        CHECK(refused(codec::lz4, {.window_bytes = 1 << 16}) == "window");
        CHECK(refused(codec::lz4, {.dictionary = some}) == "dictionary");
    }
    if (weir::is_built_in(codec::gzip)) {
        CHECK(refused(codec::gzip, {.level = 10}) == "level");
        CHECK(refused(codec::gzip, {.window_bytes = 1 << 16}) == "window");
        CHECK(refused(codec::deflate, {.threads = 1}) == "threads");
    }
    if (weir::is_built_in(codec::xz)) {
        CHECK(refused(codec::xz, {.level = -1}) == "level");
        CHECK(refused(codec::lzma, {.threads = 2}) == "threads");
        CHECK(refused(codec::xz, {.dictionary = some}) == "dictionary");
    }
}

TEST_CASE("settings: a codec that is not built in is refused as such")
{
    for (const codec each : weir::all_codecs()) {
        if (weir::is_built_in(each))
            continue;
        try {
            weir::decoder coder(each);
            FAIL("accepted");
        }
        catch (const weir::error& failure) {
            CHECK(failure.code() == errc::codec_unavailable);
        }
    }
}

TEST_CASE("presets: each encodes")
{
    for (const weir::codec_preset& each :
         {weir::low_memory_preset(), weir::balanced_preset(), weir::high_ratio_preset()}) {
        if (!weir::is_built_in(each.codec))
            continue;
        const test::byte_vector content = test::words(100'000, 1);
        CHECK(test::decoded(each.codec, test::encoded(each.codec, content, each.settings)) == content);
    }
    CHECK(weir::low_memory_preset().buffer_bytes == 4096);
}

TEST_CASE("max_compressed_size: holds for what does not compress, in one go")
{
    for (const codec each : test::built_in_codecs())
        for (const weir::codec_level level : {weir::codec_level(weir::codec_level::fastest),
                                              weir::codec_level(weir::codec_level::standard)})
            for (const std::size_t size : {0, 1, 100, 4096, 70'000, test::is_sanitized ? 1 << 18 : 1 << 20}) {
                test::byte_vector noise(size);
                std::mt19937_64 random(size);
                std::generate(noise.begin(), noise.end(), [&] { return static_cast<std::byte>(random()); });
                const std::size_t bound = weir::max_compressed_size(each, size, {.level = level});
                const test::cuts at_once{[] { return std::string::npos; }, [&] { return bound + 1; }};
                CAPTURE(weir::to_string(each));
                CAPTURE(size);
                CHECK(test::encoded(each, noise, {.level = level}, at_once).size() <= bound);
            }
}
