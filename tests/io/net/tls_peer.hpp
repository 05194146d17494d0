#pragma once
// A TLS server on a thread of its own, written on OpenSSL alone: it does what a test says, good or bad.

#include "support/certificates.hpp"

#include <openssl/ssl.h>

#include <functional>
#include <string>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

namespace test {

/// Accepts so many connections one after the other and runs the script on each, after the hand-shake if that
/// succeeded; the connection is then cut off. The end waits for the last.
class tls_peer {
public:
    using script_function = std::function<void(SSL* ssl, int number)>;

    tls_peer(const identity& own, int connections, script_function script, int highest_version = TLS1_3_VERSION)
        : context_(SSL_CTX_new(TLS_server_method())), listening_(::socket(AF_INET, SOCK_STREAM, 0))
    {
        SSL_CTX_set_max_proto_version(context_.get(), highest_version);
        SSL_CTX_use_certificate(context_.get(), own.certificate.get());
        SSL_CTX_use_PrivateKey(context_.get(), own.key.get());
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        REQUIRE(::bind(listening_, reinterpret_cast<sockaddr*>(&address), length) == 0);
        REQUIRE(::listen(listening_, 16) == 0);
        REQUIRE(::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this, connections, script = std::move(script)] {
            sigset_t pipe; // OpenSSL's own writes raise it when a client is gone
            sigemptyset(&pipe);
            sigaddset(&pipe, SIGPIPE);
            pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
            for (int number = 0; number < connections; ++number)
                serve(script, number);
        });
    }
    tls_peer(const tls_peer&) = delete;
    tls_peer& operator=(const tls_peer&) = delete;
    ~tls_peer()
    {
        thread_.join();
        ::close(listening_);
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    void serve(const script_function& script, int number)
    {
        const int connection = ::accept(listening_, nullptr, nullptr);
        const std::unique_ptr<SSL, freed<SSL_free>> ssl(SSL_new(context_.get()));
        SSL_set_fd(ssl.get(), connection);
        if (SSL_accept(ssl.get()) == 1)
            script(ssl.get(), number);
        ::close(connection);
    }

    std::unique_ptr<SSL_CTX, freed<SSL_CTX_free>> context_;
    int listening_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

} // namespace test
