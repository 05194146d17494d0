#pragma once
// A request whose body is still to be sent.
//
//   weir::http::request_stream upload = co_await web.begin(ask, size);
//   for (bool wanted = true; wanted && !data.empty(); data = next())
//       wanted = co_await upload.write(data);
//   weir::http::response answer = co_await upload.finish();

#include <weir/detail/unless.hpp>
#include <weir/export.hpp>
#include <weir/http/response.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace weir::http {

class outgoing_body;

/// The way to send the body of a request, and to the answer behind it; see `client::begin`. Move-only.
///
/// Dropped before it is finished, it closes its connection, so that the server sees the body cut off. For a whole flow
/// as a body, see `http_sink`.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one call at a time.
class WEIR_API request_stream {
public:
    request_stream(request_stream&&) noexcept;
    request_stream& operator=(request_stream&&) noexcept;
    ~request_stream();

    /// Sends the next bytes, and waits until the connection has them.
    /// \returns  false if the server does not wait for the rest: it has answered, or hung up. `finish` tells which.
    /// \throws weir::error, with the URL (redacted) and the offset in the body
    ///   `errc::invalid_size`: more than the length that was given; nothing of it was sent
    /// \par Cancellation
    /// terminal, partial, total: the connection is closed when the stream ends.
    [[nodiscard]] boost::asio::awaitable<bool> write(std::span<const std::byte> data);

    /// Waits for the server's word to send the body, or for `patience`: the head has to have asked for it by
    /// `Expect: 100-continue`, and many servers know nothing of it. To be called before the first `write`, if at all.
    /// \returns  false if the answer came instead: no body is wanted, and `finish` gives the answer
    /// \throws weir::error  as `client::send`
    /// \par Cancellation
    /// terminal, partial, total: the connection is closed when the stream ends.
    /// \see RFC 9110, section 10.1.1
    [[nodiscard]] boost::asio::awaitable<bool> await_continue(std::chrono::milliseconds patience);

    /// Awaits `work`, which is where the next bytes come from, and cancels it if the server answers meanwhile, or hangs up:
    /// nobody then waits for bytes that are not wanted. A proxy needs that, since its client may wait for the answer.
    ///
    ///   for (;;) {
    ///       const std::optional<std::size_t> got = co_await upload.unless_answered(exchange.read_some(block));
    ///       if (!got || *got == 0)
    ///           break;
    ///       ...
    /// \returns  nothing if the server does not wait for the rest. `finish` tells which
    /// \throws what `work` throws
    /// \par Cancellation
    /// terminal, partial, total: passed on to `work`.
    /// \par Executor
    /// `work` runs on a strand of the caller's executor.
    /// \par Cost
    /// Some coroutines: some microseconds.
    template <class T>
    [[nodiscard]] boost::asio::awaitable<std::optional<T>> unless_answered(boost::asio::awaitable<T> work)
    {
        std::optional<T> out;
        const bool done = co_await run_unless_answered(weir::detail::store(std::move(work), out));
        if (!done)
            out.reset();
        co_return out;
    }

    /// Ends the body, unless the server does not wait for its end, and gives the answer, of whatever status, when its
    /// head has come. Nothing else may be called afterwards.
    /// \throws weir::error, with the URL (redacted)
    ///   `errc::ended_early`: less was written than the length that was given
    ///   else as `client::send`
    /// \par Cancellation
    /// terminal, partial, total: the connection is closed.
    [[nodiscard]] boost::asio::awaitable<response> finish();
    /// The same with field lines after a body that is sent in chunks; else, and where the server does not wait for the end,
    /// they are left out.
    [[nodiscard]] boost::asio::awaitable<response> finish(fields trailer);

private:
    friend class client;
    explicit request_stream(std::unique_ptr<outgoing_body> body) noexcept;
    [[nodiscard]] boost::asio::awaitable<bool> run_unless_answered(boost::asio::awaitable<void> work);

    std::unique_ptr<outgoing_body> body_;
};

} // namespace weir::http
