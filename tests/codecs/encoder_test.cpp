#include <weir/encoder.hpp>

#include "../support/sources.hpp"
#include "coding.hpp"

#include <doctest/doctest.h>

using test::bytes_of;
using test::decoded;
using test::encoded;
using weir::codec;

TEST_CASE("encoder: nothing at all is a stream too")
{
    for (const codec each : test::built_in_codecs()) {
        CAPTURE(weir::to_string(each));
        CHECK(decoded(each, encoded(each, {})).empty());
        CHECK(decoded(each, encoded(each, {}, {}, test::byte_by_byte()), {}, test::byte_by_byte()).empty());
    }
}

TEST_CASE("encoder: it counts, and begins again")
{
    for (const codec each : test::built_in_codecs()) {
        weir::encoder coder(each);
        const test::byte_vector content = test::words(50'000, 1);
        for (int round = 0; round < 3; ++round) {
            const test::byte_vector stream = test::run(coder, content, {[] { return std::size_t{777}; }});
            CHECK(coder.ended());
            CHECK(coder.consumed() == content.size());
            CHECK(coder.produced() == stream.size());
            CHECK(decoded(each, stream) == content);
            coder.restart();
        }
        coder.push(content); // given up halfway
        std::byte some[100];
        static_cast<void>(coder.pull(some));
        coder.restart();
        CHECK(decoded(each, test::run(coder, bytes_of("next"))) == bytes_of("next"));
    }
}

TEST_CASE("encoder: a short message by deflate is what it is as a stream")
{
    for (const codec each : {codec::gzip, codec::zlib, codec::deflate}) {
        if (!weir::is_built_in(each))
            continue;
        for (int level = 0; level <= 9; ++level) {
            const weir::encoder_settings settings{.level = level};
            std::size_t of_messages = 0;
            std::size_t of_streams = 0;
            for (const std::size_t size : {0, 1, 2, 3, 30, 257, 258, 259, 300, 511, 512, 513}) {
                CAPTURE(weir::to_string(each));
                CAPTURE(level);
                CAPTURE(size);
                for (const test::byte_vector& content :
                     {test::words(size, size), test::random_bytes(size, size), test::byte_vector(size)}) {
                    const test::byte_vector message = encoded(each, content, settings);
                    CHECK(message.size() <= weir::max_compressed_size(each, size, settings));
                    CHECK(decoded(each, message) == content);
                    CHECK(weir::detect_codec(message) == weir::detect_codec(encoded(each, {}, settings)));
                    of_messages += message.size();
                    of_streams += encoded(each, content, settings, test::byte_by_byte()).size();
                }
            }
            CHECK(of_messages <= of_streams + of_streams / 200);
        }
    }
}

TEST_CASE("encoder: a window that was asked for is kept to in messages too")
{
    if (!weir::is_built_in(codec::zlib))
        return;
    for (int log = 9; log <= 15; ++log) {
        const test::byte_vector stream =
            encoded(codec::zlib, bytes_of("a message"), {.window_bytes = std::size_t{1} << log});
        CHECK((std::to_integer<int>(stream[0]) >> 4) + 8 == log);
    }
}

TEST_CASE("encoder: better levels give less")
{
    const test::byte_vector content = test::words(200'000, 2);
    for (const codec each : test::built_in_codecs()) {
        if (each == codec::identity)
            continue;
        CAPTURE(weir::to_string(each));
        const std::size_t fastest = encoded(each, content, {.level = weir::codec_level::fastest}).size();
        const std::size_t best = encoded(each, content, {.level = weir::codec_level::best}).size();
        CHECK(best < fastest);
        CHECK(fastest < content.size());
    }
}

TEST_CASE("encoder: the checksum can be left out where the format has the choice")
{
    const test::byte_vector content = test::words(10'000, 3);
    for (const codec each : {codec::zstd, codec::lz4, codec::xz}) {
        if (!weir::is_built_in(each))
            continue;
        const test::byte_vector without = encoded(each, content, {.checksum = false});
        CHECK(without.size() < encoded(each, content).size());
        CHECK(decoded(each, without) == content);
    }
}

TEST_CASE("encoder: threads of the library give a stream like any other")
{
    const test::byte_vector content = test::words(std::size_t{3} << 20, 4);
    for (const codec each : {codec::zstd, codec::xz}) {
        if (!weir::is_built_in(each))
            continue;
        const weir::encoder_settings two{.level = weir::codec_level::fastest, .threads = 2};
        CHECK(decoded(each, encoded(each, content, two)) == content);
    }
}

TEST_CASE("encoder: a window can be set")
{
    const test::byte_vector content = test::words(300'000, 5);
    for (const codec each : {codec::zstd, codec::gzip, codec::deflate, codec::xz, codec::lzma}) {
        if (!weir::is_built_in(each))
            continue;
        CAPTURE(weir::to_string(each));
        const test::cuts pieces{[] { return std::size_t{9999}; }};
        const test::byte_vector small = encoded(each, content, {.window_bytes = 4096}, pieces);
        CHECK(small.size() > encoded(each, content).size());
        CHECK(decoded(each, small) == content);
    }
}

TEST_CASE("dictionary: messages get shorter by it, and cannot be decoded without")
{
    if (!weir::is_built_in(codec::zstd))
        return;
    std::vector<test::byte_vector> messages;
    for (unsigned i = 0; i < 500; ++i)
        messages.push_back(test::words(300, i));
    const std::vector<test::byte_span> samples(messages.begin(), messages.end());
    const weir::dictionary trained = weir::train_dictionary(samples, 8 << 10);
    CHECK(trained.id() != 0);
    CHECK(trained.content().size() <= 8 << 10);

    const test::byte_vector message = test::words(300, 1000);
    const test::byte_vector with = encoded(codec::zstd, message, {.dictionary = trained});
    CHECK(with.size() < encoded(codec::zstd, message).size());
    CHECK(decoded(codec::zstd, with, {.dictionary = trained}) == message);
    CHECK(decoded(codec::zstd, with, {.dictionary = trained}, test::byte_by_byte()) == message);
    CHECK(test::failure_of(codec::zstd, with) == weir::errc::unknown_dictionary);
    CHECK(decoded(codec::zstd, encoded(codec::zstd, message), {.dictionary = trained}) == message);
}

TEST_CASE("dictionary: any content can be one, and has no number")
{
    const weir::dictionary plain(test::words(4000, 6));
    CHECK(plain.id() == 0);
    CHECK(weir::dictionary().empty());
    CHECK(plain == weir::dictionary(plain));
    CHECK_FALSE(plain == weir::dictionary(test::words(4000, 6)));
    if (!weir::is_built_in(codec::zstd))
        return;
    const test::byte_vector message = test::words(4000, 6);
    const test::byte_vector with = encoded(codec::zstd, message, {.dictionary = plain});
    CHECK(with.size() < 100);
    CHECK(decoded(codec::zstd, with, {.dictionary = plain}) == message);
}

TEST_CASE("dictionary: too few samples are refused with the library's reason")
{
    if (!weir::is_built_in(codec::zstd))
        return;
    const test::byte_vector one = bytes_of("one");
    const std::vector<test::byte_span> samples = {one};
    try {
        static_cast<void>(weir::train_dictionary(samples));
        FAIL("accepted");
    }
    catch (const weir::error& failure) {
        CHECK(failure.code() == weir::errc::bad_configuration);
    }
}

TEST_CASE("dictionary: one that is corrupt is refused when a decoder is made")
{
    if (!weir::is_built_in(codec::zstd))
        return;
    const weir::dictionary corrupt(bytes_of(std::string_view("\x37\xa4\x30\xec\x01\0\0\0 and no tables", 22)));
    CHECK(corrupt.id() == 1);
    try {
        weir::decoder coder(codec::zstd, {.dictionary = corrupt});
        FAIL("accepted");
    }
    catch (const weir::error& failure) {
        CHECK(failure.code() == weir::errc::bad_configuration);
        CHECK(failure.subject() == "dictionary");
    }
}

TEST_CASE("dictionary: one that is corrupt is refused when an encoder is made")
{
    if (!weir::is_built_in(codec::zstd))
        return;
    const weir::dictionary corrupt(bytes_of(std::string_view("\x37\xa4\x30\xec\x01\0\0\0 and no tables", 22)));
    try {
        weir::encoder coder(codec::zstd, {.dictionary = corrupt});
        FAIL("accepted");
    }
    catch (const weir::error& failure) {
        CHECK(failure.code() == weir::errc::bad_configuration);
        CHECK(failure.subject() == "dictionary");
    }
}

TEST_CASE("encoder: a copy has no levels by number")
{
    try {
        weir::encoder coder(codec::identity, {.level = 99});
        FAIL("accepted");
    }
    catch (const weir::error& failure) {
        CHECK(failure.code() == weir::errc::bad_configuration);
        CHECK(failure.subject() == "level");
    }
    CHECK(encoded(codec::identity, bytes_of("a"), {.level = weir::codec_level::best}) == bytes_of("a"));
}

TEST_CASE("encoder: after an error every pull gives the same one, until it begins again")
{
    if (!weir::is_built_in(codec::zstd))
        return; // others allocate earlier
    test::exhaustible_resource memory;
    weir::codec_pool pool({.memory = &memory});
    weir::encoder coder(codec::zstd, {}, pool);
    std::byte room[100];
    memory.exhausted = true;
    coder.finish();
    CHECK_THROWS_AS((void)coder.pull(room), const std::bad_alloc&);
    memory.exhausted = false;
    CHECK_THROWS_AS((void)coder.pull(room), const std::bad_alloc&);
    coder.restart();
    CHECK(decoded(codec::zstd, test::run(coder, bytes_of("content"))) == bytes_of("content"));
}
