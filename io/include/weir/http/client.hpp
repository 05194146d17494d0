#pragma once
// Requests over HTTP/1.1, on connections that are kept and shared.
//
//   weir::http::client web(context.get_executor(), {});
//   weir::http::request_head ask{.target = weir::http::url::parse("https://example.com/")};
//   weir::http::response answer = co_await web.send(ask);
//   while (const std::size_t got = co_await answer.read_some(block)) ...
//
// For a whole object as a stream, with retries, ranges and checks, see <weir/http/source.hpp>.

#include <weir/connection_pool_options.hpp>
#include <weir/export.hpp>
#include <weir/http/client_options.hpp>
#include <weir/http/request.hpp>
#include <weir/http/request_stream.hpp>
#include <weir/http/response.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace weir::http {

/// Sends requests. Its connections live in a pool, by scheme, host, port and proxy, and are used again.
///
/// The destructor is `close`, and waits for nothing. What was begun may outlive the client, as long as the context of the
/// executor is there: a request that has its connection comes to its end, responses and sources can be read; what then
/// needs a connection (a request that waits for one or that is not awaited yet, a redirect, a further range) fails with
/// `errc::closed`.
/// \par Thread-safety
/// All members from any thread, but the destructor.
class WEIR_API client {
public:
    using clock = std::chrono::steady_clock;

    /// \param executor  where connections are made and requests run; its context outlives the client and its responses
    /// \throws weir::error  `errc::tls_failed`: a file of `tls_options`; `errc::bad_configuration`: an option is named
    explicit client(const boost::asio::any_io_executor& executor, client_options options);
    explicit client(const boost::asio::any_io_executor& executor);
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    ~client();

    /// Sends a request without a body, follows redirects, and gives the answer, of whatever status, when its head has
    /// come. Credentials of the URL are sent (Basic) unless the header has `Authorization`. A `Proxy-Authorization`, here or
    /// in `client_options::header`, is told to the proxy in place of its URL's credentials, and to nobody else: where a redirect leads
    /// behind another proxy, that is not told.
    ///
    /// Nothing is tried again but this, which is not seen: a connection of the pool that dies before the first byte of
    /// an answer is replaced by a new one, if the method is idempotent.
    /// \throws weir::error, with the URL (redacted)
    ///   `errc::resolve_failed`, `errc::resolver_unavailable`, `errc::connect_timeout`, `ECONNREFUSED` ...: no connection
    ///   `EAGAIN`: a proxy has none now (502 to 504)
    ///   `errc::tls_failed`: none that is to be trusted
    ///   `errc::protocol_violation`, `errc::ended_early`: no answer that is one
    ///   `errc::redirect_refused`, `errc::unsupported_scheme`: of a proxy or a redirect
    ///   `errc::deadline_exceeded`: see `time_limits`
    ///   `errc::pool_timeout`, `errc::queue_full`: none was free, see `time_limits::pool` and `connection_pool_options`
    ///   `errc::closed`: after `close`
    /// \par Cancellation
    /// terminal, partial, total: a connection in use is closed.
    [[nodiscard]] boost::asio::awaitable<response> send(request_head request, clock::time_point deadline);
    [[nodiscard]] boost::asio::awaitable<response> send(request_head request);

    /// Sends the head of a request, and gives the way to send its body. The answer comes as `send` gives it, but no redirect
    /// is followed and nothing is tried again: a body is gone when it was sent.
    ///
    /// \param length  of the body in bytes; nothing: it is sent in chunks
    /// \throws weir::error  as `send`
    /// \par Cancellation
    /// terminal, partial, total: the connection is closed.
    [[nodiscard]] boost::asio::awaitable<request_stream> begin(request_head request, std::optional<std::uint64_t> length,
                                                               clock::time_point deadline);
    [[nodiscard]] boost::asio::awaitable<request_stream> begin(request_head request,
                                                               std::optional<std::uint64_t> length);

    /// Closes idle connections, and others as they come back. Requests that need one fail with `errc::closed`.
    void close() noexcept;

    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept;
    [[nodiscard]] const client_options& options() const noexcept;
    /// Shared by all that the client's users try again: as many tokens as `connections.max_total` requests have tries, 100 at least.
    [[nodiscard]] const std::shared_ptr<retry_budget>& budget() const noexcept;
    [[nodiscard]] connection_pool_statistics statistics() const;

    class impl;

private:
    friend struct client_access;
    std::shared_ptr<impl> impl_;
};

/// What an answer with a status that is an error throws, `errc::http_status`: `get URL: 404 Not Found`.
class WEIR_API status_error : public error {
public:
    status_error(std::string_view method, const url& target, const response_head& head);
    /// The same, with more to say: why it was not tried again.
    status_error(const status_error& known, std::string_view remark);
    [[nodiscard]] unsigned status() const noexcept { return status_; }

private:
    unsigned status_;
};

} // namespace weir::http
