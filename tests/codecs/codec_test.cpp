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

TEST_CASE("detect: legacy formats count as their codecs")
{
    CHECK(weir::detect_codec(test::bytes_of("\x02\x21\x4c\x18")) == codec::lz4);
    for (const char first : {'\x1e', '\x22', '\x23', '\x24', '\x25', '\x26', '\x27'})
        CHECK(weir::detect_codec(test::bytes_of(first + std::string("\xb5\x2f\xfd"))) == codec::zstd);
    for (const char first : {'\x1d', '\x1f', '\x21', '\x29'})
        CHECK_FALSE(weir::detect_codec(test::bytes_of(first + std::string("\xb5\x2f\xfd"))));
}

TEST_CASE("detect: skippable frames count as what follows them, and as zstd where that is too far away")
{
    using namespace std::string_view_literals;
    const auto skippable = [](std::size_t size) {
        std::string out("\x5a\x2a\x4d\x18");
        for (int i = 0; i < 4; ++i)
            out.push_back(static_cast<char>(size >> (8 * i)));
        return out + std::string(size, 'x');
    };
    constexpr std::string_view lz4 = "\x04\x22\x4d\x18"sv;
    constexpr std::string_view zstd = "\x28\xb5\x2f\xfd"sv;
    const auto found = [](const std::string& text) { return weir::detect_codec(test::bytes_of(text)); };
    const auto wanted = [](const std::string& text) { return weir::bytes_to_detect_codec(test::bytes_of(text)); };
    for (const std::size_t size : {0, 2, 300, 60'000}) {
        const std::string all = skippable(size) + skippable(0) + skippable(7);
        CHECK(found(all + std::string(lz4)) == codec::lz4);
        CHECK(found(all + std::string(zstd)) == codec::zstd);
        CHECK(found(all + "other") == codec::zstd);
        CHECK(found(all) == codec::zstd);
        CHECK(found(all.substr(0, all.size() - 9)) == codec::zstd);
        std::string seen;
        const std::string whole = all + std::string(lz4) + std::string(weir::codec_start_bytes, ' ');
        int rounds = 0;
        for (; seen.size() < wanted(seen); ++rounds)
            seen = whole.substr(0, wanted(seen));
        CHECK(rounds <= 4);
        CHECK(found(seen) == codec::lz4);
        const std::string one = skippable(size) + std::string(lz4) + "    ";
        CHECK(wanted(one) == size + 16);
        CHECK(found(one.substr(0, size + 16)) == codec::lz4);
    }
    std::string empties;
    for (int i = 0; i < 8000; ++i)
        empties += skippable(0);
    CHECK(wanted(empties.substr(0, 16)) == weir::codec_start_bytes);
    CHECK(found(empties + std::string(lz4)) == codec::lz4);
    CHECK(found(skippable(70'000) + std::string(lz4)) == codec::zstd);
    CHECK(wanted(skippable(70'000)) == weir::codec_start_bytes);
    CHECK(found(skippable(0).replace(4, 4, "\xff\xff\xff\xff")) == codec::zstd);
    CHECK(wanted("") == weir::codec_magic_bytes);
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
