#include <weir/http/redirect.hpp>

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using weir::http::fields;
using weir::http::follow_redirect;
using weir::http::request_body;
using weir::http::request_head;
using weir::http::url;

request_head get(std::string_view target, fields header = {})
{
    return {"GET", url::parse(target), std::move(header), request_body::none};
}

/// What a redirect is refused with.
std::string refusal_of(const request_head& request, unsigned status, const fields& answer, unsigned followed = 0)
{
    try {
        (void)follow_redirect(request, status, answer, followed);
    }
    catch (const weir::error& refused) {
        CHECK(refused.code() == weir::errc::redirect_refused);
        return refused.what();
    }
    FAIL_CHECK("it is not refused");
    return {};
}

TEST_CASE("redirect: only five statuses, and only with a location, are redirects")
{
    for (const unsigned status : {301u, 302u, 303u, 307u, 308u}) {
        const auto next = follow_redirect(get("http://a/x/y"), status, {{"Location", "../z"}}, 0);
        REQUIRE(next);
        CHECK(next->target.unredacted() == "http://a/z");
        CHECK_FALSE(follow_redirect(get("http://a/"), status, {}, 0));
    }
    for (const unsigned status : {200u, 201u, 300u, 304u, 305u, 306u, 309u, 399u, 400u})
        CHECK_FALSE(follow_redirect(get("http://a/"), status, {{"Location", "/z"}}, 0));
}

// RFC 9110, section 15.4
TEST_CASE("redirect: the method changes as RFC 9110 says, and the body with it")
{
    struct row {
        const char* method;
        unsigned status;
        const char* then;
    };
    for (const row& each :
         {row{"GET", 303, "GET"}, row{"HEAD", 303, "HEAD"}, row{"POST", 303, "GET"}, row{"PUT", 303, "GET"},
          row{"DELETE", 303, "GET"}, row{"POST", 301, "GET"}, row{"POST", 302, "GET"}, row{"PUT", 301, "PUT"},
          row{"PUT", 302, "PUT"}, row{"HEAD", 302, "HEAD"}, row{"POST", 307, "POST"}, row{"POST", 308, "POST"},
          row{"PUT", 308, "PUT"}, row{"post", 302, "post"}}) {
        CAPTURE(each.method);
        CAPTURE(each.status);
        request_head request = get("http://a/",
                                   {{"Content-Type", "t"},
                                    {"Content-MD5", "m"},
                                    {"Expect", "100-continue"},
                                    {"Repr-Digest", "d"},
                                    {"x-amz-checksum-crc32", "c"},
                                    {"Accept", "*/*"}});
        request.method = each.method;
        request.body = request_body::replayable;
        const auto next = follow_redirect(request, each.status, {{"Location", "/b"}}, 0);
        REQUIRE(next);
        CHECK(next->method == each.then);
        const bool body_goes = std::string_view(each.then) == "GET";
        CHECK(next->body == (body_goes ? request_body::none : request_body::replayable));
        CHECK(next->header.size() == (body_goes ? 1 : 6));
    }
}

TEST_CASE("redirect: a body that is gone is refused where it would be sent again, and only there")
{
    request_head request = get("http://a/");
    request.method = "POST";
    request.body = request_body::once;
    CHECK(refusal_of(request, 307, {{"Location", "/b"}}).find("cannot be sent again") != std::string::npos);
    CHECK(follow_redirect(request, 303, {{"Location", "/b"}}, 0));
}

TEST_CASE("redirect: secrets go where scheme, host or port changes")
{
    const fields header{{"Authorization", "a"},       {"authorization", "b"}, {"Cookie", "c"},
                        {"Proxy-Authorization", "p"}, {"X-Amz-Date", "d"},    {"x-amz-security-token", "t"},
                        {"X-Goog-Signature", "s"},    {"x-ms-version", "v"},  {"Private-Token", "q"},
                        {"X-Api-Key", "k"},           {"X-JWT", "j"},         {"X-Session", "s"},
                        {"Host", "a"},                {"Accept", "*/*"}};
    for (const std::string_view location : {"https://a/", "http://b/", "http://a:81/", "//a.example/", "http://a./"}) {
        CAPTURE(location);
        const auto next = follow_redirect(get("http://u:p@a/", header), 302, {{"Location", std::string(location)}}, 0);
        REQUIRE(next);
        CHECK(next->header == fields{{"Accept", "*/*"}});
        CHECK_FALSE(next->target.login());
    }
    for (const std::string_view location : {"/b", "http://A:80/b", "?c"}) {
        CAPTURE(location);
        const auto next = follow_redirect(get("http://a/", header), 302, {{"Location", std::string(location)}}, 0);
        REQUIRE(next);
        CHECK(next->header == header);
    }
}

