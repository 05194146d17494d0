#include <weir/http/body_reader.hpp>

#include "support/seed.hpp"

#include <weir/error.hpp>
#include <weir/http/writer.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace weir::http;

constexpr framing in_chunks{body_end::chunked, 0, true};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

framing of_length(std::uint64_t length) { return {body_end::length, length, true}; }

/// What a chunked body holds, fed in pieces.
std::string read_chunked(std::string_view text, std::size_t piece, body_limits limits = {})
{
    body_reader body(in_chunks, limits);
    std::string out;
    while (!text.empty() && !body.done()) {
        std::vector<std::byte> block(
            bytes_of(text).begin(), bytes_of(text).begin() + static_cast<std::ptrdiff_t>(std::min(piece, text.size())));
        const auto [consumed, produced] = body.decode(block, block);
        out.append(reinterpret_cast<const char*>(block.data()), produced);
        text.remove_prefix(consumed);
    }
    body.end_of_stream();
    return out;
}

weir::error failure_of(std::string_view text, body_limits limits = {}, std::size_t piece = 1)
{
    try {
        (void)read_chunked(text, piece, limits);
    }
    catch (const weir::error& failure) {
        return failure;
    }
    FAIL("accepted: " << text);
    return weir::error(std::error_code(), "");
}

bool is_refused(std::string_view text, body_limits limits = {})
{
    const weir::error whole = failure_of(text, limits, text.size()), cut = failure_of(text, limits);
    CHECK(whole.code() == cut.code());
    return cut.code() == weir::errc::protocol_violation;
}

TEST_CASE("body: one of known length is data to its last byte, and no more")
{
    body_reader body(of_length(10));
    CHECK(body.data() == 10);
    body.received(4);
    CHECK(body.data() == 6);
    CHECK_FALSE(body.done());
    body.received(6);
    CHECK(body.data() == 0);
    CHECK(body.done());
    CHECK(body.total() == 10);
    CHECK(body.feed(bytes_of("next")) == 0);
    body.end_of_stream();
}

TEST_CASE("body: an end of the connection before its length says how much came")
{
    body_reader body(of_length(10));
    body.received(4);
    CHECK_THROWS_WITH_AS(body.end_of_stream(), doctest::Contains("at 4: "), weir::error);
    CHECK_THROWS_WITH_AS(body.end_of_stream(), doctest::Contains("of 10 bytes"), weir::error);
}

TEST_CASE("body: none, an empty one and a tunnel are over at once")
{
    for (const framing& how : {framing{}, of_length(0), framing{body_end::tunnel, 0, false}}) {
        body_reader body(how);
        CHECK(body.done());
        CHECK(body.data() == 0);
    }
}

TEST_CASE("body: one that ends with the connection is data until then")
{
    body_reader body({body_end::close, 0, false});
    CHECK(body.data() == std::numeric_limits<std::uint64_t>::max());
    body.received(1'000'000);
    CHECK_FALSE(body.done());
    body.end_of_stream();
    CHECK(body.done());
    CHECK(body.total() == 1'000'000);
}

TEST_CASE("chunked body: data may be read straight between the lines of framing")
{
    body_reader body(in_chunks);
    CHECK(body.data() == 0);
    CHECK(body.feed(bytes_of("5\r\nhello\r\n")) == 3);
    CHECK(body.data() == 5);
    body.received(2);
    CHECK(body.data() == 3);
    CHECK(body.feed(bytes_of("llo")) == 0);
    body.received(3);
    CHECK(body.feed(bytes_of("\r\n0\r\nDigest: x\r\n\r\nHTTP/1.1")) == 18);
    CHECK(body.done());
    CHECK(body.total() == 5);
    CHECK(body.trailer() == fields{{"Digest", "x"}});
}

TEST_CASE("chunked body: sizes, extensions and trailers as RFC 9112 has them")
{
    for (const std::size_t piece : {1, 2, 3, 7, 1000}) {
        CHECK(read_chunked("5\r\nhello\r\n00000b\r\n world, all\r\n0\r\n\r\n", piece) == "hello world, all");
        CHECK(read_chunked("0\r\n\r\n", piece).empty());
        CHECK(read_chunked("000\r\nA: b\r\nC:\r\n\r\n", piece).empty());
        CHECK(read_chunked("A;a;b=c;d=\"e;\\\"f\"\r\n0123456789\r\n0;x\r\n\r\n", piece) == "0123456789");
        CHECK(read_chunked("1 ; a = b\r\nx\r\n0\r\n\r\n", piece) == "x");
    }
}

