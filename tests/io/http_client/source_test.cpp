// URLs as sources: what comes whole, what is taken up again, and what is refused.

#include "web.hpp"

#include "support/seed.hpp"

#include <weir/testing/generated.hpp>

#include <doctest/doctest.h>

#include <string>

namespace source_test {
namespace {

using namespace std::chrono_literals;
using test::failure_of;
using test::fetched;
using test::web;
using weir::errc;
using weir::testing::at_body;
using weir::testing::at_object;
using weir::testing::generated;
using weir::testing::origin;
using weir::testing::script;

constexpr std::size_t big = 1'000'003;

script one_object()
{
    script played;
    played.object("big", big, 7);
    return played;
}

TEST_CASE("source: a body comes whole, with its size, over one connection that is used again")
{
    script played = one_object();
    played.on("/big").serve("big");
    origin server(std::move(played));
    web web;
    for (int i = 0; i != 3; ++i) {
        const fetched got = web.fetch(server.url("/big"));
        CHECK(got.body == generated(7, 0, big));
        CHECK(got.report.status == 200);
        CHECK(got.report.verifiable);
        CHECK(got.report.attempts == 1);
    }
    CHECK(server.record().connections.size() == 1);
}

TEST_CASE("source: chunked bodies come without their framing, whatever the chunks and the cuts")
{
    auto random = test::generator(1);
    for (const std::uint64_t chunk : {1'000'003ul, 70'000ul, 4'096ul, 1ul}) {
        CAPTURE(chunk);
        const std::size_t size = chunk == 1 ? 3'000 : big;
        script played;
        played.object("big", size, 7);
        played.on("/big").serve("big").chunked(chunk).split_every(1 + random() % 100'000);
        origin server(std::move(played));
        web web;
        CHECK(web.fetch(server.url("/big")).body == generated(7, 0, size));
        CHECK(web.fetch(server.url("/big")).body == generated(7, 0, size));
        CHECK(server.record().connections.size() == 1);
    }
}

TEST_CASE("source: an empty body, and one of a byte")
{
    script played;
    played.object("none", "");
    played.object("one", "x");
    played.on("/none").serve("none");
    played.on("/one").serve("one");
    played.on("/chunked").serve("none").chunked();
    origin server(std::move(played));
    web web;
    CHECK(web.fetch(server.url("/none")).body.empty());
    CHECK(web.fetch(server.url("/one")).body == "x");
    CHECK(web.fetch(server.url("/chunked")).body.empty());
    CHECK(server.record().connections.size() == 1);
    for (const std::string path : {"/none", "/one"}) {
        weir::http::source_options parts;
        parts.parallel = 4;
        CHECK(web.fetch(server.url(path), parts).body == (path == "/one" ? "x" : ""));
    }
}

TEST_CASE("source: a body that ends with the connection is read, and marked as not verifiable")
{
    script played = one_object();
    played.on("/big").serve("big").until_close();
    origin server(std::move(played));
    web web;
    const fetched got = web.fetch(server.url("/big"));
    CHECK(got.body == generated(7, 0, big));
    CHECK(!got.report.verifiable);
}

TEST_CASE("source: a body whose second answer ends with the connection is not verifiable either")
{
    script played = one_object();
    played.on("/big").request(1).serve("big").chunked().reset(at_body(300'000));
    played.on("/big").serve("big").no_ranges().until_close().close(at_object(700'000));
    origin server(std::move(played));
    web web;
    const fetched got = web.fetch(server.url("/big"));
    CHECK(got.body == generated(7, 0, 700'000));
    CHECK(!got.report.verifiable);
}

TEST_CASE("source: a part that does not say of which version it is goes behind no other")
{
    script played = one_object();
    played.on("/big").request(1).serve("big").reset(at_body(300'000));
    played.on("/big").serve("big").no_header("ETag");
    origin server(std::move(played));
    web web;
    CHECK(failure_of([&] { (void)web.fetch(server.url("/big")); }).code() == errc::version_changed);
}

TEST_CASE("source: a body that breaks is taken up where it broke, of the same version")
{
    script played = one_object();
    played.on("/big").request(1).serve("big").reset(at_body(300'000));
    played.on("/big").request(1).serve("big").close(at_object(700'000)); // of those that the rule above leaves
    played.on("/big").serve("big");
    origin server(std::move(played));
    web web;
    const fetched got = web.fetch(server.url("/big"));
    CHECK(got.body == generated(7, 0, big));
    CHECK(got.report.attempts == 3);
    CHECK(got.report.failures == 2);
    const auto asked = server.requests();
    REQUIRE(asked.size() == 3);
    CHECK(!asked[0].field("Range"));
    for (const std::size_t i : {1ul, 2ul}) {
        CHECK(asked[i].field("Range").value_or("").starts_with("bytes="));
        CHECK(asked[i].field("If-Match").value_or("").starts_with('"'));
    }
}

TEST_CASE("source: bytes of two versions are never put together")
{
    SUBCASE("the server says so by 412")
    {
        script played = one_object();
        played.object("other", big, 8);
        played.on("/big").request(1).serve("big").reset(at_body(300'000));
        played.on("/big").serve("other");
        origin server(std::move(played));
        web web;
        CHECK(failure_of([&] { (void)web.fetch(server.url("/big")); }).code() == errc::version_changed);
    }
    SUBCASE("the server ignores the condition and sends a range of another version")
    {
        script played = one_object();
        played.on("/big").request(1).serve("big").reset(at_body(300'000));
        played.on("/big").serve("big").header("ETag", "\"other\"");
        origin server(std::move(played));
        web web;
        CHECK(failure_of([&] { (void)web.fetch(server.url("/big")); }).code() == errc::version_changed);
    }
    SUBCASE("a weak tag holds nothing together")
    {
        script played = one_object();
        played.on("/big").serve("big").header("ETag", "W/\"a\"").no_header("Last-Modified").reset(at_body(300'000));
        origin server(std::move(played));
        web web;
        const weir::failure failed = failure_of([&] { (void)web.fetch(server.url("/big")); });
        CHECK(failed.code() == weir::condition::retryable);
        CHECK(server.requests().size() == 1);
    }
}

TEST_CASE("source: a server without ranges sends all of it again, and what was given is dropped")
{
    script played = one_object();
    played.on("/big").request(1).serve("big").reset(at_body(300'000));
    played.on("/big").serve("big").no_ranges();
    origin server(std::move(played));
    web web;
    const fetched got = web.fetch(server.url("/big"));
    CHECK(got.body == generated(7, 0, big));
    CHECK(got.report.discarded_bytes > 0);
}

TEST_CASE("source: a version that changed before a byte was given is seen, although its length is the same")
{
    script played = one_object();
    played.object("other", big, 8);
    played.on("/big").request(1).serve("big").reset(at_body(0));
    played.on("/big").serve("other");
    origin server(std::move(played));
    web web;
    CHECK(failure_of([&] { (void)web.fetch(server.url("/big")); }).code() == errc::version_changed);
}

TEST_CASE("source: what was of unknown length is not over with a range that is shorter than what was asked for")
{
    script played = one_object();
    played.on("/big").request(1).serve("big").chunked(10'000).reset(at_body(300'000));
    played.on("/big").request(1).answer(206).header("ETag", "\"a\"").header("Content-Range", "bytes 300000-300001/1000003").body("xx");
    played.on("/big").serve("big");
    origin server(std::move(played));
    web web;
    const weir::result<fetched> got = web.try_fetch(server.url("/big"));
    CHECK((got ? got->body.size() == big : got.code() == errc::version_changed));
}

TEST_CASE("source: an answer that was left in the middle is never taken for the next one")
{
    script played;
    played.on("/error").answer(404).body("not here, and more of it").stall(at_body(3));
    played.on("/long").redirect(302, "/good").body(std::string(100'000, 'x'));
    played.on("/coding").answer(200).header("Transfer-Encoding", "gzip, chunked").no_header("Content-Length").body("5\r\nhello\r\n0\r\n\r\n");
    played.on("/good").answer(200).body("good");
    origin server(std::move(played));
    web web;
    for (const std::string path : {"/error", "/coding"}) {
        CHECK(failure_of([&] { (void)web.fetch(server.url(path)); }).code());
        CHECK(web.fetch(server.url("/good")).body == "good");
    }
    CHECK(web.fetch(server.url("/long")).body == "good");
}

TEST_CASE("source: a range that lies is a protocol violation")
{
    script played = one_object();
    played.on("/big").request(1).serve("big").reset(at_body(300'000));
    played.on("/big").serve("big").header("Content-Range", "bytes 0-999/1000003");
    origin server(std::move(played));
    web web;
    CHECK(failure_of([&] { (void)web.fetch(server.url("/big")); }).code() == errc::protocol_violation);
}

TEST_CASE("source: a truncated body fails when trying again does not help, and says where")
{
    script played = one_object();
    played.on("/big").serve("big").close(at_object(400'000));
    origin server(std::move(played));
    web web;
    const weir::failure failed = failure_of([&] { (void)web.fetch(server.url("/big")); });
    CHECK(failed.code() == errc::ended_early);
    CHECK(failed.message().find(server.url("/big")) != std::string::npos);
    CHECK(server.requests().size() == web.client.options().retry.attempts);
}

TEST_CASE("source: statuses that may pass are tried again, after what Retry-After asks for")
{
    script played = one_object();
    played.on("/big").request(1).answer(503).header("Retry-After", "1");
    played.on("/big").request(1).answer(429);
    played.on("/big").serve("big");
    origin server(std::move(played));
    web web;
    const auto start = std::chrono::steady_clock::now();
    CHECK(web.fetch(server.url("/big")).body == generated(7, 0, big));
    CHECK(std::chrono::steady_clock::now() - start >= 1s);
    CHECK(server.requests().size() == 3);
}

TEST_CASE("source: a status that is an error is told with its number, at once if it will not pass")
{
    script played;
    played.on("/none").answer(404);
    played.on("/partial").answer(206).body("x");
    origin server(std::move(played));
    web web;
    for (const std::string path : {"/none", "/partial"}) {
        const weir::failure failed = failure_of([&] { (void)web.fetch(server.url(path)); });
        CHECK(failed.code() == errc::http_status);
        CHECK(failed.message().find(path == "/none" ? "404 Not Found" : "206") != std::string::npos);
    }
    CHECK(server.requests().size() == 2);
}

TEST_CASE("source: a connection that died while it was idle is replaced, and that is not counted")
{
    script played = one_object();
    played.on("/big").request(1).serve("big").hold("later").close();
    played.on("/big").serve("big");
    origin server(std::move(played));
    web web;
    CHECK(web.fetch(server.url("/big")).body.size() == big);
    server.release("later");
    REQUIRE(server.wait_until([](const auto& record) { return record.open_connections() == 0; }));
    const fetched got = web.fetch(server.url("/big"));
    CHECK(got.body.size() == big);
    CHECK(got.report.failures == 0);
}

TEST_CASE("source: unsolicited bytes behind an answer end the connection, and never become an answer")
{
    script played;
    played.on("/a").answer(200).body("first").send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
    played.on("/b").answer(200).body("second");
    origin server(std::move(played));
    web web;
    CHECK(web.fetch(server.url("/a")).body == "first");
    CHECK(web.fetch(server.url("/b")).body == "second");
    CHECK(server.record().connections.size() == 2);
}

TEST_CASE("source: interim answers are passed over, but not without end")
{
    script played;
    played.on("/few").repeat(5, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n").answer(200).body("x");
    played.on("/endless").repeat(0, "HTTP/1.1 100 Continue\r\n\r\n");
    origin server(std::move(played));
    web web;
    CHECK(web.fetch(server.url("/few")).body == "x");
    CHECK(failure_of([&] { (void)web.fetch(server.url("/endless")); }).code() == errc::protocol_violation);
}

TEST_CASE("source: redirects are followed, secrets stay with their origin, and a circle ends")
{
    script target;
    target.on("/there").answer(200).body("here");
    origin second(std::move(target));
    script played;
    played.on("/away").redirect(302, second.url("/there"));
    played.on("/near").redirect(301, "there");
    played.on("/there").answer(200).body("near");
    played.on("/circle").redirect(307, "/circle");
    origin server(std::move(played));
    web web;
    weir::http::source_options secret;
    secret.header.add("Authorization", "Bearer secret");
    const fetched away = web.fetch(server.url("/away"), secret);
    CHECK(away.body == "here");
    CHECK(away.report.from.to_string() == second.url("/there"));
    CHECK(server.requests().front().field("Authorization") == "Bearer secret");
    CHECK(!second.requests().front().field("Authorization"));
    CHECK(web.fetch(server.url("/near"), secret).body == "near");
    CHECK(server.requests().back().field("Authorization") == "Bearer secret");
    CHECK(failure_of([&] { (void)web.fetch(server.url("/circle")); }).code() == errc::redirect_refused);
}

TEST_CASE("source: credentials of the URL are sent, and shown nowhere")
{
    script played;
    played.on("/").answer(404);
    origin server(std::move(played));
    web web;
    const weir::failure failed =
        failure_of([&] { (void)web.fetch("http://me:sesame@" + server.authority() + "/"); });
    CHECK(failed.message().find("sesame") == std::string::npos);
    CHECK(server.requests().front().field("Authorization") == "Basic bWU6c2VzYW1l");
}

TEST_CASE("source: digests that the server states are checked at the end")
{
    // of "hello"
    const std::string right = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
    const std::string wrong = "sha-256=:MPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";
    script played;
    played.on("/right").answer(200).body("hello").header("Repr-Digest", right);
    played.on("/wrong").answer(200).body("hello").header("Content-Digest", wrong);
    played.on("/trailer").answer(200).body("hello").chunked(2).header("Trailer", "Repr-Digest").trailer("Repr-Digest", right);
    played.on("/bad-trailer").answer(200).body("hello").chunked(2).header("Trailer", "Repr-Digest").trailer("Repr-Digest", wrong);
    origin server(std::move(played));
    web web;
    CHECK(web.fetch(server.url("/right")).report.checked == std::vector<std::string>{"Repr-Digest: sha-256"});
    CHECK(web.fetch(server.url("/trailer")).report.checked == std::vector<std::string>{"Repr-Digest: sha-256"});
    for (const std::string path : {"/wrong", "/bad-trailer"}) {
        const weir::failure failed = failure_of([&] { (void)web.fetch(server.url(path)); });
        CHECK(failed.code() == errc::mismatch);
        CHECK(failed.message().find("sha-256") != std::string::npos);
    }
}

TEST_CASE("source: each limit of time ends a wait, and says which it was")
{
    script played = one_object();
    played.on("/silent").stall();
    played.on("/idle").serve("big").stall(at_body(300'000));
    played.on("/slow").serve("big").pace(1'000, 10ms);
    origin server(std::move(played));
    weir::http::client_options options = web::quick();
    options.retry.attempts = 1;
    SUBCASE("first byte")
    {
        options.limits.first_byte = 20ms;
        web web(options);
        const weir::failure failed = failure_of([&] { (void)web.fetch(server.url("/silent")); });
        CHECK(failed.code() == errc::deadline_exceeded);
        CHECK(failed.message().find("0.020 s") != std::string::npos);
    }
    SUBCASE("between two pieces")
    {
        options.limits.idle = 300ms;
        web web(options);
        CHECK(failure_of([&] { (void)web.fetch(server.url("/idle")); }).code() == errc::deadline_exceeded);
    }
    SUBCASE("the least rate")
    {
        options.limits.min_rate = 10'000'000;
        options.limits.rate_window = 100ms;
        web web(options);
        const weir::failure failed = failure_of([&] { (void)web.fetch(server.url("/slow")); });
        CHECK(failed.code() == errc::deadline_exceeded);
        CHECK(failed.message().find("slower than") != std::string::npos);
    }
    SUBCASE("everything")
    {
        options.limits.total = 300ms;
        web web(options);
        CHECK(failure_of([&] { (void)web.fetch(server.url("/idle")); }).code() == errc::deadline_exceeded);
    }
}

TEST_CASE("source: a pace is kept")
{
    script played = one_object();
    played.on("/big").serve("big");
    origin server(std::move(played));
    web web;
    weir::http::source_options slow;
    slow.max_rate = 4'000'000;
    const auto start = std::chrono::steady_clock::now();
    CHECK(web.fetch(server.url("/big"), slow).body.size() == big);
    CHECK(std::chrono::steady_clock::now() - start >= 200ms);
}

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
    CHECK(server.record().connections.size() == 4);
    for (const auto& asked : server.requests())
        CHECK(asked.field("Range"));
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
} // namespace source_test
