#pragma once
// One connected stream of bytes, whatever it runs over: TCP, TLS over TCP, or a Unix socket.

#include <weir/detail/net_stream.hpp>
#include <weir/export.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace weir::net {

/// A connection to one peer. Reads and writes go straight into and out of the caller's buffers.
///
/// Fulfils Asio's requirements of AsyncReadStream and AsyncWriteStream, so `asio::async_write(to, ...)` works.
/// Destroyed, it is closed; operations that are under way then end with `operation_aborted`.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one read and one write at a time, all on one strand. It may go to another
/// strand, or thread, when nothing is under way and there is no limit of time.
class WEIR_API transport {
public:
    using executor_type = boost::asio::any_io_executor;
    using clock = std::chrono::steady_clock;

    /// Holds no connection: only `is_open` and the end may be asked of it.
    transport() noexcept = default;
    /// Takes a connected socket. Small writes are sent at once (`TCP_NODELAY`).
    /// \throws std::bad_alloc  A socket that is not connected fails with the first read or write.
    explicit transport(boost::asio::ip::tcp::socket connected);
    /// The same for a Unix socket.
    explicit transport(boost::asio::local::stream_protocol::socket connected);
    transport(transport&&) noexcept = default;
    transport& operator=(transport&& other) noexcept
    {
        transport(std::move(other)).swap(*this);
        return *this;
    }
    ~transport() { close(); }
    void swap(transport& other) noexcept { state_.swap(other.state_); }

    [[nodiscard]] bool is_open() const noexcept { return state_ && state_->socket.is_open(); }
    [[nodiscard]] executor_type get_executor() const noexcept { return state_->socket.get_executor(); }

    /// Whether what is sent is encrypted, and the peer is who it should be as far as its `tls_context` demands.
    [[nodiscard]] bool secure() const noexcept { return state_ && state_->tls; }
    /// Whether TLS took up an earlier session, which saves a certificate and some round trips.
    [[nodiscard]] bool resumed() const noexcept;
    /// Whether TLS ended by the end of the connection, without the peer's `close_notify`: then reads give the plain end
    /// of stream, and whether anything is missing must be judged by what was read.
    [[nodiscard]] bool truncated() const noexcept;
    /// What OpenSSL says of the `errc::tls_failed` that a read or write gave; else empty.
    [[nodiscard]] std::string tls_failure() const;
    /// The protocol that was agreed upon by ALPN; empty if none.
    [[nodiscard]] std::string_view application_protocol() const noexcept;
    /// Who is on the other side, for messages: `192.0.2.1:443`, `[2001:db8::1]:443` or the path of a socket.
    [[nodiscard]] const std::string& peer() const noexcept { return state_->peer; }

    /// From now on, what starts or is under way when `limit` passes fails with `errc::deadline_exceeded`, until there
    /// is another limit. An operation that is under way may be given more time so, not less. `time_point::max()`, as at
    /// the beginning, is no limit.
    ///
    /// Meant to be moved on with each operation. While there is a limit, a timer may keep the executor's `run()`
    /// from returning until it passes; taking it away or closing ends that.
    void expires_at(clock::time_point limit) { state_->limit.set(limit); }

    /// Reads at least a byte. Completes with `void(boost::system::error_code, std::size_t)`:
    ///   `asio::error::eof`: the peer sends no more; see `truncated`
    ///   `errc::deadline_exceeded`: see `expires_at`
    ///   `errc::tls_failed`: what came is not what the peer of this connection sent; see `tls_failure`
    ///   else what the system reports, for instance `ECONNRESET`
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost; the next read gives what this one would have.
    /// \par Executor
    /// Completes on the handler's, or the transport's; never inside the call.
    /// \par Cost
    /// No allocation but the handler's. Through TLS: one copy, out of OpenSSL; one call fills the buffers as far as there
    /// is something to be had without waiting.
    template <class MutableBuffers, class Token> auto async_read_some(const MutableBuffers& buffers, Token&& token)
    {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
            [](auto handler, std::shared_ptr<detail::stream_state> state, const MutableBuffers& into) {
                using handler_type = decltype(handler);
                if (!state->tls)
                    return detail::plain_operation<handler_type>(std::move(state), std::move(handler)).read(into);
                detail::tls_operation<boost::asio::mutable_buffer, MutableBuffers, handler_type>(
                    std::move(state), into, std::move(handler)).start();
            },
            token, state_, buffers);
    }

    /// Writes at least a byte. Completes as `async_read_some` does; where the peer is gone, `EPIPE` or `ECONNRESET`,
    /// and no signal.
    /// \par Cancellation
    /// terminal, partial, total. Through TLS a part may have been sent: only `close` is of use then.
    /// \par Executor
    /// Completes on the handler's, or the transport's; never inside the call.
    /// \par Cost
    /// No allocation but the handler's.
    template <class ConstBuffers, class Token> auto async_write_some(const ConstBuffers& buffers, Token&& token)
    {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
            [](auto handler, std::shared_ptr<detail::stream_state> state, const ConstBuffers& from) {
                using handler_type = decltype(handler);
                if (!state->tls)
                    return detail::plain_operation<handler_type>(std::move(state), std::move(handler)).write(from);
                detail::tls_operation<boost::asio::const_buffer, ConstBuffers, handler_type>(
                    std::move(state), from, std::move(handler)).start();
            },
            token, state_, buffers);
    }

    /// What `try_write_some` came to.
    struct written {
        boost::system::error_code failed; ///< as `async_write_some` reports it
        std::size_t bytes = 0;
    };

    /// Writes at least a byte if that is possible at once, which it nearly always is for what is small: without the
    /// detour of a completion through the executor.
    /// \returns  nothing: it would have to wait, or the limit of time has passed. `async_write_some` with the same bytes
    ///   does that, or says so; nothing else but those bytes may be written before, since TLS may have begun to.
    /// \pre No write is under way. `from` is not empty
    [[nodiscard]] std::optional<written> try_write_some(std::span<const boost::asio::const_buffer> from) noexcept;

    /// Whether the connection could be used for something new, as far as can be seen without waiting: it is open, the
    /// peer has not ended it, and has sent nothing that nobody asked for.
    /// \pre No operation is under way.
    [[nodiscard]] bool quiet() noexcept;

    /// Ends the connection in order: says that nothing follows (`close_notify` through TLS, then the end of TCP's
    /// stream), waits for the peer to say so too, dropping what it still sends, and closes. What was written
    /// before so reaches a peer that is still sending; plain `close` may have it thrown away.
    ///
    /// Never fails: a peer that does not answer by the deadline, or not in order, is closed all the same.
    /// \pre No operation is under way.
    /// \par Cancellation
    /// terminal, partial, total: the connection is closed at once.
    [[nodiscard]] boost::asio::awaitable<void> shutdown(clock::time_point deadline);

    /// Ends the connection now. Operations under way end with `operation_aborted`. May be called again.
    void close() noexcept
    {
        if (state_)
            state_->close();
    }
    /// As `close`, but over TCP by a reset, where its peer takes it for a failure and not for the end of what was sent.
    /// What was written and not yet sent may be lost.
    void reset() noexcept;
    /// Operations under way end with `operation_aborted`; the connection stays.
    void cancel() noexcept;

private:
    friend class detail::tls_handshake;
    std::shared_ptr<detail::stream_state> state_;
};

} // namespace weir::net
