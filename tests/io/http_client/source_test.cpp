// URLs as sources: what comes whole, what is taken up again, and what is refused.

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

namespace source_test {
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
using weir::testing::at_object;
using weir::testing::generated;
using weir::testing::origin;
using weir::testing::script;

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
    std::vector<std::string> notices;
    weir::http::source_options options;
    options.notice = [&notices](std::string_view text) { notices.emplace_back(text); };
    for (const bool tells : {true, false}) {
        options.tell_of_doubt = tells;
        const fetched got = web.fetch(server.url("/big"), options);
        CHECK(got.body == generated(7, 0, big));
        CHECK(!got.report.verifiable);
        CHECK(got.report.is_doubtful());
    }
    CHECK(notices
          == std::vector<std::string>{server.url("/big") + ": nothing but the end of the connection says that this is all of it"});
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

TEST_CASE("source: bytes of two content codings are never put together")
{
    for (const std::size_t broken_at : {0ul, 300'000ul}) { // nothing was given yet; or something was
        CAPTURE(broken_at);
        script played = one_object();
        const auto broken = [&, broken_at](const char* path) {
            auto rule = played.on(path).request(1);
            return rule.serve("big").close(at_body(broken_at));
        };
        broken("/lost").header("Content-Encoding", "gzip");
        played.on("/lost").serve("big");
        broken("/found");
        played.on("/found").serve("big").header("Content-Encoding", "gzip");
        broken("/whole").header("Content-Encoding", "gzip").chunked();
        played.on("/whole").serve("big").no_ranges();
        broken("/same").header("Content-Encoding", "gzip");
        played.on("/same").serve("big").header("Content-Encoding", "gzip");
        origin server(std::move(played));
        web web;
        for (const std::string path : {"/lost", "/found", "/whole"}) {
            CAPTURE(path);
            CHECK(failure_of([&] { (void)web.fetch(server.url(path)); }).code() == errc::version_changed);
        }
        const fetched same = web.fetch(server.url("/same"));
        CHECK(same.body == generated(7, 0, big));
        CHECK(same.report.content_codings == std::vector<std::string>{"gzip"});
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

TEST_CASE("source: of several digests of the whole each is checked, and one that is wrong is enough")
{
    using enum weir::http::checksum_algorithm;
    script played;
    played.object("hello", "hello");
    const auto on = [&](const char* path) { return played.on(path).serve("hello"); };
    const std::string right = "hello", wrong = "other";
    const auto amz = [](const std::string& content) { return base64_of(sha256, content); };
    on("/right").header("Repr-Digest", digest_field(right)).header("x-amz-checksum-sha256", amz(right));
    on("/same").header("Repr-Digest", digest_field(right)).header("x-amz-checksum-sha256", amz(wrong));
    on("/md5").header("Repr-Digest", digest_field(right)).header("Content-MD5", base64_of(md5, wrong));
    on("/crc").header("Content-MD5", base64_of(md5, right)).header("x-amz-checksum-crc32", base64_of(crc32, wrong));
    on("/sha512").header("Content-Digest", "sha-512=:" + base64_of(sha512, right) + ":, " + digest_field(wrong));
    origin server(std::move(played));
    web web;
    CHECK(web.fetch(server.url("/right")).report.checked
          == std::vector<std::string>{"Repr-Digest: sha-256", "x-amz-checksum-sha256"});
    for (const std::string path : {"/same", "/md5", "/crc", "/sha512"}) {
        CAPTURE(path);
        CHECK(failure_of([&] { (void)web.fetch(server.url(path)); }).code() == errc::mismatch);
    }
}

TEST_CASE("source: digests behind the body are checked by any algorithm that was announced, and told of if they are not")
{
    const std::string sha512 = "sha-512=:m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcj"
                               "I8PZm6XBHXx6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw==:";
    script played;
    const auto behind = [&played](const std::string& path, std::string_view announced, std::string_view name,
                                  const std::string& value) {
        played.on(path).answer(200).body("hello").chunked(2).header("Trailer", announced).trailer(name, value);
    };
    behind("/sha512", "Content-Digest", "Content-Digest", sha512);
    behind("/crc32", "x-amz-checksum-crc32", "x-amz-checksum-crc32", "NhCmhg==");
    behind("/crc64", "x-amz-checksum-crc64nvme", "x-amz-checksum-crc64nvme", "M3eFcAZSQlc=");
    behind("/wrong", "x-amz-checksum-crc32", "x-amz-checksum-crc32", "NhCmhQ==");
    behind("/md5", "Repr-Digest", "Repr-Digest", "md5=:XUFAKrxLKna5cZ2REBfFkg==:");
    behind("/unannounced", "X-Other", "x-amz-checksum-crc32", "NhCmhQ==");
    origin server(std::move(played));
    web web;
    std::vector<std::string> notices;
    weir::http::source_options options;
    options.notice = [&notices](std::string_view text) { notices.emplace_back(text); };
    const auto checked = [&](const std::string& path) { return web.fetch(server.url(path), options).report.checked; };
    CHECK(checked("/sha512") == std::vector<std::string>{"Content-Digest: sha-512"});
    CHECK(checked("/crc32") == std::vector<std::string>{"x-amz-checksum-crc32"});
    CHECK(checked("/crc64") == std::vector<std::string>{"x-amz-checksum-crc64nvme"});
    CHECK(failure_of([&] { (void)checked("/wrong"); }).code() == errc::mismatch);
    CHECK(notices.empty());
    CHECK(checked("/md5").empty());
    CHECK(checked("/unannounced").empty());
    REQUIRE(notices.size() == 2);
    CHECK(notices[0].find("not checked: Repr-Digest: md5: it came behind the body") != std::string::npos);
    CHECK(notices[1].find("not checked: x-amz-checksum-crc32: it came behind the body") != std::string::npos);
}

TEST_CASE("source: the Content-Digest of a whole answer is checked over the whole, that of a part over the part")
{
    constexpr std::size_t broken_at = 300'000;
    const std::string content = generated(7, 0, big), rest = content.substr(broken_at);
    script played = one_object();
    const auto breaks = [&](const std::string& path, const std::string& digest) {
        played.on(path).request(1).serve("big").header("Content-Digest", digest).close(at_body(broken_at));
    };
    breaks("/right", digest_field(content));
    played.on("/right").serve("big");
    breaks("/wrong", digest_field(rest));
    played.on("/wrong").serve("big");
    breaks("/part", digest_field(content));
    played.on("/part").serve("big").header("Content-Digest", digest_field(rest));
    breaks("/wrong-part", digest_field(content));
    played.on("/wrong-part").serve("big").header("Content-Digest", digest_field(content));
    breaks("/again", digest_field(content));
    played.on("/again").serve("big").no_ranges().header("Content-Digest", digest_field(content));
    breaks("/wrong-again", digest_field(content));
    played.on("/wrong-again").serve("big").no_ranges().header("Content-Digest", digest_field(rest));
    played.on("/asked").serve("big").header("Content-Digest", digest_field("x"));
    origin server(std::move(played));
    web web;
    for (const std::string path : {"/right", "/part", "/again"}) {
        CAPTURE(path);
        const fetched got = web.fetch(server.url(path));
        CHECK(got.body == content);
        CHECK(got.report.checked == std::vector<std::string>{"Content-Digest: sha-256"});
    }
    for (const std::string path : {"/wrong", "/wrong-part", "/wrong-again"}) {
        CAPTURE(path);
        CHECK(failure_of([&] { (void)web.fetch(server.url(path)); }).code() == errc::mismatch);
    }
    weir::http::source_options range;
    range.header.add("Range", "bytes=5-9");
    CHECK(failure_of([&] { (void)web.fetch(server.url("/asked"), range); }).code() == errc::mismatch);
}

TEST_CASE("source: the digest of a part that broke off is told of as not checked")
{
    script played = one_object();
    played.on("/big").request(1).serve("big").close(at_body(300'000));
    played.on("/big").request(1).serve("big").header("Content-Digest", digest_field("x")).close(at_object(700'000));
    played.on("/big").serve("big");
    origin server(std::move(played));
    web web;
    std::vector<std::string> notices;
    weir::http::source_options options;
    options.notice = [&notices](std::string_view text) { notices.emplace_back(text); };
    CHECK(web.fetch(server.url("/big"), options).body == generated(7, 0, big));
    CHECK(notices
          == std::vector<std::string>{server.url("/big") + ": not checked: Content-Digest: sha-256: the answer broke off"});
}

TEST_CASE("source: what is wrong with an answer is told with the URL")
{
    script played = one_object();
    played.on("/length").answer(200).header("Content-Length", "x");
    played.on("/coding").answer(200).header("Transfer-Encoding", "gzip").no_header("Content-Length");
    played.on("/range").request(1).serve("big").close(at_body(300'000));
    played.on("/range").serve("big").header("Content-Range", "bytes 0-9/1000003");
    origin server(std::move(played));
    web web;
    for (const std::string path : {"/length", "/coding", "/range"}) {
        CAPTURE(path);
        const weir::failure failed = failure_of([&] { (void)web.fetch(server.url(path)); });
        CHECK(failed.code() == errc::protocol_violation);
        CHECK(failed.message().starts_with("read answer of " + server.url(path) + ": "));
    }
    const weir::failure refused = failure_of([&] { (void)web.fetch("http://127.0.0.1:1/x?token=hunter2"); });
    CHECK(refused.message().starts_with("connect to 127.0.0.1:1 for http://127.0.0.1:1/x?token=***: "));
}

TEST_CASE("source: who is asked to wait for too long says so")
{
    script played;
    played.on("/busy").answer(503).header("Retry-After", "121");
    origin server(std::move(played));
    web web;
    const weir::failure failed = failure_of([&] { (void)web.fetch(server.url("/busy")); });
    CHECK(failed.code() == errc::http_status);
    CHECK(failed.message().find("503") != std::string::npos);
    CHECK(failed.message().find("Retry-After 121, at most 120 s: the server asks for a longer wait") != std::string::npos);
    CHECK(server.requests().size() == 1);
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

} // namespace
} // namespace source_test
