#include <weir/http/url.hpp>

#include <weir/error.hpp>

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>

namespace url_test {
namespace {

using weir::http::url;

/// What a text is refused with.
struct refusal {
    std::error_code code;
    std::optional<std::uint64_t> offset;
    std::string what;
};

refusal refusal_of(std::string_view text)
{
    try {
        (void)url::parse(text);
    }
    catch (const weir::error& failure) {
        return {failure.code(), failure.offset(), failure.what()};
    }
    return {};
}

struct pair {
    std::string_view text;
    std::string_view expected;
};

TEST_CASE("url: parts are read, and defaults filled in")
{
    const url read = url::parse("HTTPS://Example.COM/a/b?x=1&y#z");
    CHECK(read.is_secure());
    CHECK(read.host() == "example.com");
    CHECK(read.port() == 443);
    CHECK(read.path() == "/a/b");
    CHECK(read.query() == "x=1&y");
    CHECK(read.fragment() == "z");
    CHECK_FALSE(read.login());
    CHECK(read.target() == "/a/b?x=1&y");
    CHECK(read.authority() == "example.com");
    CHECK(read.connect_target() == "example.com:443");
    CHECK(read.absolute_target() == "https://example.com/a/b?x=1&y");

    const url plain = url::parse("http://h:8080");
    CHECK(plain.target() == "/");
    CHECK(plain.authority() == "h:8080");
    CHECK(url::parse("http://h:/").port() == 80);
    CHECK(url::parse("http://h?q").target() == "/?q");
    CHECK(url::parse("http://h/?").query() == "");
    CHECK_FALSE(url::parse("http://h/").query());
}

TEST_CASE("url: what it holds is normal")
{
    constexpr std::array cases = {
        pair{"http://h/%7Euser/%e4%2f%41~", "http://h/%7Euser/%e4%2f%41~"}, // signed paths keep their bytes
        pair{"http://h/a/./b/../c", "http://h/a/c"},
        pair{"http://h/a/%2e%2E/b", "http://h/a/%2e%2E/b"},
        pair{"http://h/../..", "http://h/"},
        pair{"http://h/a//b/", "http://h/a//b/"},
        pair{"http://h/a//../b", "http://h/a/b"},
        pair{"http://h:80/", "http://h/"},
        pair{"https://h:80/", "https://h:80/"},
        pair{"http://h:0443/", "http://h:443/"},
        pair{"http://h./", "http://h./"},
        pair{"http://[2001:DB8:0:0:0:0:0:1]/", "http://[2001:db8::1]/"},
        pair{"http://[::ffff:10.0.0.1]:81/", "http://[::ffff:10.0.0.1]:81/"},
        pair{"http://10.0.0.1/", "http://10.0.0.1/"},
        pair{"http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"},
        pair{"http://h/\xc3\xbc|{}\"", "http://h/%C3%BC%7C%7B%7D%22"},
        pair{"http://h/?\xc3\xbc|%7e%c3", "http://h/?%C3%BC%7C%7e%c3"}, // signed queries keep their bytes
        pair{"http://h/a;p=1,2/@:&=+$!*'()", "http://h/a;p=1,2/@:&=+$!*'()"},
    };
    for (const pair& each : cases) {
        CAPTURE(each.text);
        CHECK(url::parse(each.text).unredacted() == each.expected);
        CHECK(url::parse(each.expected).unredacted() == each.expected);
    }
}

TEST_CASE("url: what two readers could understand differently is refused, with its place")
{
    struct bad {
        std::string_view text;
        std::uint64_t offset;
    };
    constexpr std::array cases = {
        bad{"", 0},
        bad{"example.com", 0},
        bad{"//h/", 0},
        bad{"/path", 0},
        bad{"http", 0},
        bad{"://h", 0},
        bad{"http:", 5},
        bad{"http:h", 5},
        bad{"http:/h", 5},
        bad{"http://", 7},
        bad{"http:///p", 7},
        bad{"http://:80/", 7},
        bad{"http://h:0/", 9},
        bad{"http://h:65536/", 9},
        bad{"http://h:8x/", 9},
        bad{"http://h:-1/", 9},
        bad{"http://h:+80/", 9},
        bad{"http://h:80:80/", 9},
        bad{" http://h/", 0},
        bad{"http://h/ ", 9},
        bad{"http://h/a b", 10},
        bad{"http://h/\tx", 9},
        bad{"http://h/\r\nHost: x", 9},
        bad{std::string_view("http://h/\0x", 11), 9},
        bad{"http://h/\x7f", 9},
        bad{"http://h\\@evil/", 8},
        bad{"http://h/\\x", 9},
        bad{"http://a@b@c/", 10},
        bad{"http://h/%", 9},
        bad{"http://h/%2", 9},
        bad{"http://h/%zz", 9},
        bad{"http://h/?%4", 10},
        bad{"http://h/#%4", 10},
        bad{"http://%68/", 7},
        bad{"http://a..b/", 9},
        bad{"http://.a/", 7},
        bad{"http://a<b/", 8},
        bad{"http://\xc3\xbc/", 7},
        bad{"http://127.1/", 7},
        bad{"http://2130706433/", 7},
        bad{"http://0x7f.1/", 7},
        bad{"http://0x7f000001/", 7},
        bad{"http://0177.0.0.1/", 7},
        bad{"http://1.2.3.4.5/", 7},
        bad{"http://256.1.1.1/", 7},
        bad{"http://1.2.3.4./", 7},
        bad{"http://a.0x/", 7},
        bad{"http://[::1/", 7},
        bad{"http://[::1]x/", 12},
        bad{"http://[]/", 8},
        bad{"http://[:::1]/", 8},
        bad{"http://[1.2.3.4]/", 8},
        bad{"http://[v1.x]/", 8},
        bad{"http://::1/", 7},
        bad{"http://[fe80::1%eth0]/", 15},
        bad{"http://[fe80::1%25]/", 18},
        bad{"http://[fe80::1%25a/b]/", 7},
        bad{"http://u%0a@h/", 7},
        bad{"http://u:p%0d@h/", 9},
        bad{"http://u%3Ax:p@h/", 7},
        bad{"http://u[@h/", 7},
    };
    for (const bad& each : cases) {
        CAPTURE(each.text);
        const refusal found = refusal_of(each.text);
        CHECK(found.code == weir::errc::bad_format);
        CHECK(found.offset == each.offset);
    }
}

TEST_CASE("url: other schemes have their own error, and too long a text is refused")
{
    for (const std::string_view text :
         {"ftp://h/", "file:///etc/passwd", "javascript:alert(1)", "h:80/", "httpx://h/"}) {
        CAPTURE(text);
        CHECK(refusal_of(text).code == weir::errc::unsupported_scheme);
    }
    const std::string longest = "http://h/" + std::string(url::max_bytes - 9, 'a');
    CHECK(url::parse(longest).path().size() == url::max_bytes - 8);
    CHECK(refusal_of(longest + 'a').offset == url::max_bytes);
    CHECK(refusal_of("http://" + std::string(64, 'a') + "/").code == weir::errc::bad_format);
    CHECK(url::parse("http://" + std::string(63, 'a') + "/").host().size() == 63);
}

TEST_CASE("url: an IPv6 zone is read, belongs to the origin, and is never sent")
{
    const url read = url::parse("http://[FE80::1%25eth0]:8080/x");
    CHECK(read.host() == "fe80::1");
    CHECK(read.zone() == "eth0");
    CHECK(read.authority() == "[fe80::1]:8080");
    CHECK(read.origin().host == "fe80::1%eth0");
    CHECK(read.origin() != url::parse("http://[fe80::1%25eth1]:8080/x").origin());
    CHECK(url::parse(read.unredacted()) == read);
}

TEST_CASE("url: credentials are decoded, and shown only on demand")
{
    const url read =
        url::parse("https://al%40ice:s%2Fecret%3A@h/p?X-Amz-Signature=abc&part=1&Token=&key=k#access_token=t");
    REQUIRE(read.login());
    CHECK(read.login()->user == "al@ice");
    CHECK(read.login()->password == "s/ecret:");
    CHECK(read.to_string() == "https://***@h/p?X-Amz-Signature=***&part=1&Token=***&key=***");
    CHECK(read.authority() == "h");
    CHECK(read.absolute_target().find("alice") == std::string::npos);
    CHECK(url::parse(read.unredacted()) == read);
    CHECK_FALSE(read.without_login().login());
    CHECK(url::parse("http://u@h/").login()->password.empty());
    CHECK_FALSE(url::parse("http://@h/").login());
}

TEST_CASE("url: any text is shown as the URL that it is, or without all that may be a secret")
{
    CHECK(weir::http::redacted("HTTP://u:p@h/a/../b?id=7&token=hunter2#x") == "http://***@h/b?id=7&token=***");
    CHECK(weir::http::redacted("s3://bucket/key") == "s3://bucket/key");
    CHECK(weir::http::redacted("ftp://u:hunter2@h/x?id=7") == "***@h/x?***");
    CHECK(weir::http::redacted("not a url\x1b") == "not a url\\x1b");
    CHECK(weir::http::redacted("/@evil.com") == "/@evil.com"); // a path has nobody in it
    CHECK(weir::http::redacted("//u:hunter2@h/") == "***@h/");
    CHECK(weir::http::redacted("http:/u:hunter2@h/") == "***@h/");
}

TEST_CASE("url: parameters are hidden whose names tell of a secret, and no others")
{
    for (const std::string name : {"pwd", "jwt", "bearer", "hmac", "session", "sid", "connect.sid", "JSESSIONID", "ticket", "sas",
                                   "hdnea", "Policy", "code", "auth_code", "x%70wd", "api_key", "accessKey", "AWSAccessKeyId",
                                   "sig", "sign", "X-Pin", "pass", "DPoP", "access_code"}) {
        CAPTURE(name);
        CHECK(url::parse("http://h/?a=1&" + name + "=hunter2&b=2").to_string() == "http://h/?a=1&" + name + "=***&b=2");
        // Whether a semicolon ends a parameter, servers do not agree.
        CHECK(url::parse("http://h/?a=1;" + name + "=hunter2;hunter2&b=2").to_string() == "http://h/?a=1;" + name + "=***&b=2");
    }
    for (const std::string query : {"inside=1", "barcode=1", "side=1", "sas", "a=token;b=code", "spin=1", "keyword=1", "monkey=1", "design=1",
                                    "author=1", "compass=1", "country_code=de", "cacheKey=1"})
        CHECK(url::parse("http://h/?" + query).to_string() == "http://h/?" + query);
}

TEST_CASE("url: a refusal never shows a secret, nor a byte that a terminal acts on")
{
    for (const std::string_view text : {"https://user:hunter2@host:x/", "https://user:hunter2/@host/ ",
                                        "user:hunter2@host", "https://h/ ?sig=hunter2", "https://hunter2@x@h/",
                                        "https://u:p?hunter2@h\\", "http://h\x1b[31m/#hunter2", "ftp://u:hunter2@h/"}) {
        const std::string what = refusal_of(text).what;
        CAPTURE(what);
        CHECK_FALSE(what.empty());
        CHECK(what.find("hunter2") == std::string::npos);
        CHECK(what.find('\x1b') == std::string::npos);
    }
    CHECK(refusal_of("https://u:p@host/a b").what
          == "parse https://***@host/a b at 18: bad format (a blank; %20 stands for it)");
    CHECK(refusal_of("https://u:p@ss@host/").what
          == "parse https://***@host/ at 14: bad format (a second @; %40 stands for it in a password)");
}

// RFC 3986, sections 5.4.1 and 5.4.2; `g:h` and `http:g` are no URLs here.
TEST_CASE("url: what servers send in references as it is, is encoded where it does no harm, and refused elsewhere")
{
    const url base = url::parse("http://h/d/f");
    constexpr std::array cases = {
        pair{"/my file", "http://h/my%20file"},
        pair{"my file?a b#c d", "http://h/d/my%20file?a%20b#c%20d"},
        pair{"http://g/a b", "http://g/a%20b"},
        pair{"/%zz", "http://h/%25zz"},
        pair{"/100%", "http://h/100%25"},
        pair{"/%%41%4", "http://h/%25%41%254"},
        pair{"?50%&%4", "http://h/d/f?50%25&%254"},
        pair{"/\xc3\xa4 \"<>", "http://h/%C3%A4%20%22%3C%3E"},
        pair{"/a%20b%2f", "http://h/a%20b%2f"},
    };
    for (const pair& each : cases) {
        CAPTURE(each.text);
        const url read = base.resolve(each.text);
        CHECK(read.unredacted() == each.expected);
        CHECK(url::parse(each.expected) == read);
    }
    for (const std::string_view text : {"http://g g/", "http://g%zz/", "http://u u@g/", "http://u%zz@g/", "http://g:8 0/", "//g /",
                                        "/a\\b", "/\\g", "/a\tb", "/a\nb", "/a\x7f"}) {
        CAPTURE(text);
        CHECK_THROWS_AS((void)base.resolve(text), weir::error);
    }
    CHECK_THROWS_AS((void)url::parse("http://h/a b"), weir::error); // a person can be asked
    CHECK_THROWS_AS((void)url::parse("http://h/%zz"), weir::error);
}

TEST_CASE("url: references resolve as RFC 3986 says")
{
    constexpr std::array cases = {
        pair{"g", "http://a/b/c/g"},
        pair{"./g", "http://a/b/c/g"},
        pair{"g/", "http://a/b/c/g/"},
        pair{"/g", "http://a/g"},
        pair{"//g", "http://g/"},
        pair{"?y", "http://a/b/c/d;p?y"},
        pair{"g?y", "http://a/b/c/g?y"},
        pair{"#s", "http://a/b/c/d;p?q#s"},
        pair{"g#s", "http://a/b/c/g#s"},
        pair{"g?y#s", "http://a/b/c/g?y#s"},
        pair{";x", "http://a/b/c/;x"},
        pair{"g;x", "http://a/b/c/g;x"},
        pair{"g;x?y#s", "http://a/b/c/g;x?y#s"},
        pair{"", "http://a/b/c/d;p?q"},
        pair{".", "http://a/b/c/"},
        pair{"./", "http://a/b/c/"},
        pair{"..", "http://a/b/"},
        pair{"../", "http://a/b/"},
        pair{"../g", "http://a/b/g"},
        pair{"../..", "http://a/"},
        pair{"../../", "http://a/"},
        pair{"../../g", "http://a/g"},
        pair{"../../../g", "http://a/g"},
        pair{"../../../../g", "http://a/g"},
        pair{"/./g", "http://a/g"},
        pair{"/../g", "http://a/g"},
        pair{"g.", "http://a/b/c/g."},
        pair{".g", "http://a/b/c/.g"},
        pair{"g..", "http://a/b/c/g.."},
        pair{"..g", "http://a/b/c/..g"},
        pair{"./../g", "http://a/b/g"},
        pair{"./g/.", "http://a/b/c/g/"},
        pair{"g/./h", "http://a/b/c/g/h"},
        pair{"g/../h", "http://a/b/c/h"},
        pair{"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        pair{"g;x=1/../y", "http://a/b/c/y"},
        pair{"g?y/./x", "http://a/b/c/g?y/./x"},
        pair{"g?y/../x", "http://a/b/c/g?y/../x"},
        pair{"g#s/./x", "http://a/b/c/g#s/./x"},
        pair{"g#s/../x", "http://a/b/c/g#s/../x"},
        pair{"https://x:1/y", "https://x:1/y"},
        pair{"//x:81/%7e", "http://x:81/%7e"},
    };
    const url base = url::parse("http://a/b/c/d;p?q");
    for (const pair& each : cases) {
        CAPTURE(each.text);
        CHECK(base.resolve(each.text).unredacted() == each.expected);
    }
    CHECK_THROWS_AS((void)base.resolve("g:h"), weir::error);
    CHECK_THROWS_AS((void)base.resolve("http:g"), weir::error);
    CHECK_THROWS_AS((void)base.resolve("///x"), weir::error);
}

TEST_CASE("url: a reference keeps credentials only where it names no host")
{
    const url base = url::parse("http://u:p@a/b");
    CHECK(base.resolve("c").login() == base.login());
    CHECK_FALSE(base.resolve("//a/c").login());
    CHECK_FALSE(base.resolve("http://a/c").login());
}

TEST_CASE("url: another target is taken byte for byte")
{
    const url base = url::parse("http://h/a?b");
    CHECK(base.with_target("/x/../%7e//y").target() == "/x/../%7e//y");
    CHECK(base.with_target("/x?y=%41").query() == "y=%41");
    CHECK_FALSE(base.with_target("/x").query());
    for (const std::string_view bad : {"", "x", "?x", "/a b", "/a\r\n", "/a#b", "/\xc3\xbc", "/%x"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS((void)base.with_target(bad), weir::error);
    }
}

TEST_CASE("url: origins are equal where scheme, host and port are")
{
    const auto origin = url::parse("https://h/a").origin();
    CHECK(origin == url::parse("HTTPS://u:p@H:443/b?c").origin());
    CHECK(origin != url::parse("http://h:443/a").origin());
    CHECK(origin != url::parse("https://h:444/a").origin());
    CHECK(origin != url::parse("https://h./a").origin());
}

std::string random_text(std::mt19937_64& random, std::string_view alphabet, std::size_t most)
{
    std::string out(random() % (most + 1), '\0');
    for (char& c : out)
        c = alphabet[random() % alphabet.size()];
    return out;
}

TEST_CASE("url: what is written is read back as the same, and again written the same")
{
    CAPTURE(test::seed());
    std::mt19937_64 random = test::generator(1);
    constexpr std::string_view path = "ab./%AZ~;@:&=|\xc3\xbc\"[]";
    constexpr std::array hosts = {"h", "Example.com", "10.0.0.1", "[::1]", "[fe80::1%25en0]", "a-b_c.d."};
    constexpr std::array logins = {"", "u@", "u:p@", "u%20%C3:%2F%25@", ":p@"};
    constexpr std::array ports = {"", ":", ":80", ":443", ":65535"};
    int read = 0;
    for (int round = 0; round < 5000; ++round) {
        std::string text = random() % 2 ? "http://" : "https://";
        text.append(logins[random() % logins.size()]).append(hosts[random() % hosts.size()]);
        text.append(ports[random() % ports.size()]).append("/").append(random_text(random, path, 12));
        if (random() % 2)
            text.append("?").append(random_text(random, path, 8));
        if (random() % 2)
            text.append("#").append(random_text(random, path, 8));
        CAPTURE(text);
        std::optional<url> once;
        try {
            once = url::parse(text);
        }
        catch (const weir::error& refused) {
            REQUIRE(text.find('%') != std::string::npos); // an incomplete encoding is all that can be wrong
            continue;
        }
        ++read;
        const std::string written = once->unredacted();
        REQUIRE(url::parse(written) == *once);
        REQUIRE(url::parse(written).unredacted() == written);
        REQUIRE(once->resolve("").without_login().target() == once->target());
    }
    CHECK(read > 500);
}

TEST_CASE("url: any text is read or refused with a place in it")
{
    CAPTURE(test::seed());
    std::mt19937_64 random = test::generator(2);
    constexpr std::string_view alphabet = "htps:/@.[]%25#?a1 \\\x01\xff";
    const url base = url::parse("http://u:p@h/a/b?c");
    for (int round = 0; round < 5000; ++round) {
        const std::string text = (random() % 2 ? "http://" : "") + random_text(random, alphabet, 24);
        CAPTURE(text);
        try {
            const url read = random() % 2 ? url::parse(text) : base.resolve(text);
            REQUIRE(url::parse(read.unredacted()) == read);
        }
        catch (const weir::error& refused) {
            REQUIRE(refused.offset());
            REQUIRE(*refused.offset() <= text.size());
        }
    }
}

} // namespace
} // namespace url_test
