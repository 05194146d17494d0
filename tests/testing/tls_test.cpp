// An origin that speaks TLS, with OpenSSL as the client.

#include <weir/testing/origin.hpp>

#include "raw_client.hpp"
#include "support/certificates.hpp"
#include "support/temp_dir.hpp"

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace {

using test::status_line;
using weir::testing::at_body;
using weir::testing::connection_end;
using weir::testing::generated;
using weir::testing::origin;
using weir::testing::origin_record;
using weir::testing::script;

using context_ptr = std::unique_ptr<SSL_CTX, test::freed<SSL_CTX_free>>;
using session_ptr = std::unique_ptr<SSL_SESSION, test::freed<SSL_SESSION_free>>;
using tls_ptr = std::unique_ptr<SSL, test::freed<SSL_free>>;

/// A certificate, and scripts that use it.
struct world {
    test::temp_dir directory;
    test::identity authority = test::make_authority(directory);
    test::identity server = test::make_identity(directory, {.names = "DNS:localhost"}, &authority);

    [[nodiscard]] script secured() const
    {
        script played;
        played.tls(server.certificate_file, server.key_file);
        played.object("big", 1'000'000, 7);
        return played;
    }
};

/// A client that trusts the world's authority.
class tls_client {
public:
    tls_client(const world& here, const origin& server, SSL_SESSION* before = nullptr)
        : connection_(server), context_(SSL_CTX_new(TLS_client_method()))
    {
        SSL_CTX_load_verify_locations(context_.get(), here.authority.certificate_file.c_str(), nullptr);
        tls_.reset(SSL_new(context_.get()));
        SSL_set_verify(tls_.get(), SSL_VERIFY_PEER, nullptr);
        SSL_set1_host(tls_.get(), "localhost");
        SSL_set_tlsext_host_name(tls_.get(), "localhost");
        SSL_set_fd(tls_.get(), connection_.descriptor());
        if (before)
            SSL_set_session(tls_.get(), before);
        connected_ = SSL_connect(tls_.get()) == 1;
    }

    [[nodiscard]] bool connected() const noexcept { return connected_; }
    [[nodiscard]] session_ptr session() const { return session_ptr(SSL_get1_session(tls_.get())); }

    void get(const std::string& target) const
    {
        const std::string request = "GET " + target + " HTTP/1.1\r\n\r\n";
        REQUIRE(SSL_write(tls_.get(), request.data(), static_cast<int>(request.size())) > 0);
    }

    /// All until the end, however it comes: `said_end` tells whether TLS said so.
    std::string read_all()
    {
        std::string all;
        std::string room(16'384, '\0');
        int count;
        while ((count = SSL_read(tls_.get(), room.data(), static_cast<int>(room.size()))) > 0)
            all.append(room, 0, static_cast<std::size_t>(count));
        said_end_ = SSL_get_error(tls_.get(), count) == SSL_ERROR_ZERO_RETURN;
        if (said_end_)
            SSL_shutdown(tls_.get()); // else OpenSSL would not use the session again
        ERR_clear_error();
        return all;
    }
    [[nodiscard]] bool said_end() const noexcept { return said_end_; }

private:
    test::raw_client connection_;
    context_ptr context_;
    tls_ptr tls_;
    bool connected_ = false;
    bool said_end_ = false;
};

/// What stands behind the head.
std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

TEST_CASE("tls: the same script plays over a secure connection, which ends with a farewell")
{
    const world here;
    script played = here.secured();
    played.on("/big").serve("big").close();
    origin server(std::move(played));
    CHECK(server.url("/big").starts_with("https://127.0.0.1:"));
    tls_client client(here, server);
    REQUIRE(client.connected());
    client.get("/big");
    CHECK(body_of(client.read_all()) == generated(7, 0, 1'000'000));
    CHECK(client.said_end());
    CHECK(server.record().connections[0].server_name == "localhost");
    CHECK(server.record().bytes_sent() > 1'000'000);
}

TEST_CASE("tls: a connection that is cut off has no farewell; nor has one that is reset")
{
    const world here;
    script played = here.secured();
    played.on("/cut").serve("big").cut_off(at_body(500'000));
    played.on("/end").serve("big").cut_off();
    played.on("/reset").serve("big").reset(at_body(500'000));
    origin server(std::move(played));
    struct asked {
        const char* target;
        std::size_t size;
    };
    for (const auto& [target, size] : {asked{"/cut", 500'000}, asked{"/end", 1'000'000}, asked{"/reset", 500'000}}) {
        const char* const path = target; // clang 14 captures no bindings
        CAPTURE(path);
        tls_client client(here, server);
        client.get(target);
        CHECK(body_of(client.read_all()) == generated(7, 0, size));
        CHECK_FALSE(client.said_end());
    }
}

TEST_CASE("tls: a session is resumed, and the record says so")
{
    const world here;
    script played = here.secured();
    played.on("/a").answer(200).close();
    origin server(std::move(played));
    session_ptr session;
    for (int i = 0; i != 2; ++i) {
        tls_client client(here, server, session.get());
        client.get("/a");
        CHECK(status_line(client.read_all()) == "HTTP/1.1 200 OK");
        session = client.session();
    }
    const origin_record seen = server.record();
    CHECK_FALSE(seen.connections[0].tls_resumed);
    CHECK(seen.connections[1].tls_resumed);
}

TEST_CASE("tls: an accept that resets does so before the handshake")
{
    const world here;
    script played = here.secured();
    played.accept().reset();
    origin server(std::move(played));
    tls_client client(here, server);
    CHECK_FALSE(client.connected());
}

TEST_CASE("tls: a peer that speaks in clear is refused")
{
    const world here;
    origin server(here.secured());
    test::raw_client client(server);
    client.get("/");
    client.read_all();
    CHECK(server.wait_until([](const origin_record& seen) {
        return seen.open_connections() == 0 && seen.connections[0].end == connection_end::reset_by_peer;
    }));
    CHECK(server.requests().empty());
}

TEST_CASE("tls: files that cannot be used are an error that names them")
{
    const world here;
    const auto failure_of = [](const std::string& certificate, const std::string& key) {
        script played;
        played.tls(certificate, key);
        try {
            const origin server(std::move(played));
        }
        catch (const weir::error& refused) {
            CHECK(refused.code() == weir::errc::tls_failed);
            return refused.subject();
        }
        return std::string();
    };
    CHECK(failure_of("/nowhere.pem", here.server.key_file) == "/nowhere.pem");
    CHECK(failure_of(here.server.certificate_file, here.authority.key_file) == here.authority.key_file);
}

} // namespace
