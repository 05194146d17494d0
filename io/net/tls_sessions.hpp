#pragma once
// The last session of each host, for a short hand-shake next time.

#include "net/openssl.hpp"

#include <weir/cache.hpp>

#include <memory>
#include <string>

namespace weir::net::detail {

using tls_session_ptr = openssl_ptr<SSL_SESSION, SSL_SESSION_free>;

/// Sessions are copied in and out, since a connection marks its own when it fails.
/// \par Thread-safety
/// All members from any thread.
class tls_sessions {
public:
    explicit tls_sessions(std::size_t hosts);

    void put(const std::string& key, SSL_SESSION* session);
    /// \returns  null if there is none, or none that is still good
    [[nodiscard]] tls_session_ptr find(const std::string& key);

private:
    cache<std::string, std::shared_ptr<SSL_SESSION>> cache_;
};

} // namespace weir::net::detail
