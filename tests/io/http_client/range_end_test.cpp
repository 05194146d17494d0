// What stands behind the data of a range: the last chunk and the trailer, which digests may be in.

#include "one_object.hpp"
#include "web.hpp"

#include <weir/testing/generated.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace range_end_test {
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
using weir::testing::rule;
using weir::testing::script;

constexpr std::size_t broken_at = 300'000;
constexpr std::size_t part_bytes = std::size_t{256} << 10;

/// What breaks off at its first request, so that the rest comes as a range.
rule broken(script& played, const std::string& path)
{
    played.on(path).request(1).serve("big").close(at_body(broken_at));
    return played.on(path).serve("big").chunked(100'000);
}

/// Asks for one thing, and notes what is told of digests.
struct asking {
    asking()
    {
        options.notice = [this](std::string_view text) { notices.emplace_back(text); };
    }
    weir::http::source_options options;
    std::vector<std::string> notices;
};

TEST_CASE("range end: a digest in the trailer of a range is checked if it was announced, and told of if not")
{
    const std::string content = generated(7, 0, big), rest = content.substr(broken_at);
    script played = one_object();
    broken(played, "/right").header("Trailer", "Content-Digest").trailer("Content-Digest", digest_field(rest));
    broken(played, "/wrong").header("Trailer", "Content-Digest").trailer("Content-Digest", digest_field(content));
    broken(played, "/late").trailer("Content-Digest", digest_field(rest));
    // Of the part or of the whole: who knows.
    broken(played, "/md5").header("Trailer", "Content-MD5").trailer("Content-MD5", base64_of(weir::http::checksum_algorithm::md5, rest));
    origin server(std::move(played));
    web web;
    asking how;
    CHECK(web.fetch(server.url("/right"), how.options).report.checked == std::vector<std::string>{"Content-Digest: sha-256"});
    CHECK(failure_of([&] { (void)web.fetch(server.url("/wrong"), how.options); }).code() == errc::mismatch);
    CHECK(how.notices.empty());
    for (const std::string path : {"/late", "/md5"}) {
        const fetched got = web.fetch(server.url(path), how.options);
        CHECK(got.body == content);
        CHECK(got.report.checked.empty());
    }
    REQUIRE(how.notices.size() == 2);
    CHECK(how.notices[0].find("not checked: Content-Digest: sha-256: it came behind the body") != std::string::npos);
    CHECK(how.notices[1].find("not checked: Content-MD5: of the part or of the whole") != std::string::npos);
}

TEST_CASE("range end: parts that come in chunks are read to their ends, each is checked, and their connections are used again")
{
    const std::string content = generated(7, 0, big);
    script played = one_object();
    for (std::size_t begin = 0; begin < big; begin += part_bytes) {
        const std::string part = content.substr(begin, part_bytes);
        const std::string range = "bytes=" + std::to_string(begin) + "-" + std::to_string(begin + part.size() - 1);
        const bool is_last = begin + part_bytes >= big;
        for (const bool right : {true, false}) {
            auto answer = played.on(right ? "/right" : "/wrong").with("Range", range).serve("big").chunked(50'000);
            answer.header("Trailer", "Content-Digest").trailer("Content-Digest", digest_field(right || !is_last ? part : "x"));
        }
    }
    played.on("/repr").serve("big").chunked(50'000).trailer("Repr-Digest", digest_field(content));
    played.on("*").serve("big");
    origin server(std::move(played));
    web web;
    asking how;
    how.options.parallel = 4;
    how.options.part_bytes = part_bytes;
    const fetched got = web.fetch(server.url("/right"), how.options, 16);
    CHECK(got.body == content);
    CHECK(got.report.checked == std::vector<std::string>{"Content-Digest: sha-256"});
    CHECK(server.record().connections.size() == 5); // one of them for HEAD
    CHECK(how.notices.empty());
    const weir::failure failed = failure_of([&] { (void)web.fetch(server.url("/wrong"), how.options, 16); });
    CHECK(failed.code() == errc::mismatch);
    CHECK(web.fetch(server.url("/repr"), how.options, 16).body == content);
    REQUIRE(how.notices.size() == 1);
    CHECK(how.notices[0].find("not checked: Repr-Digest: sha-256: it came behind the body") != std::string::npos);
}

/// Reads so much and no more.
boost::asio::awaitable<std::string> read_some_of(weir::http::http_source& from, weir::reservation& memory, std::size_t wanted)
{
    std::string got;
    while (got.size() < wanted)
        for (const weir::slice& part : co_await from.read(memory, wanted - got.size()))
            got.append(reinterpret_cast<const char*>(part.data()), part.size());
    co_return got;
}

TEST_CASE("range end: data is given before its end has come")
{
    script played = one_object();
    broken(played, "/big").header("Trailer", "Content-Digest").hold(at_body(big - broken_at), "end")
        .trailer("Content-Digest", digest_field(generated(7, broken_at, big - broken_at)));
    origin server(std::move(played));
    web web;
    const auto source = test::await(web.context, weir::http::open(web.client, weir::http::url::parse(server.url("/big"))));
    weir::reservation memory = web.engine().pool().try_reserve(8, web.engine().block_bytes()).value();
    CHECK(test::await(web.context, read_some_of(*source, memory, big)) == generated(7, 0, big));
    server.release("end");
    CHECK(test::await(web.context, source->read(memory, 1)).empty());
    CHECK(source->report().checked == std::vector<std::string>{"Content-Digest: sha-256"});
}

TEST_CASE("range end: who breaks off behind the data, or stalls there, has sent it; its digest is told of as not checked")
{
    const std::string rest = generated(7, broken_at, big - broken_at);
    script played = one_object();
    broken(played, "/cut").header("Content-Digest", digest_field(rest)).close(at_body(rest.size()));
    broken(played, "/reset").header("Content-Digest", digest_field(rest)).reset(at_body(rest.size()));
    broken(played, "/stall").header("Content-Digest", digest_field(rest)).stall(at_body(rest.size()));
    origin server(std::move(played));
    weir::http::client_options patience = web::quick();
    patience.limits.idle = 300ms;
    web web(patience);
    asking how;
    for (const std::string path : {"/cut", "/reset", "/stall"}) {
        CAPTURE(path);
        how.notices.clear();
        CHECK(web.fetch(server.url(path), how.options).body == generated(7, 0, big));
        CHECK(how.notices
              == std::vector<std::string>{server.url(path) + ": not checked: Content-Digest: sha-256: the answer broke off"});
    }
    CHECK(server.requests().size() == 6); // what is there is not asked for again
}

TEST_CASE("range end: more data than a range has is a protocol violation")
{
    script played = one_object();
    broken(played, "/more").header("Content-Range", "bytes 300000-300009/1000003");
    origin server(std::move(played));
    web web;
    const weir::failure failed = failure_of([&] { (void)web.fetch(server.url("/more")); });
    CHECK(failed.code() == errc::protocol_violation);
    CHECK(failed.message().find("more data than the answer says it has") != std::string::npos);
}

TEST_CASE("range end: more data than a range has is found where nothing but the connection ends it, and in parts side by side")
{
    script played = one_object();
    played.on("/close").request(1).serve("big").close(at_body(broken_at));
    played.on("/close").serve("big").until_close().header("Content-Range", "bytes 300000-300009/1000003");
    played.on("HEAD", "/parts").serve("big");
    played.on("/parts").with("Range", "bytes=0-0").serve("big");
    played.on("/parts").with("Range", "bytes=0-262143").serve("big").chunked().header("Content-Range", "bytes 0-262042/1000003");
    played.on("/parts").serve("big");
    origin server(std::move(played));
    web web;
    asking how;
    how.options.part_bytes = part_bytes;
    for (const std::string path : {"/close", "/parts"}) {
        CAPTURE(path);
        how.options.parallel = path == "/parts" ? 4 : 1;
        const weir::failure failed = failure_of([&] { (void)web.fetch(server.url(path), how.options, 16); });
        CHECK(failed.code() == errc::protocol_violation);
        CHECK(failed.message().find("more data than the answer says it has") != std::string::npos);
    }
}

TEST_CASE("range end: a 206 of several parts is no range, whatever it says of one")
{
    script played = one_object();
    broken(played, "/big").header("Content-Type", "multipart/byteranges; boundary=AA");
    origin server(std::move(played));
    web web;
    CHECK(failure_of([&] { (void)web.fetch(server.url("/big")); }).code() == errc::protocol_violation);
}

TEST_CASE("range end: what answers a range of the caller's has to be that range")
{
    script played;
    played.object("small", 100, 7);
    const auto serve = [&](const char* path) { return played.on(path).serve("small"); };
    serve("/good");
    serve("/chunks").chunked();
    serve("/other").header("Content-Range", "bytes 50-59/100");
    serve("/none").no_header("Content-Range");
    serve("/several").header("Content-Type", "multipart/byteranges; boundary=AA").no_header("Content-Range");
    serve("/long").chunked().header("Content-Range", "bytes 0-8/100");
    serve("/short").chunked().close(at_body(5));
    played.on("/less").answer(206).header("Content-Range", "bytes 0-9/100").body("12345").chunked();
    played.on("/length").answer(206).header("Content-Range", "bytes 0-9/100").body("12345");
    origin server(std::move(played));
    web web;
    asking how;
    how.options.header = {{"Range", "bytes=0-9"}};
    for (const std::string path : {"/good", "/chunks"})
        CHECK(web.fetch(server.url(path), how.options).body == generated(7, 0, 10));
    for (const std::string path : {"/other", "/none", "/several", "/long", "/less", "/length"}) {
        CAPTURE(path);
        CHECK(failure_of([&] { (void)web.fetch(server.url(path), how.options); }).code() == errc::protocol_violation);
    }
    CHECK(failure_of([&] { (void)web.fetch(server.url("/short"), how.options); }).code() == errc::ended_early);
    how.options.header = {{"Range", "bytes=-10"}};
    CHECK(web.fetch(server.url("/good"), how.options).body == generated(7, 90, 10));
}

TEST_CASE("range end: what answers several ranges of the caller's, or those of another unit, is given as it is")
{
    script played;
    played.on("/big").answer(206).header("Content-Type", "multipart/byteranges; boundary=AA").body("--AA--");
    origin server(std::move(played));
    web web;
    for (const char* range : {"bytes=0-9,20-29", "lines=0-9"}) {
        asking how;
        how.options.header = {{"Range", range}};
        CHECK(web.fetch(server.url("/big"), how.options).body == "--AA--");
    }
}

TEST_CASE("range end: all of an object in place of a part is not read to its end, and its digest is told of")
{
    const std::string content = generated(7, 0, big);
    script played = one_object();
    played.on("HEAD", "/big").serve("big");
    played.on("/big").with("Range", "bytes=0-0").serve("big");
    played.on("/big").request(1).serve("big").close(at_body(1000));
    played.on("/big").serve("big").no_ranges().header("Content-Digest", digest_field(content));
    origin server(std::move(played));
    web web;
    asking how;
    how.options.parallel = 2;
    how.options.part_bytes = part_bytes;
    const fetched got = web.fetch(server.url("/big"), how.options, 16);
    CHECK(got.body == content);
    REQUIRE(how.notices.size() == 1);
    CHECK(how.notices[0].find("no more than a part of the answer was read") != std::string::npos);
}

} // namespace
} // namespace range_end_test
