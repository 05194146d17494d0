#include <weir/compress.hpp>

#include "coding.hpp"

#include <weir/counting_resource.hpp>

#include <doctest/doctest.h>

#include <thread>

using weir::codec;
using weir::errc;

using test::code_of;

namespace {

bool is(std::span<const std::byte> got, const test::byte_vector& wanted)
{
    return std::equal(got.begin(), got.end(), wanted.begin(), wanted.end());
}

} // namespace

TEST_CASE("compress: a message goes into a span, a block or a vector, and comes back the same three ways")
{
    weir::buffer_pool blocks;
    weir::counting_resource memory;
    for (const codec each : test::built_in_codecs())
        for (const std::size_t size : {0, 1, 300, 20'000}) {
            CAPTURE(weir::to_string(each));
            CAPTURE(size);
            const test::byte_vector message = test::words(size, size);
            test::byte_vector room(weir::max_compressed_size(each, size));
            const std::size_t written = weir::compress(message, each, room);
            const std::span<const std::byte> encoded = std::span(room).first(written);

            const weir::buffer block = weir::compress(message, each, blocks);
            CHECK(std::ranges::equal(block.span(), encoded));
            const std::pmr::vector<std::byte> list = weir::compress(message, each, {}, &memory);
            CHECK(std::ranges::equal(list, encoded));

            test::byte_vector back(size);
            CHECK(weir::decompress(encoded, each, back) == size);
            CHECK(back == message);
            CHECK(is(weir::decompress(encoded, each, size, blocks).span(), message));
            CHECK(is(weir::decompress(encoded, each, size, {}, &memory), message));
            CHECK(is(weir::decompress(encoded, each, 1 << 20, {}, &memory), message));
        }
    CHECK(memory.total_count() > 0);
    CHECK(memory.leak_report() == "");
}

TEST_CASE("compress: what does not fit is refused; what is decoded, one byte short too")
{
    weir::buffer_pool blocks;
    const test::byte_vector message = test::words(1000, 1);
    for (const codec each : test::built_in_codecs()) {
        CAPTURE(weir::to_string(each));
        const std::pmr::vector<std::byte> encoded = weir::compress(message, each);
        test::byte_vector small(encoded.size() / 2), exact(encoded.size());
        CHECK(weir::compress(message, each, exact) <= encoded.size());
        CHECK(code_of([&] { return weir::compress(message, each, small); }) == errc::limit_exceeded);
        CHECK(code_of([&] { return weir::compress(message, each, std::span<std::byte>()); }) == errc::limit_exceeded);

        test::byte_vector room(message.size() - 1);
        CHECK(code_of([&] { return weir::decompress(encoded, each, room); }) == errc::limit_exceeded);
        CHECK(code_of([&] { return weir::decompress(encoded, each, room.size(), blocks); }) == errc::limit_exceeded);
        CHECK(code_of([&] { return weir::decompress(encoded, each, room.size()); }) == errc::limit_exceeded);
        CHECK(code_of([&] { return weir::decompress(encoded, each, 0); }) == errc::limit_exceeded);
    }
}

TEST_CASE("decompress: what is not whole is refused as by a decoder")
{
    const test::byte_vector message = test::words(1000, 2);
    for (const codec each : test::built_in_codecs()) {
        if (each == codec::identity)
            continue;
        std::pmr::vector<std::byte> encoded = weir::compress(message, each);
        encoded.pop_back();
        CHECK(code_of([&] { return weir::decompress(encoded, each, 5000); }) == errc::truncated);
    }
}

TEST_CASE("decompress: streams with other bounds share one context")
{
    weir::codec_pool pool;
    const test::byte_vector message = test::words(1000, 3);
    for (const codec each : test::built_in_codecs()) {
        const std::uint64_t before = pool.statistics().made;
        const std::pmr::vector<std::byte> encoded = weir::compress(message, each, {}, nullptr, pool);
        for (const std::size_t bound : {1000, 2000, 3000})
            CHECK(is(weir::decompress(encoded, each, bound, {}, nullptr, pool), message));
        CHECK(pool.statistics().made == before + 2);
    }
}

TEST_CASE("decompress: a vector grows with what comes, not with the input")
{
    weir::counting_resource memory;
    const test::byte_vector message = test::words(3'000'000, 4);
    CHECK(is(weir::decompress(message, codec::identity, std::size_t{1} << 30, {}, &memory), message));
    CHECK(memory.peak_bytes() < 3 * message.size());
}
