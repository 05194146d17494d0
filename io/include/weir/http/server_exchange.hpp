#pragma once
// One request on a server and its answer, both as streams.

#include <weir/bytes.hpp>
#include <weir/export.hpp>
#include <weir/http/message.hpp>
#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir::http {

namespace detail {
class reply_writer;
class request_body;
class server_connection;
} // namespace detail

/// What a server's handler works with. It lives as long as the handler runs.
///
/// The request's body may be read before, while and after the answer is written, or not at all. An answer is begun,
/// then written, then finished; one that was begun and not finished is cut off visibly: the connection is closed before
/// the framing ends.
/// \par Thread-safety
/// All calls on the strand that the handler runs on, one at a time; reading the body and writing the answer may go on
/// beside each other. The source of the body is read from any executor.
class WEIR_API server_exchange {
public:
    server_exchange(const server_exchange&) = delete;
    server_exchange& operator=(const server_exchange&) = delete;

    [[nodiscard]] const received_request& request() const noexcept { return request_; }
    /// Who asks, for messages.
    [[nodiscard]] const std::string& peer() const noexcept;
    /// Whether the connection is encrypted.
    [[nodiscard]] bool secure() const noexcept;

    /// How long the request's body is, 0 if there is none; nothing if only its end will tell.
    [[nodiscard]] std::optional<std::uint64_t> body_size() const noexcept;

    /// Whether the client waits to be told so (`Expect: 100-continue`) before it sends the body, and nobody has read it yet.
    /// A proxy has its own server decide that: see `request_stream::await_continue`.
    [[nodiscard]] bool expects_continue() const noexcept;

    /// Reads the next bytes of the body. A client that waits to be told so (`Expect: 100-continue`) is told by the
    /// first call, unless the answer has been begun.
    /// \returns  how many bytes there are now in `into`; 0 at the end of the body, or if `into` is empty
    /// \throws weir::error, with the peer and the offset in the body
    ///   `errc::protocol_violation`, `errc::ended_early`: what came is no body, or not all of it.
    ///   `errc::invalid_size`: the body is longer than the server allows.
    ///   `errc::deadline_exceeded`: the client was too slow.
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost.
    [[nodiscard]] boost::asio::awaitable<std::size_t> read_some(std::span<std::byte> into);

    /// The body as a source, to be read instead of `read_some`: bytes go from the connection into blocks. Ends with the
    /// exchange: reads give `errc::closed` then.
    ///
    /// It gives what has not been read yet. A second one too: what the first had read ahead is lost.
    /// \pre nobody else reads the body meanwhile; an earlier source was closed
    [[nodiscard]] std::unique_ptr<source> body();

    /// The field lines after a chunked body; complete when the body has been read to its end.
    [[nodiscard]] const fields& trailer() const noexcept;

    /// Sends an answer that is not the last one: 102 or 103. Not to a client of HTTP/1.0.
    /// \throws weir::error  `errc::bad_format`: a reason with control characters; else as `write`
    /// \par Cancellation
    /// As `write`.
    /// \pre the answer has not been begun, and `head.is_interim()`
    [[nodiscard]] boost::asio::awaitable<void> send_interim(const response_head& head);

    /// Begins the answer; its head goes out with the first bytes, or by `flush` or `finish`.
    ///
    /// Framing lines of the head are left out: `length` decides, and nothing means that only the end will tell. What
    /// is written for a body that an answer to such a request has not (HEAD; 204 and 304) is counted and not sent.
    /// \throws weir::error  `errc::bad_format`: no status, or an interim one, or a reason with control characters
    /// \pre not begun before
    void begin(const response_head& head, std::optional<std::uint64_t> length = std::nullopt);
    [[nodiscard]] bool begun() const noexcept;

    /// Sends the next bytes of the body, and waits until the connection has them.
    /// \throws weir::error, with the peer
    ///   `errc::invalid_size`: more than the length that was given; nothing of it was sent.
    ///   `errc::deadline_exceeded`: the client did not read.
    ///   system category: the connection broke.
    /// \pre begun, and not finished
    /// \par Cancellation
    /// terminal, partial, total: the connection is of no use afterwards.
    [[nodiscard]] boost::asio::awaitable<void> write(std::span<const std::byte> data);
    [[nodiscard]] boost::asio::awaitable<void> write(const bytes& data);

    /// Sends the head if it has not gone out. Throws and ends as `write`.
    [[nodiscard]] boost::asio::awaitable<void> flush();

    /// Ends the answer. Throws and ends as `write`.
    /// \throws weir::error  `errc::ended_early`: less was written than the length that was given
    [[nodiscard]] boost::asio::awaitable<void> finish();
    /// The same with field lines after the body; they are left out where the framing has no place for them.
    [[nodiscard]] boost::asio::awaitable<void> finish(const fields& trailer);

    /// A whole answer in one write. Throws as `begin` and `write`.
    [[nodiscard]] boost::asio::awaitable<void> reply(const response_head& head, std::string_view body);
    /// The same for text, with `Content-Type: text/plain; charset=utf-8` unless it is empty, and no other fields.
    [[nodiscard]] boost::asio::awaitable<void> reply(unsigned status, std::string_view text);

private:
    friend class detail::server_connection;
    server_exchange(std::shared_ptr<detail::server_connection> connection, received_request request,
                    const framing& body);
    ~server_exchange();

    std::shared_ptr<detail::server_connection> connection_;
    received_request request_;
    std::optional<std::uint64_t> body_size_;
    std::shared_ptr<detail::request_body> body_;
    std::unique_ptr<detail::reply_writer> reply_;
};

} // namespace weir::http
