// Whom TLS trusts, and what it says of those whom it does not.
#include <weir/net/tls_context.hpp>

#include "descriptors.hpp"
#include "tls_peer.hpp"
#include "tls_world.hpp"

#include <weir/error.hpp>

#include <boost/asio/this_coro.hpp>
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in_an_hour;
using test::tls_peer;
using test::tls_world;
using weir::net::secured;
using weir::net::tls_context;
using weir::net::tls_options;
using weir::net::tls_server_context;
using weir::net::transport;

/// An environment variable for one test.
class environment {
public:
    environment(std::string name, const std::string& value) : name_(std::move(name))
    {
        ::setenv(name_.c_str(), value.c_str(), 1);
    }
    environment(const environment&) = delete;
    environment& operator=(const environment&) = delete;
    ~environment() { ::unsetenv(name_.c_str()); }

private:
    std::string name_;
};

/// The outcome of a hand-shake with a server that shows `own`.
weir::result<void> meet(const test::identity& own, const tls_options& options, const std::string& host = "peer.test")
{
    asio::io_context context;
    tls_peer peer(own, 1, [](SSL*, int) {});
    const auto made = test::await(
        context, weir::as_result(secured(test::connected_to(context, peer.port()), tls_context(options), host, 443,
                                         in_an_hour())));
    return made ? weir::result<void>() : weir::failure(made.exception());
}

/// What a refusal says.
std::string refusal(const test::identity& own, const tls_options& options, const std::string& host = "peer.test")
{
    const std::size_t before = test::open_sockets();
    const auto outcome = meet(own, options, host);
    CHECK(outcome.code() == weir::errc::tls_failed);
    CHECK(test::open_sockets() == before);
    return outcome.message();
}

TEST_CASE("TLS: who is vouched for, by its name, is trusted")
{
    const tls_world world;
    CHECK(meet(world.peer, world.trusting()).has_value());
    CHECK(meet(world.peer, world.trusting(), "PEER.test").has_value());
    CHECK(meet(world.peer, world.trusting(), "peer.test.").has_value());
    const auto wild = world.issue({.names = "DNS:*.peer.test"});
    CHECK(meet(wild, world.trusting(), "any.peer.test").has_value());
    CHECK_FALSE(meet(wild, world.trusting(), "any.other.peer.test").has_value());
}

TEST_CASE("TLS: numeric addresses are checked as such")
{
    const tls_world world;
    const auto numeric = world.issue({.names = "IP:127.0.0.1,IP:2001:db8::1"});
    CHECK(meet(numeric, world.trusting(), "127.0.0.1").has_value());
    CHECK(meet(numeric, world.trusting(), "2001:db8::1").has_value());
    CHECK(meet(numeric, world.trusting(), "[2001:db8::1]").has_value());
    CHECK(refusal(numeric, world.trusting(), "127.0.0.2")
          == "make a TLS connection to 127.0.0.2:443: no trusted TLS connection (certificate: IP address mismatch)");
    CHECK_FALSE(meet(world.peer, world.trusting(), "127.0.0.1").has_value());
}

TEST_CASE("TLS: who is not trusted is refused with the reason")
{
    const tls_world world;
    const auto with = [](std::string_view reason) {
        return "make a TLS connection to peer.test:443: no trusted TLS connection (" + std::string(reason) + ")";
    };
    CHECK(refusal(world.issue({.names = "DNS:other.test"}), world.trusting())
          == with("certificate: hostname mismatch"));
    CHECK(refusal(world.issue({.names = ""}), world.trusting()) == with("certificate: hostname mismatch"));
    CHECK(refusal(world.issue({.names = "", .common_name = "peer.test"}), world.trusting())
          == with("certificate: hostname mismatch")); // RFC 9525: a common name is no host's
    CHECK(refusal(world.issue({.ends_in = -60}), world.trusting()) == with("certificate: certificate has expired"));
    CHECK(refusal(world.issue({.begins_in = 3000}), world.trusting())
          == with("certificate: certificate is not yet valid"));
    CHECK(refusal(test::make_identity(world.directory, {}), world.trusting())
          == with("certificate: self-signed certificate"));
    const tls_world elsewhere;
    CHECK(refusal(elsewhere.peer, world.trusting())
          == with("certificate: unable to get local issuer certificate"));
}