TEST_CASE("chunked body: what is no chunk is refused")
{
    for (const std::string_view text : {"x\r\n",
                                        "\r\n",
                                        " 1\r\n",
                                        "1 \r\na\r\n",
                                        "-1\r\n",
                                        "0x1\r\n",
                                        "1;\r\na",
                                        "1;a=\r\na",
                                        "1;=b\r\na",
                                        "1;a=\"b\r\na",
                                        "1 a\r\na",
                                        "1\na\r\n",
                                        "1\r\nab\r\n",
                                        "1\r\na\r\r",
                                        "1\r\na\n",
                                        "1\r\n",
                                        "11111111111111111\r\n",
                                        "8000000000000000\r\n",
                                        "FFFFFFFFFFFFFFFF\r\n",
                                        "0\r\n: a\r\n\r\n",
                                        "0\r\nA: b\r\n c\r\n\r\n",
                                        "0\r\nA\r\n\r\n",
                                        "1\r\r;a\r\n"}) {
        CAPTURE(text);
        if (text == "1\r\n")
            CHECK(failure_of(text).code() == weir::errc::ended_early);
        else
            CHECK(is_refused(text));
    }
}

TEST_CASE("chunked body: sizes that add up to more than 2^63-1 are refused")
{
    body_reader body(in_chunks);
    (void)body.feed(bytes_of("7fffffffffffffff\r\n"));
    body.received(body.data());
    CHECK_THROWS_WITH_AS((void)body.feed(bytes_of("\r\n1\r\n")), doctest::Contains("2^63-1"), weir::error);
}

TEST_CASE("chunked body: extensions are bounded, in one chunk and in all together")
{
    const std::string extension = ";" + std::string(99, 'a');
    CHECK(read_chunked("1" + extension + "\r\nx\r\n0\r\n\r\n", 1, {100, {100, 2}}) == "x");
    CHECK(is_refused("1" + extension + "\r\nx\r\n0\r\n\r\n", {80, {100, 2}}));
    CHECK(is_refused("1" + std::string(";") + std::string(2000, 'a') + "\r\nx\r\n0\r\n\r\n"));
    std::string text;
    for (int i = 0; i < 200; ++i)
        text += "1" + extension + "\r\nx\r\n";
    CHECK(is_refused(text + "0\r\n\r\n"));
}

TEST_CASE("chunked body: trailers are bounded in bytes and lines")
{
    const body_limits limits{100, {20, 3}};
    CHECK(read_chunked("0\r\nA: b\r\nC: d\r\n\r\n", 1, limits).empty());
    CHECK(is_refused("0\r\nA: b\r\nC: d\r\nE:\r\n\r\n", limits));
    CHECK(is_refused("0\r\nA: " + std::string(30, 'b') + "\r\n\r\n", limits));
}

TEST_CASE("chunked body: data before what is wrong is given first, in one call as in several")
{
    std::string text = "5\r\nhelloX";
    body_reader body(in_chunks);
    std::vector<std::byte> block(bytes_of(text).begin(), bytes_of(text).end());
    const body_reader::decoded first = body.decode(block, block);
    CHECK(first == body_reader::decoded{8, 5});
    CHECK_THROWS_WITH_AS((void)body.decode(std::span(block).subspan(8), block), doctest::Contains("body at 5"),
                         weir::error);
    CHECK_THROWS_AS((void)body.feed(bytes_of("\r\n")), weir::error);
}

TEST_CASE("chunked body: an end of the connection anywhere in it is an error")
{
    const std::string text = "5;a\r\nhello\r\n0\r\nA: b\r\n\r\n";
    for (std::size_t size = 0; size < text.size(); ++size)
        CHECK(failure_of(text.substr(0, size)).code() == weir::errc::ended_early);
    CHECK(read_chunked(text, 1) == "hello");
}

TEST_CASE("chunked body: what is written is read back, whatever the chunks and the cuts")
{
    CAPTURE(test::seed());
    std::mt19937_64 random = test::generator();
    for (int round = 0; round < 200; ++round) {
        std::string data, wire;
        for (std::size_t chunks = random() % 10; chunks > 0; --chunks) {
            const std::string piece(random() % 300 + 1, static_cast<char>('a' + random() % 26));
            wire.append(chunk_start(piece.size()).text()).append(piece).append(chunk_end);
            data += piece;
        }
        write_last_chunk(wire, round % 2 == 0 ? fields() : fields{{"Content-Digest", "x"}});
        CHECK(read_chunked(wire, random() % 400 + 1) == data);
    }
}

} // namespace
