#pragma once
// The TLS of an origin: OpenSSL's, by calls that do not wait.

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace weir::testing::detail {

/// What became of an attempt to read or write.
struct transfer {
    enum class outcome { done, wants_read, wants_write, broken };

    outcome how = outcome::done;
    std::size_t bytes = 0; // when done; none: the peer has ended
};

/// A certificate and its key, for all connections of an origin.
class tls_identity {
public:
    /// \throws weir::error  `errc::tls_failed`: the files cannot be read, or do not fit each other
    tls_identity(const std::string& certificate_file, const std::string& key_file);
    tls_identity(const tls_identity&) = delete;
    tls_identity& operator=(const tls_identity&) = delete;
    ~tls_identity();

    [[nodiscard]] ssl_ctx_st* get() const noexcept { return context_; }

private:
    ssl_ctx_st* context_;
};

/// One connection. The handshake is part of the first transfer.
/// \par Thread-safety
/// All functions: a tunnel reads and writes at once.
class tls_session {
public:
    tls_session(const tls_identity& identity, int socket);
    tls_session(const tls_session&) = delete;
    tls_session& operator=(const tls_session&) = delete;
    ~tls_session();

    [[nodiscard]] transfer read(std::span<char> into) noexcept;
    [[nodiscard]] transfer write(std::string_view bytes) noexcept;
    /// Sends `close_notify`, if the socket has room for it.
    void say_end() noexcept;

    /// The name that the peer asked for, or nothing.
    [[nodiscard]] std::string server_name() const;
    [[nodiscard]] bool is_resumed() const noexcept;

private:
    [[nodiscard]] transfer outcome_of(int result, std::size_t bytes) const noexcept;

    mutable std::mutex mutex_;
    ssl_st* session_;
};

} // namespace weir::testing::detail
