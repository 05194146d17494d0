// Streams that several threads decode, piece by piece: the outcome is always that of one thread.

#include <weir/parallel_decoding.hpp>

#include "coding.hpp"

#include "support/sanitized.hpp"
#include "support/seed.hpp"

#include <weir/codec_pool.hpp>
#include <weir/counting_resource.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <thread>

namespace parallel_decoding_test {
using weir::codec;
using weir::errc;

namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;
constexpr std::size_t one_thread_at_a_time = 256 * kib; // what is let go in one step where there are no pieces
constexpr std::size_t thread_counts[] = {2, 5};
constexpr std::size_t several = 3;

/// What became of a stream.
struct outcome {
    test::byte_vector content;
    std::optional<std::string> failure;
    std::size_t largest_release = 0;
};

outcome decode(codec which, test::byte_span stream, std::size_t threads, const weir::decoder_settings& settings = {},
               std::size_t max_piece_bytes = 64 * mib)
{
    outcome out;
    std::size_t released = 0;
    try {
        const weir::parallel_totals totals = weir::decode_parallel(
            which, settings, {.threads = threads, .max_piece_bytes = max_piece_bytes}, stream,
            [&](test::byte_span bytes) { out.content.insert(out.content.end(), bytes.begin(), bytes.end()); },
            [&](test::byte_span part) {
                CHECK((part.data() == stream.data() + released || part.data() == stream.data())); // or all again
                released = static_cast<std::size_t>(part.data() - stream.data()) + part.size();
                out.largest_release = std::max(out.largest_release, part.size());
            });
        CHECK(totals.produced == out.content.size());
        CHECK(totals.consumed == stream.size());
        CHECK(released == stream.size());
    }
    catch (const weir::error& why) {
        out.failure = why.what();
    }
    return out;
}

/// The outcome for several threads, which is that for one.
outcome decode_by_all(codec which, test::byte_span stream, const weir::decoder_settings& settings = {},
                      std::size_t max_piece_bytes = 64 * mib)
{
    const outcome one = decode(which, stream, 1, settings, max_piece_bytes);
    outcome all = decode(which, stream, several, settings, max_piece_bytes);
    CHECK(all.failure.value_or("") == one.failure.value_or(""));
    // What comes right before a failure, a decoder may not give.
    const std::size_t known = one.failure ? std::min(one.content.size(), all.content.size()) : one.content.size();
    REQUIRE(known <= all.content.size());
    CHECK(std::equal(one.content.begin(), one.content.begin() + static_cast<std::ptrdiff_t>(known), all.content.begin()));
    if (!one.failure)
        CHECK(all.content.size() == known);
    return all;
}

void append(test::byte_vector& to, test::byte_span bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

void append_number(test::byte_vector& to, std::uint64_t value, std::size_t bytes)
{
    for (std::size_t i = 0; i < bytes; ++i)
        to.push_back(static_cast<std::byte>(value >> 8 * i));
}

/// As `bgzip` makes them: members of at most 0xff00 bytes, and an empty one at the end.
test::byte_vector bgzf_of(test::byte_span content)
{
    constexpr std::size_t most = 0xff00, header = 10, extra = 8;
    test::byte_vector out;
    for (bool more = true; more;) {
        more = !content.empty();
        const test::byte_span piece = content.first(std::min(content.size(), most));
        content = content.subspan(piece.size());
        const test::byte_vector gzip = test::encoded(codec::gzip, piece);
        append_number(out, 0x04088b1f, 4);
        append_number(out, 0xff00'0000'0000, 6);
        append_number(out, 6, 2);
        append_number(out, 'B' | 'C' << 8, 2);
        append_number(out, 2, 2);
        append_number(out, gzip.size() + extra - 1, 2);
        append(out, test::byte_span(gzip).subspan(header));
    }
    return out;
}

test::byte_vector in_pieces(codec which, test::byte_span content, const weir::encoder_settings& settings = {})
{
    if (which == codec::gzip)
        return bgzf_of(content);
    test::byte_vector out;
    weir::encode_parallel(which, settings, {.threads = 1, .piece_bytes = which == codec::lz4 ? 256 * kib : mib}, content,
                          [&](test::byte_span bytes) { append(out, bytes); });
    return out;
}

std::vector<codec> with_pieces()
{
    std::vector<codec> out;
    for (const codec each : {codec::zstd, codec::lz4, codec::gzip, codec::xz})
        if (weir::is_built_in(each))
            out.push_back(each);
    return out;
}

weir::encoder_settings fastest() { return {.level = weir::codec_level::fastest}; }

/// Some pieces and a bit, half of which compresses.
test::byte_vector content_of_pieces(std::mt19937_64& random, std::size_t pieces = test::is_sanitized ? 2 : 3)
{
    const std::size_t size = pieces * mib + random() % mib;
    test::byte_vector out = test::words(size, random());
    for (std::size_t i = 0; i < size; ++i)
        if (i / 5000 % 2 == 0)
            out[i] = static_cast<std::byte>(random());
    return out;
}

test::byte_vector skippable_frame(std::size_t size)
{
    test::byte_vector out;
    append_number(out, 0x184d2a53, 4);
    append_number(out, size, 4);
    out.resize(out.size() + size);
    return out;
}

} // namespace

TEST_CASE("parallel decoding: streams of pieces are taken apart, and give their content")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = content_of_pieces(random);
    for (const codec each : with_pieces()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = in_pieces(each, content, fastest());
        const outcome got = decode_by_all(each, stream);
        CHECK(got.content == content);
        CHECK(!got.failure);
        CHECK(got.largest_release > one_thread_at_a_time);
        for (const std::size_t threads : thread_counts)
            CHECK(decode(each, stream, threads).content == content);
    }
}

