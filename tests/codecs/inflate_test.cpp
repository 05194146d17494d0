// gzip, zlib and raw deflate beside zlib's own inflate: the same is accepted, and gives the same bytes, wherever a
// stream was changed or cut off. ISA-L, where it decodes, takes incomplete sets of codes whose gaps are not used; zlib
// refuses them at once.

#include <weir/decoder.hpp>

#include "coding.hpp"
#include "support/sanitized.hpp"
#include "support/seed.hpp"
#include "weir_config.h"

#include <doctest/doctest.h>

#if WEIR_HAVE_ZLIB

#    include <zlib.h>

using test::bytes_of;
using test::joined;
using weir::codec;
using weir::errc;

namespace {

constexpr codec all_deflate[] = {codec::gzip, codec::zlib, codec::deflate};

/// How one stream ends, and what of it was decoded and taken.
struct outcome {
    std::error_code code;
    std::string why;
    test::byte_vector content;
    std::size_t taken = 0;
};

bool decodes_by_isal() { return weir::implementation_of(codec::deflate).find("ISA-L") != std::string::npos; }

int window_bits_of(codec which, int log) { return which == codec::gzip ? log + 16 : which == codec::zlib ? log : -log; }

std::error_code code_of(std::string_view why)
{
    if (why == "incorrect header check")
        return make_error_code(errc::bad_format);
    if (why == "incorrect data check" || why == "incorrect length check" || why == "header crc mismatch")
        return make_error_code(errc::checksum_mismatch);
    if (why == "unknown compression method" || why == "unknown header flags set")
        return make_error_code(errc::unsupported_format);
    return make_error_code(errc::corrupt_data);
}

outcome by_zlib(codec which, const test::byte_vector& input)
{
    z_stream stream = {};
    REQUIRE(inflateInit2(&stream, window_bits_of(which, 15)) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
    stream.avail_in = static_cast<unsigned>(input.size());
    outcome out;
    int result = Z_OK;
    while (result == Z_OK) {
        const std::size_t before = out.content.size();
        constexpr std::size_t room = 64 << 10;
        out.content.resize(before + room);
        stream.next_out = reinterpret_cast<Bytef*>(out.content.data() + before);
        stream.avail_out = room;
        result = inflate(&stream, Z_NO_FLUSH);
        out.content.resize(before + room - stream.avail_out);
    }
    out.taken = input.size() - stream.avail_in;
    out.why = stream.msg ? stream.msg : "";
    if (result == Z_BUF_ERROR)
        out.code = errc::truncated;
    else if (result == Z_NEED_DICT)
        out.code = errc::unknown_dictionary;
    else if (result != Z_STREAM_END)
        out.code = code_of(out.why);
    inflateEnd(&stream);
    return out;
}

outcome by_weir(weir::decoder& coder, test::byte_span input, const test::cuts& how = {})
{
    outcome out;
    coder.restart();
    try {
        out.content = test::run(coder, input, how);
        out.taken = static_cast<std::size_t>(coder.consumed());
        CHECK(coder.ended());
    }
    catch (const weir::error& failure) {
        out.code = failure.code();
        out.taken = static_cast<std::size_t>(failure.offset().value());
    }
    return out;
}

struct deflate_settings {
    int level = 6;
    int strategy = Z_DEFAULT_STRATEGY;
    int window_log = 15;
    int flush_every = 0; ///< bytes of input after which a block ends; 0: never
    bool long_header = false;
    bool open_end = false; ///< another block may follow
};

/// A stream of zlib's.
test::byte_vector deflated(codec which, test::byte_span content, const deflate_settings& how = {})
{
    z_stream stream = {};
    REQUIRE(deflateInit2(&stream, how.level, Z_DEFLATED, window_bits_of(which, how.window_log), 8, how.strategy)
            == Z_OK);
    gz_header header = {};
    Bytef text[] = "some text, with its end";
    if (which == codec::gzip && how.long_header) {
        header.extra = text;
        header.extra_len = 11;
        header.name = header.comment = text;
        header.hcrc = 1;
        deflateSetHeader(&stream, &header);
    }
    test::byte_vector out((content.size() + 100) * 20);
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<unsigned>(out.size());
    const std::size_t piece = how.flush_every == 0 ? content.size() : static_cast<std::size_t>(how.flush_every);
    do {
        const test::byte_span next = content.first(std::min(piece, content.size()));
        content = content.subspan(next.size());
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(next.data()));
        stream.avail_in = static_cast<unsigned>(next.size());
        const int wanted = content.empty() && !how.open_end ? Z_FINISH : Z_FULL_FLUSH;
        REQUIRE(deflate(&stream, wanted) == (wanted == Z_FINISH ? Z_STREAM_END : Z_OK));
    } while (!content.empty());
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

test::byte_vector noise(std::size_t size, std::mt19937_64& random)
{
    test::byte_vector out(size);
    std::ranges::generate(out, [&] { return static_cast<std::byte>(random()); });
    return out;
}

/// Content that makes blocks of every kind.
test::byte_vector content_of(std::size_t size, std::mt19937_64& random)
{
    switch (random() % 4) {
    case 0: return noise(size, random);
    case 1: return test::byte_vector(size, static_cast<std::byte>(random()));
    case 2: return joined({test::words(size / 2, random()), noise(size / 4, random), test::words(size / 4, random())});
    default: return test::words(size, random());
    }
}

deflate_settings settings_of(std::mt19937_64& random)
{
    constexpr int levels[] = {0, 1, 6, 9};
    constexpr int strategies[] = {Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE};
    return {.level = levels[random() % 4],
            .strategy = strategies[random() % 4],
            .window_log = static_cast<int>(9 + random() % 7),
            .flush_every = random() % 2 == 0 ? 0 : static_cast<int>(1 + random() % 5000),
            .long_header = random() % 2 == 0};
}

test::byte_vector changed(test::byte_vector stream, std::mt19937_64& random)
{
    const auto place = [&] { return static_cast<std::ptrdiff_t>(random() % stream.size()); };
    for (std::uint64_t left = 1 + random() % 3; left > 0 && !stream.empty(); --left) {
        const auto at = stream.begin() + place();
        switch (random() % 5) {
        case 0: *at ^= static_cast<std::byte>(1u << random() % 8); break;
        case 1: *at = static_cast<std::byte>(random()); break;
        case 2: stream.erase(at); break;
        case 3: stream.insert(at, static_cast<std::byte>(random())); break;
        default: stream.resize(static_cast<std::size_t>(place())); break;
        }
    }
    return stream;
}

/// Whether zlib stopped where ISA-L need not: at codes that it may yet find to be whole as far as they are used.
bool may_differ(const outcome& expected) { return decodes_by_isal() && expected.why.ends_with(" set"); }

void check_same(const outcome& expected, const outcome& is)
{
    if (may_differ(expected))
        return;
    // Of a symbol that is cut off ISA-L may know that it is none.
    if (decodes_by_isal() && expected.code == errc::truncated && is.code == errc::corrupt_data)
        return;
    if (expected.code == errc::truncated && is.code == errc::bad_format)
        return; // one byte is enough to tell
    CHECK(is.code == expected.code);
    if (expected.code) {
        // Codes may be judged before all of a block's header is there.
        const std::size_t slack = expected.why.ends_with("end-of-block") ? 300 : 8;
        CHECK(is.taken + slack >= expected.taken);
        CHECK(is.taken <= expected.taken + slack);
        return;
    }
    CHECK(is.content == expected.content);
    CHECK(is.taken == expected.taken);
}

/// The bits of a stream, lowest first; codes of Huffman's from their highest.
class bit_writer {
public:
    bit_writer& bits(unsigned value, int count)
    {
        for (int i = 0; i < count; ++i)
            bit((value >> i & 1) != 0);
        return *this;
    }
    bit_writer& code(unsigned value, int count)
    {
        for (int i = count; i-- > 0;)
            bit((value >> i & 1) != 0);
        return *this;
    }
    [[nodiscard]] const test::byte_vector& bytes() const { return bytes_; }

private:
    void bit(bool set)
    {
        if (used_++ % 8 == 0)
            bytes_.push_back({});
        if (set)
            bytes_.back() |= static_cast<std::byte>(1u << (used_ - 1) % 8);
    }

    test::byte_vector bytes_;
    std::size_t used_ = 0;
};

/// A final block of fixed codes: some letters, then three bytes again from `distance` before, of 1 to 4 or 24577.
test::byte_vector with_match(std::string_view letters, unsigned distance)
{
    bit_writer out;
    out.bits(1, 1).bits(1, 2);
    for (const char each : letters)
        out.code(0x30 + static_cast<unsigned char>(each), 8);
    out.code(1, 7); // a length of 3
    if (distance <= 4)
        out.code(distance - 1, 5);
    else
        out.code(29, 5).bits(distance - 24577, 13);
    return out.code(0, 7).bytes();
}

} // namespace

TEST_CASE("inflate: a stream that was changed is what zlib says that it is, however it is cut")
{
    std::mt19937_64 random = test::generator(11);
    for (const codec each : all_deflate) {
        weir::decoder coder(each, {.concatenated = false});
        CAPTURE(weir::to_string(each));
        for (int i = 0; i < 60; ++i) {
            const test::byte_vector stream = deflated(each, content_of(random() % 3000, random), settings_of(random));
            for (int k = 0; k < 20; ++k) {
                const test::byte_vector input = k == 0 ? stream : changed(stream, random);
                const outcome expected = by_zlib(each, input);
                CAPTURE(expected.why);
                const outcome whole = by_weir(coder, input);
                check_same(expected, whole);
                const outcome in_pieces = by_weir(coder, input, test::at_random(random, 1 + random() % 300));
                CHECK(in_pieces.code == whole.code);
                CHECK(in_pieces.content == whole.content);
            }
        }
    }
}

TEST_CASE("inflate: of streams of several windows, too")
{
    std::mt19937_64 random = test::generator(12);
    for (const codec each : all_deflate) {
        weir::decoder coder(each, {.concatenated = false});
        CAPTURE(weir::to_string(each));
        for (int i = 0; i < 10; ++i) {
            const test::byte_vector stream =
                deflated(each, content_of(random() % 300'000, random), settings_of(random));
            for (int k = 0; k < 3; ++k) {
                const test::byte_vector input = k == 0 ? stream : changed(stream, random);
                const outcome expected = by_zlib(each, input);
                check_same(expected, by_weir(coder, input));
                check_same(expected, by_weir(coder, input, test::at_random(random, 1 + random() % 100'000)));
            }
        }
    }
}

TEST_CASE("inflate: a stream that ends too early is truncated wherever that is, and all of it is taken")
{
    std::mt19937_64 random = test::generator(13);
    for (const codec each : all_deflate) {
        weir::decoder coder(each);
        CAPTURE(weir::to_string(each));
        for (int i = 0; i < (test::is_sanitized ? 2 : 6); ++i) {
            const test::byte_vector stream = deflated(each, content_of(500, random), settings_of(random));
            for (std::size_t size = 0; size < stream.size(); ++size) {
                CAPTURE(size);
                const test::byte_span part = test::byte_span(stream).first(size);
                for (const test::cuts& how : {test::whole(), test::byte_by_byte(), test::at_random(random, 40)}) {
                    const outcome is = by_weir(coder, part, how);
                    CHECK(is.code == errc::truncated);
                    CHECK(is.taken == size);
                }
            }
        }
    }
}

TEST_CASE("inflate: what follows a stream is left to the byte, however input and output are cut")
{
    std::mt19937_64 random = test::generator(14);
    for (const codec each : all_deflate) {
        weir::decoder coder(each, {.concatenated = false});
        CAPTURE(weir::to_string(each));
        for (int i = 0; i < 100; ++i) {
            const test::byte_vector content = content_of(random() % 2000, random);
            const test::byte_vector stream = deflated(each, content, settings_of(random));
            const test::byte_vector input = joined({stream, noise(random() % 20, random)});
            const test::cuts how{[&] { return 1 + random() % 12; }, [&] { return 1 + random() % 40; }};
            for (const outcome& is : {by_weir(coder, input, how), by_weir(coder, input, test::byte_by_byte()),
                                      by_weir(coder, input, {test::whole().push, how.pull})}) {
                CHECK(!is.code);
                CHECK(is.content == content);
                CHECK(is.taken == stream.size());
            }
        }
    }
}

TEST_CASE("inflate: blocks that are wrong are refused as zlib does")
{
    struct broken {
        std::string_view stream;
        std::string_view what;
    };
    constexpr broken wrong[] = {
        {std::string_view("\0\0\0\0\0", 5), "a length and its complement"},
        {std::string_view("\1\1\0\xff\xff\x61", 6), "the same, of other values"},
        {std::string_view("\6", 1), "a type that there is not"},
        {std::string_view("\xfc\0\0\0\0\0\0\0", 8), "too many codes of literals"},
        {std::string_view("\4\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10), "too many codes of distances"},
        {std::string_view("\4\0\x24\x49\0\0\0\0\0", 9), "a repetition of nothing"},
        {std::string_view("\4\0\x24\xe9\xff\xff\xff\xff", 8), "a repetition past the end"},
        {std::string_view("\4\0\x24\xe9\xff\x6d\0\0\0\0\0\0", 12), "no code for the end of the block"},
        {std::string_view("\2\x7e\xff\xff\0\0", 6), "a code of no distance"},
        {std::string_view("\x0c\xc0\x81\0\0\0\0\0\x90\xff\x6b\4\0\0\0\0", 16), "a distance before the start"},
    };
    weir::decoder coder(codec::deflate, {.concatenated = false});
    for (const broken& each : wrong) {
        CAPTURE(each.what);
        REQUIRE(by_zlib(codec::deflate, bytes_of(each.stream)).code == errc::corrupt_data);
        for (const test::cuts& how : {test::whole(), test::byte_by_byte()})
            CHECK(by_weir(coder, bytes_of(each.stream), how).code == errc::corrupt_data);
    }
}

TEST_CASE("inflate: a match that begins before its stream is refused, and shows nothing of the stream before it")
{
    const test::byte_vector secret(200'000, std::byte{'S'});
    const test::byte_vector before = deflated(codec::deflate, secret);
    weir::decoder coder(codec::deflate, {.concatenated = false});
    CHECK(by_weir(coder, with_match("abc", 3)).content == bytes_of("abcabc"));
    struct early_match {
        std::string letters; // before it
        unsigned distance;
    };
    const early_match matches[] = {
        {"", 1}, {"", 4}, {"", 32768}, {"abc", 4}, {std::string(1000, 'x'), 24577}, {std::string(30'000, 'x'), 32768}};
    for (const early_match& each : matches)
        for (const std::size_t most : {std::size_t{1}, std::size_t{100}, std::size_t{100'000}}) {
            CAPTURE(each.letters.size());
            CAPTURE(each.distance);
            REQUIRE(by_weir(coder, before).content == secret);
            coder.restart();
            // Many bytes follow, so that the fast way of decoding is taken.
            const test::byte_vector stream = joined({with_match(each.letters, each.distance), test::byte_vector(64)});
            test::byte_vector room(100'000, std::byte{'-'});
            std::size_t got = 0;
            const auto drain = [&] {
                coder.push(stream);
                coder.finish();
                while (const std::size_t count =
                           coder.pull(std::span(room).subspan(got, std::min(most, room.size() - got))))
                    got += count;
            };
            try {
                drain();
                FAIL("accepted");
            }
            catch (const weir::error& failure) {
                CHECK(failure.code() == errc::corrupt_data);
            }
            CHECK(got <= each.letters.size());
            CHECK(std::ranges::count(room, std::byte{'S'}) == 0);
        }
}

TEST_CASE("inflate: an error comes after what was decoded before it, and after the limits that this passes")
{
    const test::byte_vector content = test::words(100'000, 15);
    for (const int level : {0, 6}) {
        const test::byte_vector blocks = deflated(codec::deflate, content, {.level = level, .open_end = true});
        const test::byte_vector stream = joined({blocks, bytes_of("\7")}); // a block of no known type
        for (const test::cuts& how : {test::whole(), test::byte_by_byte()}) {
            CHECK(test::failure_of(codec::deflate, stream, {.max_output_bytes = 50'000}, how) == errc::limit_exceeded);
            CHECK(test::failure_of(codec::deflate, stream, {}, how) == errc::corrupt_data);
        }
        weir::decoder coder(codec::deflate);
        coder.push(stream);
        std::byte next{};
        for (const std::byte each : std::span(content).first(content.size() - 1)) { // zlib looks ahead of the last one
            REQUIRE(coder.pull({&next, 1}) == 1);
            REQUIRE(next == each);
        }
        const auto drain = [&] {
            while (coder.pull({&next, 1}) != 0)
                ;
        };
        CHECK_THROWS_AS(drain(), const weir::error&);
        CHECK(coder.produced() <= content.size());
    }
}

#endif