TEST_CASE("redirect: fields that are for one origin are told by words of their names")
{
    for (const std::string_view name :
         {"Authorization", "Proxy-Authorization", "Cookie", "X-Amz-Date", "Ocp-Apim-Subscription-Key", "x-functions-key",
          "X-Access-Key", "AccessKey", "accesskey", "ACCESSKEY", "api_key", "X-Key", "X-License-Key", "X-JFrog-Art-Api", "X-Pass",
          "X-Passwd", "X-Pin", "X-Otp", "X-Sas", "X-Hub-Sig", "DPoP", "APIKey", "X-MBX-APIKEY", "X-Key2", "X-SigV4", "X-userPass",
          "X-Authorisation", "X-Author-Auth", "CB-ACCESS-SIGN", "X-Error-Code-Key", "Cache-Key-Key", "rlkey", "resourcekey",
          "shareKey", "ftppass", "urlsig"}) {
        CAPTURE(name);
        CHECK(weir::http::is_sensitive(name));
    }
    for (const std::string_view name :
         {"Accept", "Accept-Encoding", "Accept-Keyboard", "X-Monkey", "Keep-Alive", "X-Keyword", "X-Compass", "X-Bypass", "X-Design",
          "X-Signal", "X-Author", ":authority", "Idempotency-Key", "idempotencyKey", "idempotencykey", "Surrogate-Key", "X-Country-Code", "X-Spin",
          "X-Inside", "X-Encode", "User-Agent", "Range", "If-None-Match", "Want-Repr-Digest", "X-Request-Id", "X-Forwarded-For",
          "X-Api-Version", "X-Application-Name", "Content-MD5", "Origin", "Referer", "", "-", "7"}) {
        CAPTURE(name);
        CHECK_FALSE(weir::http::is_sensitive(name));
    }
}

TEST_CASE("redirect: what is gone does not come back on the way back")
{
    const request_head first = get("https://u:p@a/", {{"Authorization", "a"}, {"Cookie", "c"}});
    const auto away = follow_redirect(first, 302, {{"Location", "https://b/"}}, 0);
    REQUIRE(away);
    const auto back = follow_redirect(*away, 302, {{"Location", "https://a/"}}, 1);
    REQUIRE(back);
    CHECK(back->target.origin() == first.target.origin());
    CHECK(back->header.empty());
    CHECK_FALSE(back->target.login());
}

TEST_CASE("redirect: a server does not name whom we are")
{
    const auto next = follow_redirect(get("http://a/"), 302, {{"Location", "http://u:p@a/b"}}, 0);
    REQUIRE(next);
    CHECK_FALSE(next->target.login());
}

TEST_CASE("redirect: whom the URL names is kept for the same scheme, host and port, however the location is written")
{
    const request_head asked = get("http://u:p@a/");
    for (const std::string_view location : {"/b", "b", "//a/b", "http://a/b", "http://A:80/b", "http://x:y@a/b"}) {
        CAPTURE(location);
        const auto kept = follow_redirect(asked, 302, {{"Location", std::string(location)}}, 0);
        REQUIRE(kept);
        CHECK(kept->target.path() == "/b");
        CHECK(kept->target.login() == asked.target.login());
    }
    const std::string_view elsewhere[] = {"https://a/", "http://a:81/", "http://b/", "http://u:p@b/", "http://a.b/",
                                          "http://b.a/", "http://a./", "//b/"};
    for (const std::string_view location : elsewhere) {
        CAPTURE(location);
        const auto next = follow_redirect(asked, 302, {{"Location", std::string(location)}}, 0);
        REQUIRE(next);
        CHECK_FALSE(next->target.login());
    }
}

TEST_CASE("redirect: from https to http, other schemes, bad and ambiguous locations are refused")
{
    const request_head request = get("https://u:hunter2@a/?token=hunter2");
    for (const std::string_view location : {"http://a/", "ftp://a/", "file:///etc/passwd", "https://a b/", "https://",
                                            "\\\\b", "javascript:alert(1)", "https://a:0/", "http://127.1/"}) {
        CAPTURE(location);
        const std::string what = refusal_of(request, 302, {{"Location", std::string(location)}});
        CHECK(what.starts_with("redirect https://***@a/?token=***: the redirect is refused ("));
        CHECK(what.find("hunter2") == std::string::npos);
    }
    refusal_of(request, 302, {{"Location", "/b"}, {"Location", "/c"}});
    CHECK(follow_redirect(request, 302, {{"Location", "/b"}, {"Location", "/b"}}, 0));
    CHECK(refusal_of(request, 302, {{"Location", "https://x:hunter2@a:b/"}}).find("hunter2") == std::string::npos);
}

TEST_CASE("redirect: the limit counts redirects")
{
    const request_head request = get("http://a/");
    const fields answer{{"Location", "/"}};
    CHECK(follow_redirect(request, 302, answer, 9));
    CHECK(refusal_of(request, 302, answer, 10).find("more than 10 redirects") != std::string::npos);
    CHECK_THROWS_AS((void)follow_redirect(request, 302, answer, 0, {.limit = 0}), weir::error);
}

TEST_CASE("redirect: none is followed, and none refused, where that is asked for")
{
    const request_head request = get("https://a/");
    const weir::http::redirect_options stay{.limit = 10, .follow = false};
    for (const char* location : {"/b", "http://insecure/", "no valid URL: \\"})
        CHECK_FALSE(follow_redirect(request, 302, {{"Location", location}}, 99, stay));
}

} // namespace