TEST_CASE("parallel decoding: streams that have no pieces, and codecs that know none, are decoded as one")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = content_of_pieces(random);
    for (const codec each : test::built_in_codecs()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = test::encoded(each, content, fastest());
        const outcome got = decode_by_all(each, stream);
        CHECK(got.content == content);
        if (each != codec::lz4) // whose blocks are independent in any case
            CHECK(got.largest_release <= one_thread_at_a_time);
    }
}

TEST_CASE("parallel decoding: empty streams, empty pieces and small ones")
{
    for (const codec each : test::built_in_codecs()) {
        CAPTURE(weir::to_string(each));
        CHECK(decode_by_all(each, {}).content.empty());
        for (const std::size_t size : {0u, 1u, 70'000u}) {
            const test::byte_vector content = test::words(size, 5);
            test::byte_vector stream = test::encoded(each, content);
            CHECK(decode_by_all(each, stream).content == content);
            append(stream, test::byte_vector(stream));
            decode_by_all(each, stream); // a stream, or refused for what follows
        }
    }
}

TEST_CASE("parallel decoding: streams behind streams, padding, skippable frames, frames of unknown size")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = content_of_pieces(random);
    test::byte_vector twice = content;
    append(twice, content);
    for (const codec each : with_pieces()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector pieces = in_pieces(each, content, fastest());
        test::byte_vector stream = pieces;
        if (each == codec::xz)
            append_number(stream, 0, 8);
        if (each == codec::zstd || each == codec::lz4)
            append(stream, skippable_frame(1000));
        append(stream, pieces);
        if (each == codec::xz)
            append_number(stream, 0, 4);
        if (each == codec::zstd || each == codec::lz4)
            append(stream, skippable_frame(0));
        const outcome got = decode_by_all(each, stream);
        CHECK(got.content == twice);
        CHECK(got.largest_release > one_thread_at_a_time);

        if (each == codec::zstd || each == codec::lz4) {
            stream = skippable_frame(8 * mib); // far more than any content
            append(stream, pieces);
            CHECK(decode_by_all(each, stream).content == content);
        }
        stream = pieces;
        append(stream, test::encoded(each, content, fastest(), test::at_random(random, 100'000))); // no size in front
        CHECK(decode_by_all(each, stream).content == twice);
    }
}

TEST_CASE("parallel decoding: damage is told as one thread tells it")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = content_of_pieces(random, 1);
    for (const codec each : with_pieces()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = in_pieces(each, content, fastest());
        for (int i = 0; i < (test::is_sanitized ? 4 : 8); ++i) {
            test::byte_vector damaged = stream;
            const bool near_an_end = i % 3 != 0;
            std::size_t at = random() % damaged.size();
            if (near_an_end)
                at = i % 2 == 0 ? at % 40 : damaged.size() - 1 - at % 40;
            CAPTURE(at);
            damaged[at] ^= static_cast<std::byte>(1u << random() % 8);
            decode_by_all(each, damaged);
            damaged = stream;
            damaged.resize(at);
            decode_by_all(each, damaged);
        }
        test::byte_vector followed = stream;
        append_number(followed, 0x1234567, 5);
        CHECK(decode_by_all(each, followed).failure);
    }
}

TEST_CASE("parallel decoding: limits hold as for one thread")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = content_of_pieces(random);
    test::byte_vector zeros(4 * mib);
    for (const codec each : with_pieces()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = in_pieces(each, content, fastest());
        for (const std::size_t most : {std::size_t{0}, std::size_t{1}, mib + 5, content.size() - 1})
            CHECK(decode_by_all(each, stream, {.max_output_bytes = most}).failure);
        CHECK(!decode_by_all(each, stream, {.max_output_bytes = content.size()}).failure);
        CHECK(decode_by_all(each, stream, {.max_memory_bytes = 4 * kib}).failure.has_value() == (each != codec::gzip));
        const test::byte_vector bomb = in_pieces(each, zeros, fastest());
        CHECK(decode_by_all(each, bomb, {.max_ratio = 20, .ratio_free_bytes = mib}).failure);
        CHECK(!decode_by_all(each, bomb, {.max_ratio = 0}).failure);
        CHECK(decode_by_all(each, stream, {}, 64 * kib).content == content); // no piece is so small
    }
}

TEST_CASE("parallel decoding: what is not to be followed or checked is not")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = content_of_pieces(random);
    for (const codec each : with_pieces()) {
        CAPTURE(weir::to_string(each));
        test::byte_vector stream = in_pieces(each, content, fastest());
        weir::decoder_settings unchecked;
        unchecked.verify_checksum = false;
        CHECK(decode_by_all(each, stream, unchecked).content == content);
        weir::decoder_settings one_only;
        one_only.concatenated = false;
        test::byte_vector out;
        append(stream, stream);
        const weir::parallel_totals totals = weir::decode_parallel(each, one_only, {.threads = 3}, stream,
                                                                   [&](test::byte_span bytes) { append(out, bytes); });
        CHECK(totals.consumed < stream.size());
        CHECK(std::equal(out.begin(), out.end(), content.begin()));
    }
}

