#pragma once
// A small server of HTTP/1.1: accepts connections, reads requests, and has a handler answer them, as streams.

#include <weir/export.hpp>
#include <weir/http/server_exchange.hpp>
#include <weir/http/server_options.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace weir::http {

namespace detail {
class server_core;
} // namespace detail

/// Answers one request. What it throws ends the exchange: by an answer with status 500 if none was begun (400, 408 or
/// 413 where the request's body is at fault), else by closing the connection.
///
/// It may be a lambda with captures: it lives as long as the server and the last exchange.
using handler = std::function<boost::asio::awaitable<void>(server_exchange&)>;

/// Accepts connections and serves them until it is stopped, each on a strand of its own.
///
/// Connections are kept for further requests, which are answered in their order, also those that came at once. What a
/// client sends that is no request is refused, and the connection is closed; nothing that a client or a handler does
/// ends the server or throws out of the executor.
/// \par Thread-safety
/// All members from any threads, but the destructor.
class WEIR_API server {
public:
    /// \param executor  of everything; its context outlives the server
    /// \throws weir::error  `errc::bad_configuration`: a limit of 0, or a negative one
    server(boost::asio::any_io_executor executor, handler answer, const server_options& options);
    server(boost::asio::any_io_executor executor, handler answer);
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    /// Closes everything without waiting for it.
    ~server();

    /// Accepts connections at `where`, too, from now on. Port 0 is any free one.
    /// \returns  where it listens
    /// \throws weir::error  with the address; what the system reports, for instance `EADDRINUSE`; `errc::closed` after
    ///   `stop`
    boost::asio::ip::tcp::endpoint listen(const boost::asio::ip::tcp::endpoint& where);

    /// The same at a Unix socket, without TLS. Its file must not be there yet, and is removed when the server stops.
    /// \throws weir::error  as above
    void listen(const std::string& path);

    /// Ends in order: accepts no more, closes connections that wait for a request, and lets exchanges that have begun
    /// come to their end, up to the deadline. What is left then is cancelled: handlers through their cancellation slot,
    /// connections by closing.
    ///
    /// Returns when all handlers have returned. May be called again, also with an earlier deadline.
    /// \par Cancellation
    /// terminal, partial, total: stops to wait; the server ends all the same, without a deadline.
    /// \par Executor
    /// Resumes on the caller's.
    [[nodiscard]] boost::asio::awaitable<void> stop(std::chrono::steady_clock::time_point deadline);

    [[nodiscard]] server_statistics statistics() const;

private:
    std::shared_ptr<detail::server_core> core_;
};

} // namespace weir::http
