#include "http_options.hpp"

#include "command.hpp"

#include <weir/http/url.hpp>

#include "support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace http_options_test {
namespace {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;
const strings one_url = {"http://host/"};

tool::http_settings settings_of(strings options, const strings& arguments = one_url, bool or_more = false)
{
    tool::command_line line("test", "", "", "");
    const tool::http_options web(line);
    options.insert(options.begin(), "test");
    std::vector<char*> pointers;
    for (std::string& each : options)
        pointers.push_back(each.data());
    pointers.push_back(nullptr);
    (void)line.parse(static_cast<int>(options.size()), pointers.data());
    return web.resolve(arguments, or_more);
}

/// Why a command line is refused; empty if it is not.
std::string refusal_of(strings options, const strings& arguments = one_url, bool or_more = false)
{
    try {
        (void)settings_of(std::move(options), arguments, or_more);
    }
    catch (const tool::usage_error& refused) {
        return refused.what();
    }
    return {};
}

TEST_CASE("http options: without any, the library's defaults stay")
{
    const tool::http_settings found = settings_of({});
    CHECK(found.client.limits.idle == weir::http::time_limits().idle);
    CHECK(found.client.retry.attempts == weir::http::retry_options().attempts);
    CHECK(found.client.tls.verify_peer);
    CHECK_FALSE(found.client.proxy.proxy);
    CHECK_FALSE(found.source.expected);
    CHECK(found.source.parallel == 1);
}

TEST_CASE("http options: each sets what it names")
{
    const tool::http_settings found = settings_of(
        {"-H", "A: b c ", "--header=D:e", "--retries", "7", "--parallel", "33", "--min-rate", "1K",
         "--timeout-connect", "1.5", "--timeout-first-byte", "0.0001", "--timeout-idle", "0", "--timeout-total", "3600",
         "--proxy", "http://p:8080", "--insecure"});
    CHECK(found.source.header == weir::http::fields{{"A", "b c"}, {"D", "e"}});
    CHECK(found.client.retry.attempts == 8);
    CHECK(found.source.parallel == 33);
    CHECK(settings_of({"--max-rate", "2M"}).source.max_rate == 2 << 20);
    CHECK(found.client.limits.min_rate == 1024);
    CHECK(found.client.limits.resolve == 1500ms);
    CHECK(found.client.limits.connect == 1500ms);
    CHECK(found.client.limits.first_byte == 1ms);
    CHECK(found.client.limits.idle == weir::http::time_limits::unlimited);
    CHECK(found.client.limits.total == 1h);
    CHECK(found.client.proxy.proxy == "http://p:8080");
    CHECK_FALSE(found.client.tls.verify_peer);
    CHECK(settings_of({"--unix-socket", "/run/x"}).client.unix_socket == "/run/x");
    CHECK(settings_of({"--proxy", ""}).client.proxy.proxy == "");
}

TEST_CASE("http options: a header line that is none is refused, and no value of one is ever shown")
{
    for (const std::string line : {"hunter2", "hunter2 : x", ": hunter2", "Authorization: hunter2\x01", "A b: hunter2",
                                   "Content-Length: 1hunter2", "connection: hunter2", "Host\r\nX: hunter2"}) {
        const std::string why = refusal_of({"-H", line});
        CAPTURE(line);
        CHECK(why.find("--header") == 0);
        CHECK(why.find("hunter2") == std::string::npos);
    }
}

TEST_CASE("http options: header lines can come from a file")
{
    const test::temp_dir directory;
    const std::string path = directory.write("lines", "A: 1\r\n\nB: 2");
    CHECK(settings_of({"-H", "@" + path, "-H", "C: 3"}).source.header
          == weir::http::fields{{"A", "1"}, {"B", "2"}, {"C", "3"}});
    CHECK(refusal_of({"-H", "@" + path + "x"}).find("lines") != std::string::npos);
    CHECK_FALSE(refusal_of({"-H", "@" + directory.write("bad", "A: 1\nhunter2\n")}).empty());
}

TEST_CASE("http options: the digest is 64 digits, and for one URL alone")
{
    const std::string digits = "0123456789abcdefABCDEF00" + std::string(40, '1');
    const auto expected = settings_of({"--expect-sha256", digits}).source.expected;
    REQUIRE(expected);
    REQUIRE(expected->value.size() == 32);
    CHECK(expected->value[7] == std::byte{0xef});
    CHECK(expected->value[10] == std::byte{0xef});
    CHECK(expected->algorithm == weir::http::checksum_algorithm::sha256);
    for (const std::string& text : {std::string(), digits + "0", digits.substr(1), digits.substr(1) + "g",
                                    digits.substr(2) + "0g", digits + digits})
        CHECK(refusal_of({"--expect-sha256", text}).find("64 hexadecimal digits") != std::string::npos);
    CHECK_FALSE(refusal_of({"--expect-sha256", digits}, {"http://a/", "http://b/"}).empty());
    CHECK_FALSE(refusal_of({"--expect-sha256", digits}, {"file"}).empty());
    CHECK_FALSE(refusal_of({"--expect-sha256", digits}, one_url, true).empty());
}

TEST_CASE("http options: values that cannot be are refused by the option's name")
{
    for (const strings& options : std::vector<strings>{
             {"--retries", "-1"}, {"--retries", "x"}, {"--parallel", "0"}, {"--parallel", "65"}, {"--max-rate", "0"},
             {"--min-rate", "fast"}, {"--timeout-idle", "-1"}, {"--timeout-idle", "nan"}, {"--timeout-total", "1e99"},
             {"--timeout-connect", "1s"}, {"--timeout-first-byte", ""}, {"--proxy", "socks5://p:1"}, {"--cacert", ""},
             {"--proxy", "http://p:x"}, {"--unix-socket", ""}, {"--unix-socket", std::string(108, 'x')},
             {"--cacert", "/proc/no/such/file"}, {"--cacert", "/dev/null"}}) {
        CAPTURE(options.front());
        CHECK(refusal_of(options).find(options.front()) == 0);
    }
    CHECK(refusal_of({"--proxy", "http://u:hunter2@p:x"}).find("hunter2") == std::string::npos);
}

TEST_CASE("http options: what excludes each other is refused")
{
    CHECK_FALSE(refusal_of({"--unix-socket", "/x", "--proxy", "http://p"}).empty());
    CHECK_FALSE(refusal_of({"--cacert", "/x", "--insecure"}).empty());
    CHECK_FALSE(refusal_of({"--parallel", "2", "--max-rate", "1M"}).empty());
    CHECK_FALSE(refusal_of({"--parallel", "2", "-H", "range: bytes=0-9"}).empty());
}

} // namespace
} // namespace http_options_test
