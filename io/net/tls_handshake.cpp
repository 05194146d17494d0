#include "net/tls_handshake.hpp"

#include "net/endpoint_text.hpp"
#include "net/tls_engine.hpp"

#include <weir/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>

#include <openssl/x509v3.h>

#include <new>
#include <utility>

namespace weir::net {

namespace asio = boost::asio;

namespace detail {
namespace {

constexpr std::string_view operation = "make a TLS connection to";

/// Has OpenSSL send the name, and check that the certificate is for it.
void expect(SSL* ssl, std::string_view host, bool verified)
{
    std::string name(without_brackets(host));
    name.resize(std::min(name.find('%'), name.size())); // a zone means something on this machine only
    boost::system::error_code not_numeric;
    asio::ip::make_address(name, not_numeric);
    X509_VERIFY_PARAM* const rules = SSL_get0_param(ssl);
    if (!not_numeric) {
        if (verified && X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) != 1)
            throw std::bad_alloc();
        return; // RFC 6066, section 3: no address is sent
    }
    if (name.ends_with('.'))
        name.pop_back();
    // Names stand in subjectAltName, and nowhere else. RFC 9525, sections 2 and 6.2
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    const bool done = SSL_set_tlsext_host_name(ssl, name.c_str()) == 1
        && (!verified || X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size()) == 1);
    if (!done)
        throw error(errc::tls_failed, operation, host, std::nullopt, "not a host name");
}

/// Why the hand-shake ended with `failed`.
error explained(const tls_engine& tls, boost::system::error_code failed, const std::string& peer)
{
    if (failed == asio::error::eof)
        return {errc::tls_failed, operation, peer, std::nullopt, "the peer closed the connection"};
    if (failed != weir::detail::code(errc::tls_failed))
        return {failed, operation, peer};
    const long verdict = SSL_get_verify_result(tls.native());
    if (verdict != X509_V_OK)
        return {errc::tls_failed, operation, peer, std::nullopt,
                std::string("certificate: ") + X509_verify_cert_error_string(verdict)};
    return {errc::tls_failed, operation, peer, std::nullopt, tls.failure()};
}

} // namespace

asio::awaitable<void> tls_handshake::run(stream_state& stream, const std::string& peer,
                                         transport::clock::time_point deadline)
{
    stream.limit.set(deadline);
    for (;;) {
        const tls_step step = stream.tls->handshake();
        boost::system::error_code failed = step.code();
        if (!failed && step.next == tls_step::want::nothing)
            break;
        if (!failed)
            failed = co_await stream.wait_for(step.next);
        if (failed)
            throw explained(*stream.tls, failed, peer);
    }
    stream.limit.set(transport::clock::time_point::max());
}

asio::awaitable<transport> tls_handshake::with_server(transport plain, tls_context how, std::string_view host,
                                                      std::uint16_t port, transport::clock::time_point deadline)
{
    stream_state& stream = *plain.state_;
    const std::string peer = host_and_port(host, port);
    stream.tls = std::make_unique<tls_engine>(how.state_->ready(), stream.socket.native_handle());
    SSL_set_connect_state(stream.tls->native());
    expect(stream.tls->native(), host, how.state_->verify_peer);
    stream.tls->use_sessions(how.state_->sessions, peer);
    co_await run(stream, peer, deadline);
    co_return std::move(plain);
}

asio::awaitable<transport> tls_handshake::with_client(transport plain, tls_server_context how,
                                                      transport::clock::time_point deadline)
{
    stream_state& stream = *plain.state_;
    stream.tls = std::make_unique<tls_engine>(how.state_->context.get(), stream.socket.native_handle());
    SSL_set_accept_state(stream.tls->native());
    stream.tls->keep_alive(how.state_);
    co_await run(stream, stream.peer, deadline);
    co_return std::move(plain);
}

} // namespace detail

asio::awaitable<transport> secured(transport plain, tls_context context, std::string_view host, std::uint16_t port,
                                   std::chrono::steady_clock::time_point deadline)
{
    return detail::tls_handshake::with_server(std::move(plain), std::move(context), host, port, deadline);
}

asio::awaitable<transport> secured(transport plain, tls_server_context context,
                                   std::chrono::steady_clock::time_point deadline)
{
    return detail::tls_handshake::with_client(std::move(plain), std::move(context), deadline);
}

} // namespace weir::net
