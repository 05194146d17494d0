// Objects in parts, by several connections at a time.

#include "one_object.hpp"
#include "web.hpp"

#include "support/seed.hpp"

#include <weir/testing/generated.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace parallel_test {
namespace {

using namespace std::chrono_literals;
using test::base64_of;
using test::big;
using test::digest_field;
using test::failure_of;
using test::fetched;
using test::one_object;
using test::web;
using weir::errc;
using weir::testing::at_body;
using weir::testing::generated;
using weir::testing::origin;
using weir::testing::script;

TEST_CASE("parallel: parts come in order, by one version, through several connections")
{
    script played = one_object();
    played.accept().round_trip(2ms);
    played.on("/big").serve("big");
    origin server(std::move(played));
    web web;
    weir::http::source_options parts;
    parts.parallel = 4;
    parts.part_bytes = 64 << 10;
    const fetched got = web.fetch(server.url("/big"), parts, 16);
    CHECK(got.body == generated(7, 0, big));
    CHECK(got.report.attempts > 10);
    CHECK(server.record().connections.size() == 5); // one of them for HEAD
    for (const auto& asked : server.requests())
        CHECK((asked.field("Range") || asked.method == "HEAD"));
}

/// A source of parts, and what it tells of digests that are not checked.
struct parts_of {
    parts_of()
    {
        options.parallel = 4;
        options.part_bytes = 64 << 10;
        options.notice = [this](std::string_view text) { notices.emplace_back(text); };
    }
    weir::http::source_options options;
    std::vector<std::string> notices;
};

TEST_CASE("parallel: digests that are stated of the whole alone are asked for by HEAD, and checked in the order of the object")
{
    using enum weir::http::checksum_algorithm;
    const std::string content = generated(7, 0, big);
    const std::string right_md5 = base64_of(md5, content), right_crc = base64_of(crc64nvme, content);
    script played = one_object();
    played.on("/md5").serve("big").header("Content-MD5", right_md5);
    played.on("HEAD", "/amz").serve("big").header("x-amz-checksum-crc64nvme", right_crc).header("x-amz-checksum-type", "FULL_OBJECT");
    played.on("/amz").serve("big");
    played.on("/wrong").serve("big").header("Content-MD5", base64_of(md5, "other"));
    played.on("/repr").serve("big").header("Repr-Digest", "sha-256=:" + base64_of(sha256, content) + ":");
    origin server(std::move(played));
    web web;
    parts_of parts;
    CHECK(web.fetch(server.url("/md5"), parts.options, 16).report.checked == std::vector<std::string>{"Content-MD5"});
    CHECK(web.fetch(server.url("/amz"), parts.options, 16).report.checked
          == std::vector<std::string>{"x-amz-checksum-crc64nvme"});
    CHECK(failure_of([&] { (void)web.fetch(server.url("/wrong"), parts.options, 16); }).code() == errc::mismatch);
    const std::size_t before = server.requests().size();
    CHECK(web.fetch(server.url("/repr"), parts.options, 16).report.checked == std::vector<std::string>{"Repr-Digest: sha-256"});
    const auto asked = server.requests();
    CHECK(std::none_of(asked.begin() + static_cast<std::ptrdiff_t>(before), asked.end(),
                       [](const auto& each) { return each.method == "HEAD"; })); // a part has said it
    CHECK(parts.notices.empty());
}

TEST_CASE("parallel: who expects a digest asks for no other")
{
    script played = one_object();
    played.on("HEAD", "/big").stall();
    played.on("/big").serve("big");
    origin server(std::move(played));
    web web;
    parts_of parts;
    weir::http::checksum sum(weir::http::checksum_algorithm::sha256);
    const std::string content = generated(7, 0, big);
    sum.update(std::as_bytes(std::span(content)));
    parts.options.expected.emplace();
    parts.options.expected->value = sum.finish();
    parts.options.expected->field = "expected";
    CHECK(web.fetch(server.url("/big"), parts.options, 16).report.checked == std::vector<std::string>{"expected"});
    const auto asked = server.requests();
    CHECK(std::none_of(asked.begin(), asked.end(), [](const auto& each) { return each.method == "HEAD"; }));
}

TEST_CASE("parallel: each part is checked by the digest of its own content, which HEAD knows nothing of")
{
    const std::string content = generated(7, 0, big);
    script played = one_object();
    played.on("HEAD", "/wrong").serve("big");
    played.on("/wrong").with("Range", "bytes=0-0").serve("big");
    played.on("/wrong").serve("big").header("Content-Digest", digest_field("x"));
    played.on("HEAD", "/probe").serve("big");
    played.on("/probe").with("Range", "bytes=0-0").serve("big").header("Content-Digest", digest_field(content));
    played.on("/probe").serve("big");
    played.on("HEAD", "/head").serve("big").header("Content-Digest", digest_field(""));
    played.on("/head").with("Range", "bytes=0-0").serve("big").header("Content-Digest", digest_field(content.substr(0, 1)));
    played.on("/head").serve("big");
    origin server(std::move(played));
    web web;
    parts_of parts;
    CHECK(failure_of([&] { (void)web.fetch(server.url("/wrong"), parts.options, 16); }).code() == errc::mismatch);
    CHECK(failure_of([&] { (void)web.fetch(server.url("/probe"), parts.options, 16); }).code() == errc::mismatch);
    CHECK(web.fetch(server.url("/head"), parts.options, 16).report.checked
          == std::vector<std::string>{"Content-Digest: sha-256"});
    CHECK(parts.notices.empty());
}

TEST_CASE("parallel: a digest that cannot be checked is told of, with the reason, and stops nothing")
{
    script played = one_object();
    played.object("other", big, 8);
    // A signed URL allows GET alone; HEAD is of another version; or has the checksums of the upload's parts.
    played.on("HEAD", "/signed").answer(403);
    played.on("/signed").serve("big").header("Content-MD5", "XUFAKrxLKna5cZ2REBfFkg==");
    played.on("HEAD", "/other").serve("other").status(200).header("Content-MD5", "XUFAKrxLKna5cZ2REBfFkg==");
    played.on("/other").serve("big");
    played.on("HEAD", "/parts").serve("big").header("x-amz-checksum-crc32", "NhCmhg==-3");
    played.on("/parts").serve("big");
    played.on("HEAD", "/coded").serve("big").header("Content-Encoding", "gzip").header("Content-MD5", "XUFAKrxLKna5cZ2REBfFkg==");
    played.on("/coded").serve("big");
    played.on("HEAD", "/cut").close();
    played.on("/cut").serve("big");
    origin server(std::move(played));
    web web;
    parts_of parts;
    for (const std::string path : {"/signed", "/other", "/coded", "/parts", "/cut"}) {
        CAPTURE(path);
        const fetched got = web.fetch(server.url(path), parts.options, 16);
        CHECK(got.body == generated(7, 0, big));
        CHECK(got.report.checked.empty());
    }
    const std::string not_checked = ": not checked: ", by_head = not_checked + "digests of the whole, asked for by HEAD: ";
    REQUIRE(parts.notices.size() == 6);
    CHECK(parts.notices[0]
          == server.url("/signed") + not_checked + "Content-MD5: of the part or of the whole, which it does not say");
    CHECK(parts.notices[1] == server.url("/signed") + by_head + "403");
    CHECK(parts.notices[2] == server.url("/other") + by_head + "of another version");
    CHECK(parts.notices[3] == server.url("/coded") + by_head + "of another version");
    CHECK(parts.notices[4]
          == server.url("/parts") + not_checked + "x-amz-checksum-crc32: made of the checksums of parts");
    CHECK(parts.notices[5].starts_with(server.url("/cut") + by_head));
}

TEST_CASE("parallel: the body that a server sends with HEAD becomes no answer")
{
    script played = one_object();
    played.on("HEAD", "/big").serve("big").hold("later").send("HTTP/1.1 404 No Answer\r\nContent-Length: 0\r\n\r\n");
    played.on("/big").serve("big");
    origin server(std::move(played));
    web web;
    parts_of parts;
    auto running = web.begin(server.url("/big"), parts.options);
    while (!running.done() && server.requests().size() < 3) // the first part is asked for
        web.context.run_one();
    server.release("later");
    while (!running.done())
        web.context.run_one();
    REQUIRE(running.outcome());
    CHECK(running.outcome()->body == generated(7, 0, big));
}

TEST_CASE("parallel: where a server answers fewer connections than were asked for, the rest comes by those")
{
    script played = one_object();
    played.on("HEAD", "/*").serve("big");
    played.on("/*").with("Range", "bytes=0-0").serve("big");
    played.on("/refused").connections(3).answer(503).header("Connection", "close");
    played.on("/refused").serve("big").pace(16'384, 5ms);
    played.on("/none").answer(429);
    played.on("/gone").requests(3).answer(404);
    played.on("/gone").serve("big");
    origin server(std::move(played));
    parts_of parts;
    web first;
    const fetched got = first.fetch(server.url("/refused"), parts.options, 16);
    CHECK(got.body == generated(7, 0, big));
    CHECK(got.report.failures > 0);
    for (const std::string path : {"/gone", "/none"}) {
        CAPTURE(path);
        web web;
        CHECK(failure_of([&] { (void)web.fetch(server.url(path), parts.options, 16); }).code() == errc::http_status);
    }
}

TEST_CASE("parallel: what is no range at all is given as one connection gives it")
{
    script played;
    played.on("/201").answer(201).body("made");
    played.on("/203").answer(203).body("changed by somebody");
    played.on("/204").answer(204);
    origin server(std::move(played));
    web web;
    parts_of parts;
    CHECK(web.fetch(server.url("/201"), parts.options).body == "made");
    CHECK(web.fetch(server.url("/203"), parts.options).body == "changed by somebody");
    const fetched got = web.fetch(server.url("/204"), parts.options);
    CHECK(got.body.empty());
    CHECK(got.report.status == 204);
}

TEST_CASE("parallel: breaks of single parts are taken up, with as little memory as a block")
{
    script played = one_object();
    played.on("/big").requests(3, 3).serve("big").reset(at_body(10'000));
    played.on("/big").requests(5, 6).answer(503);
    played.on("/big").serve("big");
    origin server(std::move(played));
    web web;
    weir::http::source_options parts;
    parts.parallel = 4;
    for (const std::size_t blocks : {1ul, 2ul, 5ul, 16ul}) {
        CAPTURE(blocks);
        CHECK(web.fetch(server.url("/big"), parts, blocks).body == generated(7, 0, big));
    }
}

TEST_CASE("parallel: one connection where the server gives no ranges, or no validator that is strong")
{
    script played = one_object();
    played.on("/none").serve("big").no_ranges();
    played.on("/weak").serve("big").header("ETag", "W/\"a\"").no_header("Last-Modified");
    origin server(std::move(played));
    web web;
    weir::http::source_options parts;
    parts.parallel = 4;
    for (const std::string path : {"/none", "/weak"}) {
        CAPTURE(path);
        CHECK(web.fetch(server.url(path), parts).body == generated(7, 0, big));
    }
}

TEST_CASE("parallel: a version that changes in the middle is an error")
{
    script played = one_object();
    played.object("other", big, 8);
    played.on("/big").requests(1, 4).serve("big");
    played.on("/big").serve("other");
    origin server(std::move(played));
    web web;
    weir::http::source_options parts;
    parts.parallel = 2;
    parts.part_bytes = 64 << 10;
    CHECK(failure_of([&] { (void)web.fetch(server.url("/big"), parts); }).code() == errc::version_changed);
}

} // namespace
} // namespace parallel_test
