#include <weir/http/proxy.hpp>

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <map>
#include <string>

namespace {

using weir::http::no_proxy_list;
using weir::http::proxy_options;
using weir::http::proxy_selector;
using weir::http::url;

using variables = std::map<std::string, std::string>;

proxy_selector selector(const variables& set, proxy_options options = {})
{
    return proxy_selector(std::move(options), [&set](const std::string& name) {
        const auto found = set.find(name);
        return found == set.end() ? std::nullopt : std::optional(found->second);
    });
}

/// The proxy for a URL, with its secrets; empty if there is none.
std::string proxy_for(std::string_view target, const variables& set, proxy_options options = {})
{
    const auto found = selector(set, std::move(options)).proxy_for(url::parse(target));
    return found ? found->unredacted() : "";
}

TEST_CASE("proxy: each scheme has its variable, lower case first, and upper-case HTTP_PROXY is not read")
{
    CHECK(proxy_for("http://h/", {}).empty());
    CHECK(proxy_for("http://h/", {{"http_proxy", "http://p:1/"}}) == "http://p:1/");
    CHECK(proxy_for("https://h/", {{"http_proxy", "http://p:1/"}}).empty());
    CHECK(proxy_for("http://h/", {{"HTTP_PROXY", "http://p:1/"}}).empty());
    CHECK(proxy_for("https://h/", {{"HTTPS_PROXY", "http://p:1/"}}) == "http://p:1/");
    CHECK(proxy_for("https://h/", {{"HTTPS_PROXY", "http://p:1/"}, {"https_proxy", "http://q:2/"}}) == "http://q:2/");
    CHECK(proxy_for("http://h/", {{"ALL_PROXY", "http://p:1/"}}) == "http://p:1/");
    CHECK(proxy_for("https://h/", {{"ALL_PROXY", "http://p:1/"}, {"all_proxy", "http://q:2/"}}) == "http://q:2/");
    CHECK(proxy_for("http://h/", {{"http_proxy", "http://p:1/"}, {"all_proxy", "http://q:2/"}}) == "http://p:1/");
    CHECK(proxy_for("http://h/", {{"http_proxy", ""}, {"all_proxy", "http://q:2/"}}) == "http://q:2/");
}

TEST_CASE("proxy: an option comes before the environment, an empty one means none")
{
    const variables set{{"http_proxy", "http://p:1/"}, {"no_proxy", "direct.example"}};
    CHECK(proxy_for("http://h/", set, {.proxy = "http://o:3", .no_proxy = {}}) == "http://o:3/");
    CHECK(proxy_for("https://h/", set, {.proxy = "http://o:3", .no_proxy = {}}) == "http://o:3/");
    CHECK(proxy_for("http://h/", set, {.proxy = "", .no_proxy = {}}).empty());
    CHECK(proxy_for("http://direct.example/", set, {.proxy = "http://o:3", .no_proxy = {}}).empty());
    CHECK(proxy_for("http://direct.example/", set, {.proxy = "http://o:3", .no_proxy = ""}) == "http://o:3/");
    CHECK(proxy_for("http://h/", set, {.proxy = {}, .no_proxy = "h"}).empty());
}

TEST_CASE("proxy: its URL may lack scheme and port, and has credentials of its own")
{
    const auto through = [](const std::string& proxy) { return proxy_for("http://h/", {{"http_proxy", proxy}}); };
    CHECK(through("p") == "http://p:1080/");
    CHECK(through("p:") == "http://p:1080/");
    CHECK(through("p:3128") == "http://p:3128/");
    CHECK(through("http://p") == "http://p:1080/");
    CHECK(through("http://p:80/") == "http://p/");
    CHECK(through("https://p") == "https://p/");
    CHECK(through("u:pw@p") == "http://u:pw@p:1080/");
    CHECK(through("http://u:12@p/") == "http://u:12@p:1080/");
    CHECK(through("[::1]") == "http://[::1]:1080/");
    CHECK(through("http://[::1]:3128") == "http://[::1]:3128/");
    CHECK(through("http://u:pw@p:8/path?query#fragment") == "http://u:pw@p:8/"); // as curl reads it
    CHECK(through("p/path") == "http://p:1080/");
}

TEST_CASE("proxy: one that cannot be used is an error where it is needed, without its secrets")
{
    const auto code_of = [](const std::string& proxy) -> std::error_code {
        const auto chosen = selector({{"http_proxy", proxy}});
        CHECK_FALSE(chosen.proxy_for(url::parse("https://h/")));
        try {
            (void)chosen.proxy_for(url::parse("http://h/"));
        }
        catch (const weir::error& refused) {
            CHECK(std::string_view(refused.what()).find("hunter2") == std::string_view::npos);
            return refused.code();
        }
        return {};
    };
    CHECK(code_of("socks5://u:hunter2@p:1080") == weir::errc::unsupported_scheme);
    CHECK(code_of("u:hunter2@") == weir::errc::bad_format);
    CHECK(code_of("http://u:hunter2@p:x") == weir::errc::bad_format);
}

TEST_CASE("proxy: the error of one that cannot be used tells what named it")
{
    const auto operation_of = [](const variables& set, const proxy_options& options = {}) -> std::string {
        try {
            (void)selector(set, options).proxy_for(url::parse("https://h/"));
        }
        catch (const weir::error& refused) {
            CHECK(std::string_view(refused.what()).find("hunter2") == std::string_view::npos);
            return refused.operation();
        }
        return {};
    };
    CHECK(operation_of({{"https_proxy", "http://"}}) == "use https_proxy");
    CHECK(operation_of({{"HTTPS_PROXY", "http://u:80/hunter2@p"}}) == "use HTTPS_PROXY");
    CHECK(operation_of({{"https_proxy", ""}, {"all_proxy", "socks5://u:hunter2@p"}}) == "use all_proxy");
    CHECK(operation_of({{"ALL_PROXY", "http://p:x"}, {"https_proxy", "p"}}).empty());
    CHECK(operation_of({{"all_proxy", "p"}}, {.proxy = "http://u:hunter2?@p", .no_proxy = {}}) == "use proxy");
}

struct row {
    const char* list;
    const char* target;
    bool direct;
};

void check(std::initializer_list<row> rows)
{
    for (const row& each : rows) {
        CAPTURE(each.list);
        CAPTURE(each.target);
        CHECK(no_proxy_list(each.list).matches(url::parse(each.target)) == each.direct);
    }
}

TEST_CASE("no-proxy: names match themselves and what is below them")
{
    check({{"", "http://h/", false},
           {" , ,", "http://h/", false},
           {"*", "http://h/", true},
           {"a,*", "http://h/", true},
           {"example.com", "http://example.com/", true},
           {"example.com", "http://www.Example.com./", true},
           {"EXAMPLE.com.", "http://example.com/", true},
           {".example.com", "http://www.example.com/", true},
           {".example.com", "http://example.com/", true},
           {"*.example.com", "http://www.example.com/", true},
           {"example.com", "http://badexample.com/", false},
           {"example.com", "http://example.com.evil/", false},
           {"www.example.com", "http://example.com/", false},
           {"a b\texample.com", "http://example.com/", true},
           {"a, example.com ,b", "http://example.com/", true},
           {"localhost", "http://localhost/", true},
           {".", "http://h/", false},
           {"*.", "http://h/", false},
           {"*h", "http://h/", false},
           {"http://h", "http://h/", false}});
}

TEST_CASE("no-proxy: a port limits an element to it")
{
    check({{"h:80", "http://h/", true},
           {"h:80", "https://h/", false},
           {"h:443", "https://h/", true},
           {"h:8080", "http://h/", false},
           {".example.com:8080", "http://a.example.com:8080/", true},
           {"10.0.0.1:80", "http://10.0.0.1/", true},
           {"10.0.0.1:81", "http://10.0.0.1/", false},
           {"[::1]:80", "http://[::1]/", true},
           {"[::1]:81", "http://[::1]/", false},
           {"h:", "http://h/", false},
           {"h:x", "http://h/", false},
           {"h:65616", "http://h/", false}, // 80 modulo 2^16
           {":80", "http://h/", false}});
}

TEST_CASE("no-proxy: addresses and blocks match addresses, however those are written")
{
    check({{"127.0.0.1", "http://127.0.0.1/", true},
           {"0.0.1", "http://127.0.0.1/", false},
           {"1", "http://127.0.0.1/", false},
           {"127.0.0.1", "http://localhost/", false},
           {"10.0.0.0/8", "http://10.255.0.1/", true},
           {"10.0.0.0/8", "http://11.0.0.1/", false},
           {"192.168.4.0/22", "http://192.168.7.255/", true},
           {"192.168.4.0/22", "http://192.168.8.0/", false},
           {"10.1.2.3/32", "http://10.1.2.3/", true},
           {"10.1.2.3/32", "http://10.1.2.2/", false},
           {"0.0.0.0/0", "http://10.1.2.3/", true},
           {"0.0.0.0/0", "http://h/", false},
           {"0.0.0.0/0", "http://[::1]/", false},
           {"10.0.0.0/33", "http://10.0.0.0/", false},
           {"10.0.0.0/", "http://10.0.0.0/", false},
           {"10.0.0.0/-1", "http://10.0.0.0/", false},
           {"10.0.0.0/8x", "http://10.0.0.0/", false},
           {"10/8", "http://10.0.0.0/", false},
           {"::1", "http://[::1]/", true},
           {"[::1]", "http://[0:0:0:0:0:0:0:1]/", true},
           {"fe80::1", "http://[fe80::1%25eth0]/", true},
           {"fd00::/8", "http://[fdff::1]/", true},
           {"fd00::/8", "http://[fe00::1]/", false},
           {"2001:db8::/33", "http://[2001:db8:7fff::1]/", true},
           {"2001:db8::/33", "http://[2001:db8:8000::1]/", false},
           {"::/0", "http://[::1]/", true},
           {"::1/129", "http://[::1]/", false},
           {"[", "http://h/", false},
           {"[]", "http://[::1]/", false},
           {"]:80", "http://h/", false}});
}

} // namespace
