#pragma once
// What TLS trusts, shows and remembers, and the hand-shake that makes a connection secure.

#include <weir/export.hpp>
#include <weir/net/transport.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::net {

enum class tls_version { tls1_2, tls1_3 };

/// Files are in PEM format, and read once.
struct tls_options {
    /// Whom to trust, in place of the system's certificates: a file of certificates, or a directory with hashed names as
    /// `openssl rehash` makes them. With both empty: `SSL_CERT_FILE` and `SSL_CERT_DIR`, if set; else where OpenSSL or the
    /// system keeps them.
    std::string ca_file = {};
    std::string ca_directory = {};

    /// False: whoever answers is taken for the host. Nothing that is read or written is safe then.
    bool verify_peer = true;

    /// The system's certificates are read by the first connection that needs them, on its executor, and not with the
    /// context: for programs that may do without. Files that are named above are read at once in any case.
    bool trust_at_first_use = false;

    tls_version minimum_version = tls_version::tls1_2;

    /// What to show to servers that ask for a certificate; both or none. The file may hold a chain.
    std::string certificate_file = {};
    std::string key_file = {};

    /// For ALPN, the best first; empty: nothing is said.
    std::vector<std::string> application_protocols = {};

    /// Hosts whose last session is kept, so that the next hand-shake is a short one; 0: none.
    std::size_t session_cache_entries = 1'000;
};

/// The client's side of TLS. A handle: copies are the same context; connections keep it alive.
/// \par Thread-safety
/// All members from any thread.
class WEIR_API tls_context {
public:
    /// Reads the certificates. Those of a system take up to 50 ms.
    /// \throws weir::error  `errc::tls_failed`, with the file and what is wrong with it
    explicit tls_context(const tls_options& options);
    tls_context() : tls_context(tls_options()) {}

private:
    struct state;
    friend class detail::tls_handshake;
    std::shared_ptr<state> state_;
};

struct tls_server_options {
    std::string certificate_file = {}; ///< the server's own, then those between it and its CA
    std::string key_file = {};
    tls_version minimum_version = tls_version::tls1_2;
    std::vector<std::string> application_protocols = {}; ///< for ALPN, the best first; the first that the client has is taken
};

/// The server's side of TLS; a handle too. Sessions are given to clients as tickets, and taken back as long as it lives.
/// \par Thread-safety
/// All members from any thread.
class WEIR_API tls_server_context {
public:
    /// \throws weir::error  `errc::tls_failed`, with the file and what is wrong with it
    explicit tls_server_context(const tls_server_options& options);

private:
    struct state;
    friend class detail::tls_handshake;
    std::shared_ptr<state> state_;
};

/// Makes a connection to a server secure: the name is sent (SNI), and the certificate has to be the host's, valid and
/// signed by who is trusted; its names are those of `subjectAltName`, a common name is none (RFC 9525). The connection may
/// have been used before, to ask a proxy for instance; nothing of TLS may have been read from it.
///
/// \param host  a name, or a numeric address with or without brackets
/// \param port  with `host` the key of the sessions that are kept
/// \throws weir::error, with host and port; the connection is closed
///   `errc::tls_failed`: the peer is not trusted, or does not speak TLS as it should; says why.
///   `errc::deadline_exceeded`
///   system category: the connection broke.
/// \par Cancellation
/// terminal, partial, total: the connection is closed.
/// \par Executor
/// Resumes on the caller's.
[[nodiscard]] WEIR_API boost::asio::awaitable<transport>
secured(transport plain, tls_context context, std::string_view host, std::uint16_t port,
        std::chrono::steady_clock::time_point deadline);

/// The server's side of it, for a connection that was accepted. Throws as above, with the peer's address.
[[nodiscard]] WEIR_API boost::asio::awaitable<transport>
secured(transport plain, tls_server_context context, std::chrono::steady_clock::time_point deadline);

} // namespace weir::net
