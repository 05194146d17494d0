// The fixture that other tests stand on, with curl as the client.

#include "support/nginx.hpp"

#include <weir/testing/generated.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

struct outcome {
    int code = -1;
    std::string output;
};

/// \param arguments  for the shell, none of which needs quoting
outcome curl(const std::string& arguments)
{
    std::FILE* const pipe = ::popen(("curl --silent --noproxy '*' " + arguments).c_str(), "r");
    REQUIRE(pipe);
    outcome done;
    std::array<char, 65536> room;
    while (const std::size_t count = std::fread(room.data(), 1, room.size(), pipe))
        done.output.append(room.data(), count);
    done.code = ::pclose(pipe) / 256;
    return done;
}

bool has_curl()
{
    const bool found = curl("--version").code == 0;
    if (!found)
        MESSAGE("skipped: curl is not installed");
    return found;
}

TEST_CASE("nginx: serves its directory by http and by https, with a certificate that holds")
{
    const auto server = test::nginx::start();
    if (!server || !has_curl())
        return;
    const std::string content = weir::testing::generated(1, 0, 1'000'000);
    server->write("some/file", content);
    CHECK(curl(server->http_url("/some/file")).output == content);
    CHECK(curl("--cacert " + server->authority_file() + ' ' + server->https_url("/some/file")).output == content);
    CHECK(curl("--range 10-19 " + server->http_url("/some/file")).output == content.substr(10, 10));
    CHECK(curl(server->https_url("/some/file")).code == 60); // nobody else trusts the authority
}

TEST_CASE("nginx: two run at once, and what is configured more holds")
{
    test::nginx_options options;
    options.in_server = "location = /teapot { return 418; }";
    const auto first = test::nginx::start(options);
    const auto second = test::nginx::start();
    if (!first || !second || !has_curl())
        return;
    CHECK(curl("-o /dev/null -w %{http_code} " + first->http_url("/teapot")).output == "418");
    CHECK(curl("-o /dev/null -w %{http_code} " + second->http_url("/teapot")).output == "404");
}

TEST_CASE("nginx: is gone with its object")
{
    auto server = test::nginx::start();
    if (!server || !has_curl())
        return;
    const std::string url = server->http_url();
    server.reset();
    CHECK(curl(url).code == 7);
}

TEST_CASE("nginx: a configuration that is wrong is an error that says why")
{
    test::nginx_options options;
    options.in_server = "nonsense;";
    try {
        if (test::nginx::start(options))
            FAIL_CHECK("it started");
    }
    catch (const std::runtime_error& refused) {
        CHECK(std::string(refused.what()).find("unknown directive \"nonsense\"") != std::string::npos);
    }
}

} // namespace