TEST_CASE("parallel decoding: what writing throws ends it, and nothing is written twice")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = content_of_pieces(random);
    for (const codec each : with_pieces()) {
        CAPTURE(weir::to_string(each));
        const test::byte_vector stream = in_pieces(each, content, fastest());
        for (const std::size_t threads : thread_counts) {
            for (std::size_t step = 0; step < 3; ++step) {
                std::size_t writes = 0;
                const auto full = [&](test::byte_span) {
                    if (writes++ == step)
                        throw std::runtime_error("write");
                };
                CHECK_THROWS_WITH(weir::decode_parallel(each, {}, {.threads = threads}, stream, full), "write");
                CHECK(writes == step + 1);
            }
        }
    }
}

TEST_CASE("parallel decoding: what writing throws is what is told, also when another piece was wrong before")
{
    if (!weir::is_built_in(codec::xz))
        return;
    std::mt19937_64 random(test::seed());
    test::byte_vector content = content_of_pieces(random, 2);
    content.resize(2 * mib);
    test::byte_vector stream = in_pieces(codec::xz, content, fastest());
    stream[stream.size() - stream.size() / 50] ^= std::byte{1}; // late in the second piece, when the first is decoded
    for (int i = 0; i < 5; ++i) {
        weir::counting_resource memory;
        weir::codec_pool contexts({.max_idle = 0, .memory = &memory});
        std::size_t writes = 0;
        const auto full = [&](test::byte_span) {
            ++writes;
            // Both threads have had a decoder, and that of the second piece has failed and was given back.
            while (memory.current_bytes() * 10 > memory.peak_bytes() * 6)
                std::this_thread::yield();
            throw std::runtime_error("write");
        };
        CHECK_THROWS_WITH(weir::decode_parallel(codec::xz, {}, {.threads = 2, .contexts = &contexts}, stream, full),
                          "write");
        CHECK(writes == 1);
    }
}

TEST_CASE("parallel decoding: pieces that are very small are left to one thread")
{
    if (!weir::is_built_in(codec::lz4))
        return;
    test::byte_vector stream;
    test::byte_vector content;
    for (int i = 0; i < 1000; ++i) {
        const test::byte_vector line = test::words(100, static_cast<std::uint64_t>(i));
        append(content, line);
        append(stream, test::encoded(codec::lz4, line));
    }
    CHECK(decode_by_all(codec::lz4, stream).content == content);
}

TEST_CASE("parallel decoding: the libraries' memory comes back, also after a failure")
{
    std::mt19937_64 random(test::seed());
    const test::byte_vector content = content_of_pieces(random);
    for (const codec each : with_pieces()) {
        CAPTURE(weir::to_string(each));
        weir::counting_resource memory;
        {
            weir::codec_pool contexts({.max_idle = 0, .memory = &memory});
            test::byte_vector stream = in_pieces(each, content, fastest());
            const auto nowhere = [](test::byte_span) {};
            weir::decode_parallel(each, {}, {.threads = 3, .contexts = &contexts}, stream, nowhere);
            stream.resize(stream.size() - 100'000);
            CHECK_THROWS_AS(weir::decode_parallel(each, {}, {.threads = 3, .contexts = &contexts}, stream, nowhere),
                            weir::error);
        }
        CHECK(memory.current_bytes() == 0);
    }
}

TEST_CASE("parallel decoding: what cannot be is refused by name, and errors name their subject")
{
    const auto nowhere = [](test::byte_span) {};
    for (const codec each : with_pieces()) {
        CAPTURE(weir::to_string(each));
        const auto refuse = [&](const weir::parallel_decoding_options& options) {
            return test::code_of([&] { return weir::decode_parallel(each, {}, options, {}, nowhere); });
        };
        CHECK(refuse({.threads = 1025}) == errc::bad_configuration);
        CHECK(refuse({.max_piece_bytes = 1000}) == errc::bad_configuration);
        try {
            weir::decode_parallel(each, {}, {.threads = 2, .subject = "a.file"}, {}, nowhere);
            FAIL("nothing is no stream");
        }
        catch (const weir::error& why) {
            CHECK(why.subject() == "a.file");
        }
    }
}
} // namespace parallel_decoding_test