TEST_CASE("TLS: nobody is refused where the peer is not verified")
{
    const tls_world world;
    tls_options options;
    options.verify_peer = false;
    CHECK(meet(world.issue({.names = "DNS:other.test", .ends_in = -60}), options).has_value());
}

TEST_CASE("TLS: a directory, and the variables of the environment, say whom to trust")
{
    const tls_world world;
    char hashed[16];
    std::snprintf(hashed, sizeof hashed, "%08lx.0", X509_subject_name_hash(world.authority.certificate.get()));
    const std::string directory = world.directory / "trusted";
    std::filesystem::create_directory(directory);
    std::filesystem::copy_file(world.authority.certificate_file, directory + "/" + hashed);
    tls_options options;
    std::optional<environment> variable;
    SUBCASE("option") { options.ca_directory = directory; }
    SUBCASE("SSL_CERT_FILE") { variable.emplace("SSL_CERT_FILE", world.authority.certificate_file); }
    SUBCASE("SSL_CERT_DIR") { variable.emplace("SSL_CERT_DIR", directory); }
    SUBCASE("at the first use")
    {
        variable.emplace("SSL_CERT_FILE", world.authority.certificate_file);
        options.trust_at_first_use = true;
    }
    CHECK(meet(world.peer, options).has_value());
    const tls_world elsewhere;
    CHECK_FALSE(meet(elsewhere.peer, options).has_value());
}

TEST_CASE("TLS: files that cannot be used are named")
{
    const tls_world world;
    const std::string garbage = world.directory.write("garbage.pem", "not a certificate");
    const auto client = [](auto change) {
        tls_options options;
        change(options);
        tls_context made(options);
    };
    CHECK_THROWS_WITH(client([](auto& o) { o.ca_file = "/nowhere/ca.pem"; }),
                      "read the certificates /nowhere/ca.pem: no trusted TLS connection (No such file or directory)");
    CHECK_THROWS_WITH(client([&](auto& o) { o.ca_directory = "/nowhere/certs"; }),
                      "read the certificates /nowhere/certs: no trusted TLS connection (No such file or directory)");
    CHECK_THROWS_AS(client([&](auto& o) { o.ca_file = garbage; }), weir::error);
    CHECK_THROWS_AS(client([&](auto& o) { o.certificate_file = world.peer.certificate_file; }), weir::error);
    CHECK_THROWS_AS(client([](auto& o) { o.application_protocols = {""}; }), weir::error);
    auto server = world.showing(world.peer);
    server.key_file = world.authority.key_file;
    CHECK_THROWS_WITH_AS(tls_server_context{server},
                         ("read the key " + server.key_file + ": no trusted TLS connection (key values mismatch)").c_str(),
                         weir::error);
}

TEST_CASE("TLS: the name is sent to the server, an address is not")
{
    const tls_world world;
    const auto own = world.issue({.names = "DNS:peer.test,IP:127.0.0.1"});
    asio::io_context context;
    std::string sent;
    for (const std::string host : {"peer.test", "127.0.0.1"}) {
        {
            tls_peer peer(own, 1, [&](SSL* ssl, int) {
                const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
                sent = name ? name : "";
            });
            CHECK(test::await(context, weir::as_result(secured(test::connected_to(context, peer.port()),
                                                               tls_context(world.trusting()), host, 443, in_an_hour())))
                      .has_value());
        }
        CHECK(sent == (host == "peer.test" ? host : ""));
    }
}

TEST_CASE("TLS: a version below the least is refused")
{
    const tls_world world;
    asio::io_context context;
    auto options = world.trusting();
    options.minimum_version = weir::net::tls_version::tls1_3;
    tls_peer peer(world.peer, 1, [](SSL*, int) {}, TLS1_2_VERSION);
    const auto outcome = test::await(context, weir::as_result(secured(test::connected_to(context, peer.port()),
                                                                      tls_context(options), "peer.test", 443, in_an_hour())));
    CHECK(outcome.code() == weir::errc::tls_failed);
    CHECK_MESSAGE(outcome.message().find("protocol version") != std::string::npos, outcome.message());
}

