#pragma once
// What the contexts of TLS hold, and the hand-shake.

#include "net/openssl.hpp"
#include "net/tls_sessions.hpp"

#include <weir/net/tls_context.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace weir::net {

struct tls_context::state {
    /// What connections are made with.
    [[nodiscard]] SSL_CTX* ready();

    detail::openssl_ptr<SSL_CTX, SSL_CTX_free> context;
    std::once_flag trusted;
    std::shared_ptr<detail::tls_sessions> sessions; ///< null: none are kept
    bool verify_peer = true;
    bool trust_at_first_use = false; ///< the system's certificates are still to be read
};

struct tls_server_context::state {
    detail::openssl_ptr<SSL_CTX, SSL_CTX_free> context;
    std::string protocols; ///< as ALPN sends them
};

namespace detail {

class tls_handshake {
public:
    static boost::asio::awaitable<transport> with_server(transport plain, tls_context how, std::string_view host,
                                                         std::uint16_t port, transport::clock::time_point deadline);
    static boost::asio::awaitable<transport> with_client(transport plain, tls_server_context how,
                                                         transport::clock::time_point deadline);

private:
    static boost::asio::awaitable<void> run(stream_state& stream, const std::string& peer,
                                            transport::clock::time_point deadline);
};

} // namespace detail
} // namespace weir::net
