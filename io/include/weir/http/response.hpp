#pragma once
// An answer whose body is still to be read.

#include <weir/export.hpp>
#include <weir/http/framing.hpp>
#include <weir/http/message.hpp>
#include <weir/http/url.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace weir::http {

class client_exchange;
class download;

/// The head of an answer, and the way to its body. Move-only.
///
/// Read to its end, it gives its connection back to the client's pool if that can serve another request. Dropped
/// before, it closes the connection. It may outlive the client.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one call at a time.
class WEIR_API response {
public:
    response(response&&) noexcept;
    response& operator=(response&&) noexcept;
    ~response();

    [[nodiscard]] const response_head& head() const noexcept;
    /// Where the answer came from: another URL than asked for if there were redirects.
    [[nodiscard]] const url& from() const noexcept;
    /// How the body ends.
    [[nodiscard]] const framing& how() const noexcept;

    /// Reads data of the body straight into `into`, as much as there is without waiting further, at least a byte.
    /// \returns  how many bytes; 0 at the end of the body, which has then come whole as far as its framing can tell
    /// \pre `into` is not empty
    /// \throws weir::error, with the URL and the offset in the body
    ///   `errc::ended_early`: the connection ended before the body did
    ///   `errc::protocol_violation`: the framing is broken
    ///   `errc::deadline_exceeded`: no byte for `time_limits::idle`, too few for `min_rate`, or the request's deadline
    ///   `errc::tls_failed`, and what the system reports: `ECONNRESET` ...
    /// \par Cancellation
    /// terminal, partial, total: the connection is closed when the response ends.
    [[nodiscard]] boost::asio::awaitable<std::size_t> read_some(std::span<std::byte> into);

    /// Whether the body was read to its end.
    [[nodiscard]] bool done() const noexcept;
    /// How many bytes of the body were read.
    [[nodiscard]] std::uint64_t received() const noexcept;
    /// Field lines behind the body; there are none before its end.
    [[nodiscard]] const fields& trailer() const noexcept;
    /// What its connection is read on.
    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept;
    /// Whether the request went over a connection that had served others before.
    [[nodiscard]] bool reused_connection() const noexcept;

private:
    friend class client;
    friend class download;
    friend class request_stream;
    explicit response(std::unique_ptr<client_exchange> made) noexcept;
    /// Leaves an empty one.
    [[nodiscard]] response_head take_head() noexcept;

    std::unique_ptr<client_exchange> exchange_;
};

} // namespace weir::http
