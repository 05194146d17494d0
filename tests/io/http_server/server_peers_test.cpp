// Clients that exist: the library's own, over TLS, and curl.
#include <weir/http/server.hpp>

#include "serving.hpp"
#include "support/certificates.hpp"
#include "support/coroutine.hpp"
#include "support/files.hpp"
#include "support/temp_dir.hpp"

#include <weir/http/client.hpp>

#include <cstdlib>
#include <optional>
#include <string>

namespace {

using test::has;
using test::serving;
namespace asio = boost::asio;
namespace http = weir::http;
using namespace std::chrono_literals;

/// A server of https, and whom its clients have to trust.
struct secure_server {
    secure_server() : server(test::echo, options()) {}

    http::server_options options()
    {
        test::certificate_wish wish;
        wish.names = "DNS:localhost,IP:127.0.0.1";
        const test::identity made = test::make_identity(folder, wish);
        trusted = made.certificate_file;
        http::server_options out;
        out.handshake_time = 5s;
        out.tls.emplace(weir::net::tls_server_options{made.certificate_file, made.key_file, {}, {}});
        return out;
    }
    [[nodiscard]] std::string url(std::string_view path) const
    {
        return "https://127.0.0.1:" + std::to_string(server.where().port()) + std::string(path);
    }

    test::temp_dir folder;
    std::string trusted;
    serving server;
};

asio::awaitable<std::string> body_of(http::client& client, const std::string& url)
{
    http::request_head request{"GET", http::url::parse(url), {}, http::request_body::none};
    http::response answer = co_await client.send(std::move(request));
    std::string out(100, '\0');
    std::size_t size = 0;
    for (std::size_t bytes = 1; bytes > 0; size += bytes)
        bytes = co_await answer.read_some(std::as_writable_bytes(std::span(out).subspan(size)));
    out.resize(size);
    co_return out;
}

TEST_CASE("server: the library's client is served over TLS, on one connection")
{
    secure_server secure;
    asio::io_context context;
    http::client_options options;
    options.tls.ca_file = secure.trusted;
    {
        http::client client(context.get_executor(), options);
        CHECK(test::await(context, body_of(client, secure.url("/one"))) == "GET /one ");
        CHECK(test::await(context, body_of(client, secure.url("/two"))) == "GET /two ");
        client.close();
    }
    CHECK(secure.server.server().statistics().accepted == 1);
}

TEST_CASE("server: what is no TLS is told of, and harms nobody")
{
    secure_server secure;
    (void)secure.server.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(secure.server.record().failures(1)[0] == weir::errc::tls_failed);
}

/// What curl writes; nothing if there is no curl.
std::optional<std::string> curl(const test::temp_dir& folder, const std::string& arguments)
{
    if (!test::is_installed("curl")) {
        MESSAGE("skipped: curl is not installed");
        return std::nullopt;
    }
    const std::string out = folder / "out";
    const std::string command = "curl --silent --show-error --max-time 20 --output '" + out + "' " + arguments;
    REQUIRE(std::system(command.c_str()) == 0);
    return test::content_of(out);
}

TEST_CASE("server: curl gets, uploads with an invitation and in chunks, by http and https")
{
    secure_server secure;
    serving plain(test::echo);
    const std::string data(3 << 20, 'x');
    const std::string file = secure.folder.write("data", data);
    const std::string http_url = "http://127.0.0.1:" + std::to_string(plain.where().port()) + "/a";
    const std::string https_url = "--cacert '" + secure.trusted + "' " + secure.url("/a");
    for (const std::string& url : {http_url, https_url}) {
        const auto got = curl(secure.folder, url);
        if (!got)
            return;
        CHECK(*got == "GET /a ");
        CHECK(curl(secure.folder, "--http1.1 --upload-file '" + file + "' " + url) == "PUT /a " + data);
        CHECK(curl(secure.folder, "--http1.1 --upload-file - " + url + " < '" + file + "'") == "PUT /a " + data);
        CHECK(has(curl(secure.folder, "--head " + url).value(), "Content-Length: 8\r\n"));
    }
}

} // namespace
