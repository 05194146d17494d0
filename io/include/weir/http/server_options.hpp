#pragma once
// What a server allows its clients, and what it tells about them.

#include <weir/export.hpp>
#include <weir/http/body_reader.hpp>
#include <weir/http/head_reader.hpp>
#include <weir/net/tls_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

namespace weir::http {

/// What came of one request.
struct exchange_report {
    std::string_view peer;
    std::string_view method;
    std::string_view target;
    unsigned status = 0;        ///< of the answer; 0: none was begun
    std::uint64_t received = 0; ///< bytes of the request's body
    std::uint64_t sent = 0;     ///< bytes of the answer's body
    std::chrono::nanoseconds duration{};
    std::error_code failed;       ///< why the answer is not whole, if it is not
    std::string_view description; ///< the same in words
    bool refused = false;         ///< the server itself answered, and no handler was asked
};

/// How a connection ended that had no exchange to tell of.
struct connection_report {
    std::string_view peer;
    unsigned status = 0;          ///< of the answer to what was no request; 0: there was none
    std::error_code failed;       ///< why
    std::string_view description; ///< the same in words
};

/// Is told what happens on the connections of a server. All texts are valid during the call only.
/// \par Thread-safety
/// Called on any thread of the server's executor, several at a time.
class WEIR_API server_observer {
public:
    virtual ~server_observer();
    /// An exchange is over, well or not.
    virtual void exchange_ended(const exchange_report&) noexcept {}
    /// A connection ended without an exchange that could be told of: TLS failed, the head of a request was refused or
    /// did not come in time. A connection that is closed between two requests is not told of.
    virtual void connection_failed(const connection_report&) noexcept {}
    /// No connection could be accepted; the server goes on trying.
    virtual void accept_failed(std::error_code) noexcept {}
};

/// Limits of a server. Those of time are for what a client does; a handler may take as long as it likes.
struct server_options {
    std::size_t connections = 1'024; ///< at a time; when it is reached, the longest idle one is closed for a new one
    std::size_t exchanges_per_connection = 10'000; ///< after that many a connection is closed

    line_limits head = head_limits; ///< of a request
    body_limits body = {};             ///< of what is in a request's body besides its data
    /// Of a request's body: 413 above it. The most there is: no limit.
    std::uint64_t body_bytes = std::numeric_limits<std::uint64_t>::max();
    /// Of a request's body that a handler has left unread: so much is read and dropped to keep the connection.
    std::uint64_t unread_bytes = 64 * 1024;

    std::chrono::milliseconds handshake_time{10'000}; ///< for TLS
    /// For a whole head from its first byte; for the first byte of a connection.
    std::chrono::milliseconds head_time{10'000};
    std::chrono::milliseconds idle_time{60'000};  ///< for the first byte of another request
    std::chrono::milliseconds read_time{30'000};  ///< for some more bytes of a body
    /// For the client to take some more bytes. That is seen when they leave the system's buffer, at most some 64 KiB at
    /// a time (`TCP_NOTSENT_LOWAT`), however large the buffer has grown.
    std::chrono::milliseconds write_time{30'000};
    std::chrono::milliseconds close_time{2'000};  ///< for the client to close as well, dropping what it still sends
    /// Bytes of a second that a body has to bring on the average of the time that is spent waiting for it, once
    /// `read_time` is used up.
    std::uint64_t read_rate = 1'024;
    /// The same of an answer that a client takes, once `write_time` is used up: what bounds how long a slow reader holds
    /// what the answer is made of, as blocks of a proxy.
    std::uint64_t write_rate = 1'024;

    /// Final answers have a `Date` if the handler gives them none. Off where the machine's clock is not to be believed.
    /// \see RFC 9110, section 6.6.1
    bool says_date = true;

    std::optional<net::tls_server_context> tls = {}; ///< of all connections over TCP
    server_observer* observer = nullptr;             ///< lives as long as the last connection
};

/// One look at a server.
struct server_statistics {
    std::size_t open = 0; ///< connections now
    std::size_t idle = 0; ///< of these, those that wait for a request
    std::uint64_t accepted = 0;
    std::uint64_t exchanges = 0; ///< that have ended

    friend bool operator==(const server_statistics&, const server_statistics&) = default;
};

} // namespace weir::http
