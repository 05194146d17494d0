#include <weir/content_coding.hpp>

#include "streaming.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace content_coding_test {
namespace {

using test::bench;
using test::byte_vector;
using weir::codec;
using weir::errc;

std::unique_ptr<weir::source> from(const byte_vector& content)
{
    return std::make_unique<test::scripted_source>(content, test::script());
}

byte_vector undone(const byte_vector& content, const std::vector<std::string>& codings)
{
    bench b;
    return test::drain(b, *weir::decode_content(b.engine, from(content), codings));
}

std::error_code failure_of(const byte_vector& content, const std::vector<std::string>& codings)
{
    try {
        (void)undone(content, codings);
    }
    catch (const weir::error& failure) {
        return failure.code();
    }
    return {};
}

const byte_vector text = test::words(200'000, 9);

TEST_CASE("content coding: what is accepted is what is built in, best first")
{
    std::string wanted;
    for (const auto& [which, name] : {std::pair(codec::zstd, "zstd"), std::pair(codec::gzip, "gzip"),
                                      std::pair(codec::zlib, "deflate")})
        if (weir::is_built_in(which))
            wanted.append(wanted.empty() ? "" : ", ").append(name);
    CHECK(weir::accepted_content_codings() == wanted);
}

TEST_CASE("content coding: each is undone, whatever the case of its name, and several the last one first")
{
    if (!weir::is_built_in(codec::gzip) || !weir::is_built_in(codec::zstd)) {
        MESSAGE("skipped: gzip or zstd is not built in");
        return;
    }
    const byte_vector gzip = test::encoded(codec::gzip, text);
    CHECK(undone(text, {}) == text);
    CHECK(undone(text, {"Identity"}) == text);
    CHECK(undone(gzip, {"gzip"}) == text);
    CHECK(undone(gzip, {"X-GZip"}) == text);
    CHECK(undone(test::encoded(codec::zstd, text), {"zstd"}) == text);
    CHECK(undone(test::encoded(codec::zstd, gzip), {"gzip", "identity", "zstd"}) == text);
    CHECK(undone(test::encoded(codec::gzip, test::encoded(codec::gzip, gzip)), {"gzip", "gzip", "gzip"}) == text);
}

TEST_CASE("content coding: deflate is zlib's format, and the raw one too")
{
    if (!weir::is_built_in(codec::zlib)) {
        MESSAGE("skipped: zlib is not built in");
        return;
    }
    for (const byte_vector& content : {text, byte_vector(), test::bytes_of("x")})
        for (const codec each : {codec::zlib, codec::deflate}) {
            CAPTURE(weir::to_string(each));
            CHECK(undone(test::encoded(each, content), {"deflate"}) == content);
        }
    CHECK(failure_of({}, {"deflate"}) == errc::truncated);
    byte_vector short_of = test::encoded(codec::zlib, text);
    short_of.resize(1);
    CHECK(failure_of(short_of, {"deflate"}) == errc::truncated);
}

TEST_CASE("content coding: what cannot be undone is refused by name before anything is read")
{
    CHECK(failure_of(text, {"br"}) == errc::unsupported_format);
    CHECK(failure_of(text, {"gzip", "compress"}) == errc::unsupported_format);
    CHECK(failure_of(text, {"gzip", "gzip", "gzip", "gzip"}) == errc::unsupported_format);
    bench b;
    CHECK_THROWS_WITH_AS((void)weir::decode_content(b.engine, from(text), std::vector<std::string>{"br"}),
                         "decode scripted: the format is not supported (Content-Encoding: br)", weir::error);
}

TEST_CASE("content coding: a file that is compressed itself is decoded behind its codings, which may be all there was")
{
    if (!weir::is_built_in(codec::gzip)) {
        MESSAGE("skipped: gzip is not built in");
        return;
    }
    bench b;
    const auto whole = [&](const byte_vector& content, const std::vector<std::string>& codings) {
        return test::drain(b, *weir::decode_whole(b.engine, from(content), codings, {}));
    };
    const byte_vector gzip = test::encoded(codec::gzip, text);
    CHECK(whole(gzip, {}) == text);
    CHECK(whole(gzip, {"gzip"}) == text);
    CHECK(whole(test::encoded(codec::gzip, gzip), {"gzip"}) == text);
    CHECK_THROWS_AS((void)whole(text, {}), weir::error);
    CHECK_THROWS_AS((void)whole(text, {"identity"}), weir::error);
}

} // namespace
} // namespace content_coding_test
