#include <weir/decoder.hpp>

#include "coding.hpp"

#include "support/sanitized.hpp"

#include <doctest/doctest.h>

namespace decoder_test {
using test::bytes_of;
using test::decoded;
using test::encoded;
using test::failure_of;
using test::joined;
using weir::codec;
using weir::decoder_settings;
using weir::errc;

namespace {

/// Codecs that mark where their stream ends.
std::vector<codec> framed_codecs()
{
    std::vector<codec> out = test::built_in_codecs();
    std::erase(out, codec::identity);
    return out;
}

bool may_follow_one_another(codec which)
{
    return which == codec::zstd || which == codec::lz4 || which == codec::gzip || which == codec::xz;
}

test::byte_vector skippable(std::string_view content)
{
    test::byte_vector out = bytes_of(std::string_view("\x53\x2a\x4d\x18", 4));
    for (unsigned i = 0; i < 4; ++i)
        out.push_back(static_cast<std::byte>(content.size() >> (8 * i)));
    return joined({out, bytes_of(content)});
}

/// The same outcome however the input is cut.
std::error_code every_failure_of(codec which, const test::byte_vector& input, const decoder_settings& settings = {})
{
    const std::error_code whole = failure_of(which, input, settings);
    CHECK(failure_of(which, input, settings, test::byte_by_byte()) == whole);
    return whole;
}

} // namespace

TEST_CASE("decoder: a stream that is cut off anywhere is truncated")
{
    const test::byte_vector content = test::words(300, 1);
    for (const codec each : framed_codecs()) {
        const test::byte_vector stream = encoded(each, content);
        CAPTURE(weir::to_string(each));
        for (std::size_t size = 0; size < stream.size(); ++size) {
            CAPTURE(size);
            const test::byte_vector part(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
            CHECK(every_failure_of(each, part) == errc::truncated);
        }
    }
}

TEST_CASE("decoder: what follows a stream and is none is trailing data")
{
    for (const codec each : framed_codecs()) {
        CAPTURE(weir::to_string(each));
        for (const char* const tail : {"g", "garbage that is longer than any header"}) {
            const test::byte_vector stream = joined({encoded(each, bytes_of("content")), bytes_of(tail)});
            CHECK(every_failure_of(each, stream) == errc::trailing_data);
        }
    }
}

TEST_CASE("decoder: what was decoded in front of a fault is given, and then the fault is told")
{
    const test::byte_vector content = test::words(3'000'000, 7);
    const auto given = [](codec which, const test::byte_vector& stream, std::size_t room) {
        test::byte_vector out;
        weir::decoder coder(which);
        coder.push(stream);
        coder.finish();
        const auto pull = [&] {
            const std::size_t size = out.size();
            out.resize(size + room);
            std::size_t count = 0;
            try {
                count = coder.pull(std::span(out).subspan(size));
            }
            catch (const weir::error&) {
                out.resize(size);
                throw;
            }
            out.resize(size + count);
            return count;
        };
        CHECK_THROWS_AS(while (pull() != 0) {}, const weir::error&);
        return out;
    };
    for (const codec each : framed_codecs()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector whole = encoded(each, content);
        test::byte_vector wrong_sum = whole;
        wrong_sum.back() ^= std::byte{1};
        test::byte_vector broken = whole;
        for (std::size_t i = 0; i != 64; ++i)
            broken[whole.size() / 2 + i] ^= std::byte{0x55};
        for (const std::size_t room : {1'000u, 100'000u, 1'000'000u, 8'000'000u}) {
            CAPTURE(room);
            CHECK(given(each, joined({whole, bytes_of("garbage behind it")}), room) == content);
            if (each == codec::gzip || each == codec::zlib || each == codec::zstd || each == codec::lz4)
                CHECK(given(each, wrong_sum, room) == content);
            if (each == codec::lz4 || each == codec::deflate || each == codec::lzma) // may decode on, to something else
                continue;
            const test::byte_vector some = given(each, broken, room);
            const auto differs = std::mismatch(some.begin(), some.end(), content.begin(), content.end());
            // Blocks of zstd are of 128 KiB, all others give nearly all.
            CHECK(differs.first - some.begin() >= static_cast<std::ptrdiff_t>(content.size() / 2 - 300'000));
        }
    }
}

TEST_CASE("decoder: a stream whose fault is not told yet is not whole, and wants no more")
{
    for (const codec each : framed_codecs()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = encoded(each, test::byte_vector(100'000));
        for (const decoder_settings& limits :
             {decoder_settings{.max_output_bytes = 99'999}, decoder_settings{.max_ratio = 10, .ratio_free_bytes = 70'000}}) {
            weir::decoder coder(each, limits);
            test::byte_vector room(1'000'000);
            coder.push(stream);
            const auto pull = [&] { return coder.pull(room); };
            std::size_t given = 0;
            CHECK(test::code_of([&] {
                while (const std::size_t count = pull()) {
                    given += count;
                    CHECK(!coder.ended());
                }
                coder.finish();
                return pull();
            }) == errc::limit_exceeded);
            CHECK(given < 100'000);
        }
    }
}

TEST_CASE("decoder: of frames of lz4 and zstd all blocks in front of a wrong one are given")
{
    for (const codec each : {codec::lz4, codec::zstd}) {
        if (!weir::is_built_in(each))
            continue;
        CAPTURE(weir::to_string(each));
        const test::byte_vector content = test::words(3'000'000, 8);
        const test::byte_vector whole = encoded(each, content);
        std::size_t most = 0;
        for (const std::size_t room : {1'000u, 100'000u, 8'000'000u}) {
            test::byte_vector out(content.size() + room);
            std::size_t size = 0;
            weir::decoder coder(each);
            coder.push(std::span(whole).first(whole.size() / 2)); // what a cut leaves is known to be all that there is
            coder.finish();
            CHECK_THROWS_AS(while (const std::size_t count = coder.pull(std::span(out).subspan(size, room))) size += count,
                            const weir::error&);
            CHECK(std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size), content.begin()));
            if (most == 0)
                most = size;
            CHECK(size == most);
        }
    }
}

TEST_CASE("decoder: another kind of data is no stream of the codec")
{
    const test::byte_vector text = bytes_of("This is plain text, and no format begins like it.");
    for (const codec each : framed_codecs()) {
        if (each == codec::deflate)
            continue; // it has no header to tell by
        CAPTURE(weir::to_string(each));
        CHECK(every_failure_of(each, text) == errc::bad_format);
    }
}

TEST_CASE("decoder: streams that follow one another are one")
{
    for (const codec each : framed_codecs()) {
        if (!may_follow_one_another(each))
            continue;
        CAPTURE(weir::to_string(each));
        const test::byte_vector one = encoded(each, bytes_of("one "));
        const test::byte_vector none = encoded(each, {});
        const test::byte_vector two = encoded(each, bytes_of("two"));
        const test::byte_vector all = joined({none, one, none, two, none});
        CHECK(decoded(each, all) == bytes_of("one two"));
        CHECK(decoded(each, all, {}, test::byte_by_byte()) == bytes_of("one two"));
    }
}

TEST_CASE("decoder: without concatenation it ends after the first stream and leaves the rest")
{
    for (const codec each : framed_codecs()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = joined({encoded(each, bytes_of("content")), bytes_of("rest")});
        weir::decoder one(each, {.concatenated = false});
        one.push(stream);
        std::byte out[64];
        CHECK(one.pull(out) == 7);
        if (!one.ended())
            CHECK(one.pull(out) == 0);
        CHECK(one.ended());
        CHECK(one.unused().size() == 4);
        CHECK(one.consumed() == stream.size() - 4);
    }
}

TEST_CASE("decoder: skippable frames are skipped, before, between and after others")
{
    for (const codec each : {codec::zstd, codec::lz4}) {
        if (!weir::is_built_in(each))
            continue;
        const test::byte_vector one = encoded(each, bytes_of("one"));
        const test::byte_vector all = joined({skippable("first"), one, skippable(""), one, skippable("last")});
        CHECK(decoded(each, all) == bytes_of("oneone"));
        CHECK(decoded(each, all, {}, test::byte_by_byte()) == bytes_of("oneone"));
        CHECK(decoded(each, skippable("nothing else")).empty());
        test::byte_vector cut = all;
        cut.pop_back();
        CHECK(every_failure_of(each, cut) == errc::truncated);
    }
}

TEST_CASE("decoder: zeros may follow gzip members, and nothing may follow them")
{
    if (!weir::is_built_in(codec::gzip))
        return;
    const test::byte_vector member = encoded(codec::gzip, bytes_of("content"));
    const test::byte_vector zeros(700);
    CHECK(decoded(codec::gzip, joined({member, zeros})) == bytes_of("content"));
    CHECK(decoded(codec::gzip, joined({member, zeros}), {}, test::byte_by_byte()) == bytes_of("content"));
    CHECK(every_failure_of(codec::gzip, joined({member, zeros, member})) == errc::trailing_data);
}

TEST_CASE("decoder: padding of xz is a multiple of four zeros")
{
    if (!weir::is_built_in(codec::xz))
        return;
    const test::byte_vector stream = encoded(codec::xz, bytes_of("content"));
    const auto padded = [&](std::size_t zeros) { return joined({stream, test::byte_vector(zeros)}); };
    CHECK(decoded(codec::xz, padded(8)) == bytes_of("content"));
    CHECK(decoded(codec::xz, joined({padded(4), stream})) == bytes_of("contentcontent"));
    CHECK(every_failure_of(codec::xz, padded(5)) == errc::corrupt_data);
    CHECK(every_failure_of(codec::xz, joined({padded(2), stream})) == errc::corrupt_data);
}

TEST_CASE("decoder: a wrong checksum has its own error, and is not looked at on request")
{
    const test::byte_vector content = test::words(5000, 2);
    const auto place = [](codec which, std::size_t size) { // of a byte of the content's checksum
        return which == codec::gzip ? size - 8 : which == codec::xz ? size - 28 - 1 : size - 1;
    };
    for (const codec each : {codec::zstd, codec::lz4, codec::gzip, codec::zlib, codec::xz}) {
        if (!weir::is_built_in(each))
            continue;
        CAPTURE(weir::to_string(each));
        test::byte_vector stream = encoded(each, content);
        stream[place(each, stream.size())] ^= std::byte{1};
        CHECK(every_failure_of(each, stream) == errc::checksum_mismatch);
        CHECK(decoded(each, stream, {.verify_checksum = false}) == content);
    }
}

TEST_CASE("decoder: the checksum of lz4's header is looked at in any case")
{
    if (!weir::is_built_in(codec::lz4))
        return;
    test::byte_vector stream = encoded(codec::lz4, bytes_of("content"));
    constexpr std::size_t place = 6; // behind magic, FLG and BD
    stream[place] ^= std::byte{1};
    CHECK(every_failure_of(codec::lz4, stream, {.verify_checksum = false}) == errc::checksum_mismatch);
}

TEST_CASE("decoder: a changed byte is an error, or changes nothing")
{
    const test::byte_vector content = test::words(2000, 3);
    for (const codec each : {codec::zstd, codec::lz4, codec::gzip, codec::zlib, codec::xz}) {
        if (!weir::is_built_in(each))
            continue;
        const test::byte_vector stream = encoded(each, content);
        for (std::size_t i = 0; i < stream.size(); ++i) {
            constexpr std::size_t near = 20; // an end, where headers and checksums are
            if (test::is_sanitized && i > near && i + near < stream.size() && i % 3 != 0)
                continue;
            test::byte_vector changed = stream;
            changed[i] ^= std::byte{0x10};
            CAPTURE(weir::to_string(each));
            CAPTURE(i);
            const std::error_code code = every_failure_of(each, changed);
            if (!code)
                CHECK(decoded(each, changed) == content); // a field of the header that says nothing of the content
            else
                CHECK(code == weir::condition::permanent);
        }
    }
}

TEST_CASE("decoder: the output limit is exact")
{
    const test::byte_vector content = test::words(10'000, 4);
    for (const codec each : test::built_in_codecs()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = encoded(each, content);
        CHECK(decoded(each, stream, {.max_output_bytes = content.size()}) == content);
        CHECK(every_failure_of(each, stream, {.max_output_bytes = content.size() - 1}) == errc::limit_exceeded);
        CHECK(every_failure_of(each, stream, {.max_output_bytes = 0}) == errc::limit_exceeded);
        CHECK(decoded(each, encoded(each, {}), {.max_output_bytes = 0}).empty());
    }
}

TEST_CASE("decoder: the ratio counts only past the bytes that are free of it")
{
    const test::byte_vector zeros(std::size_t{1} << 20);
    for (const codec each : framed_codecs()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = encoded(each, zeros);
        const weir::decoder_settings tight{.max_ratio = 20, .ratio_free_bytes = 200'000};
        CHECK(every_failure_of(each, stream, tight) == errc::limit_exceeded);
        CHECK(decoded(each, stream, {.max_ratio = 20, .ratio_free_bytes = zeros.size()}) == zeros);
        CHECK(decoded(each, stream, {.max_ratio = 0, .ratio_free_bytes = 0}) == zeros);
    }
}

TEST_CASE("decoder: a window above the limit is refused, in one piece as byte by byte")
{
    if (weir::is_built_in(codec::zstd)) {
        const test::byte_vector content = test::words(300'000, 5);
        const test::byte_vector stream = encoded(codec::zstd, content, {.window_bytes = 1 << 18}, test::byte_by_byte());
        CHECK(decoded(codec::zstd, stream, {.max_memory_bytes = 1 << 18}) == content);
        CHECK(every_failure_of(codec::zstd, stream, {.max_memory_bytes = (1 << 18) - 1}) == errc::limit_exceeded);
        // A frame whose content is said to be 2^60 bytes.
        const test::byte_vector huge = bytes_of(std::string_view("\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\0\0\x10\1\0\0", 16));
        CHECK(every_failure_of(codec::zstd, huge) == errc::limit_exceeded);
    }
    if (weir::is_built_in(codec::xz))
        for (const codec each : {codec::xz, codec::lzma}) {
            const test::byte_vector stream = encoded(each, bytes_of("content"), {.level = 6}); // a window of 8 MiB
            CHECK(every_failure_of(each, stream, {.max_memory_bytes = 8 << 20}) == errc::limit_exceeded);
            CHECK(decoded(each, stream, {.max_memory_bytes = 9 << 20}) == bytes_of("content"));
        }
    if (weir::is_built_in(codec::lz4))
        CHECK(every_failure_of(codec::lz4, encoded(codec::lz4, {}), {.max_memory_bytes = 1 << 12})
              == errc::limit_exceeded);
}

TEST_CASE("decoder: old and foreign variants are refused by name")
{
    const auto message_of = [](codec which, const test::byte_vector& stream) {
        try {
            static_cast<void>(decoded(which, stream));
            return std::string("accepted");
        }
        catch (const weir::error& failure) {
            CHECK(failure.code() == errc::unsupported_format);
            return std::string(failure.what());
        }
    };
    if (weir::is_built_in(codec::lz4))
        CHECK(message_of(codec::lz4, bytes_of("\x02\x21\x4c\x18 and so on"))
              == "decode lz4 at 4: the format is not supported (the legacy format of lz4)");
    if (weir::is_built_in(codec::zstd))
        CHECK(message_of(codec::zstd, bytes_of("\x26\xb5\x2f\xfd and so on"))
              == "decode zstd at 0: the format is not supported (a frame of zstd before 0.8)");
}

TEST_CASE("decoder: a frame of zstd with more or less than it declares is corrupt, however it is cut")
{
    if (!weir::is_built_in(codec::zstd))
        return;
    using namespace std::string_view_literals;
    test::byte_vector streams[] = {
        bytes_of("\x28\xb5\x2f\xfd\x40\x00\x2c\x00\x10\0\0ab\x01\0\0"sv), // 300 bytes declared, 2 there
        bytes_of("\x28\xb5\x2f\xfd\x20\x05\x01\0\0"sv),                    // 5, and none
        bytes_of("\x28\xb5\x2f\xfd\x20\x01\x11\0\0ab"sv),                  // 1, and 2
        joined({encoded(codec::zstd, bytes_of("whole")), bytes_of("\x28\xb5\x2f\xfd\x20\x05\x01\0\0"sv)}),
    };
    std::mt19937_64 random(3);
    for (const test::byte_vector& each : streams) {
        CHECK(every_failure_of(codec::zstd, each) == errc::corrupt_data);
        for (int i = 0; i < 50; ++i)
            CHECK(failure_of(codec::zstd, each, {}, test::at_random(random, 8)) == errc::corrupt_data);
    }
    CHECK(decoded(codec::zstd, bytes_of("\x28\xb5\x2f\xfd\x20\x02\x11\0\0ab"sv)) == bytes_of("ab"));
    CHECK(decoded(codec::zstd, bytes_of("\x28\xb5\x2f\xfd\x20\x00\x01\0\0"sv)).empty());
}

TEST_CASE("decoder: the outcome of a changed byte does not depend on the cuts of the input")
{
    std::mt19937_64 random(4);
    const test::byte_vector content = test::words(400, 2);
    for (const codec each : framed_codecs()) {
        const test::byte_vector stream = encoded(each, content);
        CAPTURE(weir::to_string(each));
        for (std::size_t i = 0; i < std::min<std::size_t>(stream.size(), 40); ++i) {
            CAPTURE(i);
            test::byte_vector corrupt = stream;
            corrupt[i] ^= std::byte{0x10};
            const std::error_code whole = failure_of(each, corrupt);
            for (int tries = 0; tries < 4; ++tries) // by what is wrong libraries disagree with themselves, not whether
                CHECK(!failure_of(each, corrupt, {}, test::at_random(random, 64)) == !whole);
        }
    }
}

TEST_CASE("decoder: dictionaries that were not given are named as the cause")
{
    if (weir::is_built_in(codec::lz4)) // FLG with the flag of a dictionary id
        CHECK(every_failure_of(codec::lz4, bytes_of(std::string_view("\x04\x22\x4d\x18\x61\x40\1\0\0\0\0", 11)))
              == errc::unknown_dictionary);
    if (weir::is_built_in(codec::zlib)) // FDICT
        CHECK(every_failure_of(codec::zlib, bytes_of(std::string_view("\x78\xbb\0\0\0\1\3\0", 8)))
              == errc::unknown_dictionary);
    if (weir::is_built_in(codec::zstd)) // a frame that names dictionary 5
        CHECK(every_failure_of(codec::zstd, bytes_of(std::string_view("\x28\xb5\x2f\xfd\x21\5\0\1\0\0", 10)))
              == errc::unknown_dictionary);
}

TEST_CASE("decoder: an error says how much of the input was taken")
{
    for (const codec each : framed_codecs()) {
        const test::byte_vector stream = joined({encoded(each, bytes_of("content")), bytes_of("garbage")});
        try {
            static_cast<void>(decoded(each, stream));
            FAIL("accepted");
        }
        catch (const weir::error& failure) {
            CHECK(failure.operation() == "decode");
            CHECK(failure.subject() == weir::to_string(each));
            REQUIRE(failure.offset());
            CHECK(*failure.offset() <= stream.size());
        }
    }
}

TEST_CASE("decoder: after an error it can begin another stream")
{
    for (const codec each : framed_codecs()) {
        const test::byte_vector stream = encoded(each, bytes_of("content"));
        weir::decoder coder(each);
        CHECK_THROWS_AS(test::run(coder, std::span(stream).first(stream.size() - 1)), const weir::error&);
        coder.restart();
        CHECK(test::run(coder, stream) == bytes_of("content"));
        CHECK(coder.ended());
    }
}

TEST_CASE("decoder: after an error every pull gives the same one, and no byte, until it begins again")
{
    const test::byte_vector content(std::size_t{1} << 20);
    for (const codec each : framed_codecs()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = encoded(each, content);
        const decoder_settings size{.max_output_bytes = 1000};
        const decoder_settings ratio{.max_ratio = 20, .ratio_free_bytes = 200'000};
        for (const decoder_settings& each_limit : {size, ratio}) {
            weir::decoder coder(each, each_limit);
            std::string first;
            for (int i = 0; i < 3; ++i) {
                try {
                    test::run(coder, i == 0 ? test::byte_span(stream) : test::byte_span());
                    FAIL("accepted");
                }
                catch (const weir::error& failure) {
                    first = i == 0 ? failure.what() : first;
                    CHECK(failure.code() == errc::limit_exceeded);
                    CHECK(failure.what() == first);
                }
            }
            const std::uint64_t produced = coder.produced();
            std::byte room[16];
            CHECK_THROWS_AS((void)coder.pull(room), const weir::error&);
            CHECK(coder.produced() == produced);
            coder.restart();
            CHECK(test::run(coder, encoded(each, bytes_of("next"))) == bytes_of("next"));
        }
    }
}

TEST_CASE("decoder: filters of xz that do not fit each other are not supported")
{
    if (!weir::is_built_in(codec::xz))
        return;
    // The header of a stream, then of a block whose last filter is "delta".
    const test::byte_vector stream = bytes_of(std::string_view("\xfd\x37\x7a\x58\x5a\0\0\x01\x69\x22\xde\x36"
                                                               "\x02\0\x03\x01\0\0\0\0\x0a\x83\xf3\x9c",
                                                               24));
    CHECK(every_failure_of(codec::xz, stream) == errc::unsupported_format);
}
} // namespace decoder_test
