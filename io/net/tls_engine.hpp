#pragma once
// TLS over a socket that never blocks, as steps: each does what it can and says what to wait for.
//
// OpenSSL reads and writes the socket by a BIO of our own, not by Asio's pair of memory BIOs: no copy is made on the way
// to the cipher, and a record costs one system call, since with the end of a record the beginning of the next is read.

#include "net/openssl.hpp"
#include "net/tls_sessions.hpp"

#include <weir/detail/net_stream.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace weir::net::detail {

/// \par Thread-safety
/// One call at a time.
class tls_engine {
public:
    /// For a connected socket, which stays the caller's.
    tls_engine(SSL_CTX* context, int descriptor);
    tls_engine(const tls_engine&) = delete;
    tls_engine& operator=(const tls_engine&) = delete;
    ~tls_engine();

    [[nodiscard]] SSL* native() const noexcept { return ssl_.get(); }

    /// Takes up the session of `key` if there is one, and keeps those that the server gives.
    void use_sessions(std::shared_ptr<tls_sessions> sessions, std::string key);
    /// What the callbacks of OpenSSL refer to.
    void keep_alive(std::shared_ptr<const void> what) noexcept { kept_alive_ = std::move(what); }
    /// A session that the server gave: for the callback of OpenSSL.
    void keep(SSL_SESSION* session) const noexcept;

    [[nodiscard]] tls_step handshake() noexcept;
    /// Fills as much as there is.
    [[nodiscard]] tls_step read(std::span<const boost::asio::mutable_buffer> into) noexcept;
    /// When it wants to wait it has to be called again with the same bytes; what it has written, it then skips.
    [[nodiscard]] tls_step write(std::span<const boost::asio::const_buffer> from) noexcept;
    /// A write that had to wait is not continued: the stream of records is broken, and no other follows.
    void abandon_write() noexcept;
    [[nodiscard]] tls_step close_notify() noexcept;

    /// Whether nothing but TLS's own messages has come, and no end.
    [[nodiscard]] bool quiet() noexcept;
    [[nodiscard]] bool truncated() const noexcept { return truncated_; }
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

private:
    static const BIO_METHOD* socket_method() noexcept;
    static int read_socket(BIO* bio, char* into, int most) noexcept;
    static int write_socket(BIO* bio, const char* from, int count) noexcept;
    static long control(BIO* bio, int command, long number, void* pointer) noexcept;

    [[nodiscard]] int receive(char* into, std::size_t most) noexcept;
    [[nodiscard]] tls_step judge(int result) noexcept;
    [[nodiscard]] std::span<const std::byte> next_record(std::span<const boost::asio::const_buffer> from) noexcept;

    static constexpr std::size_t record_bytes = 16 * 1024; ///< of plain bytes in a record, at most

    const int descriptor_;
    int error_ = 0;          ///< what the last call of the system in this step reported
    bool ended_ = false;     ///< the socket's stream has
    bool truncated_ = false; ///< without close_notify
    std::string failure_;
    tls_step read_end_;      ///< how reading failed, for all reads after that

    bool writing_ = false;    ///< a record waits inside OpenSSL
    std::size_t written_ = 0; ///< of the buffers of a write that waits
    tls_step write_end_;      ///< how writing failed
    std::unique_ptr<std::byte[]> gathered_; ///< small buffers as one record

    std::shared_ptr<tls_sessions> sessions_;
    std::string session_key_;
    std::shared_ptr<const void> kept_alive_;

    // Received together with what was asked for: usually the header of the next record, or a few small records.
    std::array<char, 2048> ahead_;
    std::size_t ahead_begin_ = 0;
    std::size_t ahead_end_ = 0;

    openssl_ptr<SSL, SSL_free> ssl_; // last: refers to what is above
};

} // namespace weir::net::detail
