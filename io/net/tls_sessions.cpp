#include "net/tls_sessions.hpp"

#include <ctime>

namespace weir::net::detail {

tls_sessions::tls_sessions(std::size_t hosts) : cache_(cache_options{.max_count = hosts}) {}

void tls_sessions::put(const std::string& key, SSL_SESSION* session)
{
    if (SSL_SESSION* copy = SSL_SESSION_dup(session))
        cache_.put(key, std::shared_ptr<SSL_SESSION>(copy, SSL_SESSION_free));
}

tls_session_ptr tls_sessions::find(const std::string& key)
{
    const auto kept = cache_.find(key);
    if (!kept)
        return nullptr;
    const std::time_t end = SSL_SESSION_get_time(kept->get()) + SSL_SESSION_get_timeout(kept->get());
    if (std::time(nullptr) >= end || !SSL_SESSION_is_resumable(kept->get()))
        return nullptr;
    return tls_session_ptr(SSL_SESSION_dup(kept->get()));
}

} // namespace weir::net::detail