TEST_CASE("TLS: a peer that speaks something else, hangs up or says nothing is told apart")
{
    const tls_world world;
    asio::io_context context;
    test::tcp_pair pair(context);
    const tls_context client(world.trusting());
    auto deadline = in_an_hour();
    weir::errc expected = weir::errc::tls_failed;
    std::string reason;
    SUBCASE("speaks HTTP")
    {
        asio::write(pair.theirs, asio::buffer("HTTP/1.1 400 Bad Request\r\n\r\n", 28));
        reason = "wrong version number";
    }
    SUBCASE("hangs up")
    {
        pair.theirs.shutdown(asio::socket_base::shutdown_send);
        reason = "the peer closed the connection";
    }
    SUBCASE("says nothing")
    {
        deadline = test::tls_clock::now() + 2ms;
        expected = weir::errc::deadline_exceeded;
    }
    SUBCASE("the deadline has passed")
    {
        deadline = test::tls_clock::now() - 1ms;
        expected = weir::errc::deadline_exceeded;
    }
    const auto outcome = test::await(
        context, weir::as_result(secured(std::move(pair.mine), client, "peer.test", 443, deadline)));
    CHECK(outcome.code() == expected);
    CHECK_MESSAGE(outcome.message().find(reason) != std::string::npos, outcome.message());
    CHECK(outcome.message().find("peer.test:443") != std::string::npos);
}

TEST_CASE("TLS: a peer that resets the connection in the hand-shake is the system's error")
{
    const tls_world world;
    asio::io_context context;
    test::tcp_pair pair(context);
    test::task<transport> connecting(context.get_executor(), secured(std::move(pair.mine), tls_context(world.trusting()),
                                                                     "peer.test", 443, in_an_hour()));
    test::run_ready(context);
    pair.theirs.set_option(asio::socket_base::linger(true, 0));
    pair.theirs.close();
    context.restart();
    while (!connecting.done())
        context.run_one();
    CHECK(connecting.outcome().code() == std::errc::connection_reset);
    CHECK(connecting.outcome().message() == "make a TLS connection to peer.test:443: connection reset by peer");
}

TEST_CASE("TLS: a client that does not trust the server, or speaks something else, is refused by the server's side")
{
    const tls_world world;
    const tls_world elsewhere;
    asio::io_context context;
    const tls_server_context server(world.showing(world.peer));
    test::tcp_pair next(context);
    test::task<transport> accepting(context.get_executor(),
                                    secured(transport(std::move(next.theirs)), server, in_an_hour()));
    SUBCASE("does not trust")
    {
        const auto outcome = test::await(context, weir::as_result(secured(std::move(next.mine), tls_context(elsewhere.trusting()),
                                                                          "peer.test", 443, in_an_hour())));
        CHECK(outcome.code() == weir::errc::tls_failed);
    }
    SUBCASE("speaks HTTP")
    {
        const std::string request = "GET / HTTP/1.1\r\nHost: peer.test\r\n\r\n";
        test::await(context, asio::async_write(next.mine, asio::buffer(request), asio::use_awaitable));
    }
    context.restart();
    while (!accepting.done())
        context.run_one();
    CHECK(accepting.outcome().code() == weir::errc::tls_failed);
    CHECK_MESSAGE(accepting.outcome().message().find("make a TLS connection to 127.0.0.1:") == 0, accepting.outcome().message());
}

TEST_CASE("TLS: a hand-shake that is cancelled after any number of steps leaves no socket")
{
    const tls_world world;
    const tls_context client(world.trusting());
    const tls_server_context server(world.showing(world.peer));
    const std::size_t before = test::open_sockets();
    bool finished = false;
    for (int steps = 0; !finished; ++steps) {
        CAPTURE(steps);
        REQUIRE(steps < 1000);
        asio::io_context context;
        test::tcp_pair pair(context);
        test::task<transport> connecting(context.get_executor(),
                                         secured(std::move(pair.mine), client, "peer.test", 443, in_an_hour()));
        test::task<transport> accepting(context.get_executor(),
                                        secured(transport(std::move(pair.theirs)), server, in_an_hour()));
        for (int i = 0; i < steps && !connecting.done(); ++i)
            context.run_one();
        finished = connecting.done();
        connecting.cancel();
        context.restart();
        context.run();
        CHECK(connecting.done());
        CHECK(accepting.done());
        if (!finished)
            CHECK(connecting.outcome().code() == weir::condition::cancelled);
    }
    CHECK(test::open_sockets() == before);
}

} // namespace
