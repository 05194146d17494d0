#pragma once
// A flow as the body of a request: an upload.
//
//   weir::http::sink_options how;
//   how.length = size;                                   // else in chunks
//   weir::http::http_sink upload(web, target, how);
//   co_await weir::run_flow(engine, weir::open_file(engine, path), upload);

#include <weir/export.hpp>
#include <weir/http/client.hpp>
#include <weir/sink.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace weir::http {

struct sink_options {
    std::string method = "PUT";
    fields header = {};
    std::optional<std::uint64_t> length = {}; ///< of the body; nothing: it is sent in chunks
    /// Asks the server before the body is sent, and waits so long for its word; many servers know nothing of it. 0: does
    /// not ask. \see RFC 9110, section 10.1.1
    std::chrono::milliseconds expect_continue{0};
};

/// Sends the content of chunks, as it is, in one request. The blocks go to the connection without a copy, and a server
/// that reads slowly slows the flow.
///
/// Nothing is tried again, and no redirect is followed: the content is gone when it was sent. A sink that is destroyed
/// before `finish` closes its connection, so that the server sees the body cut off.
class WEIR_API http_sink final : public sink {
public:
    /// Connects with the first `write` that has bytes, or with `finish`: nothing but memory can fail before.
    /// \param to  outlives the sink
    http_sink(client& to, url target, sink_options options);
    ~http_sink() override;

    /// \throws weir::error, with the URL (redacted)
    ///   `errc::http_status`: the server answered before it had the body, with an error. A `status_error`.
    ///   `errc::protocol_violation`: it answered so with success
    ///   `errc::invalid_size`: this is more than `sink_options::length`
    ///   `errc::deadline_exceeded`: the server took nothing for `time_limits::idle`
    ///   else as `client::send`, and what the connection reports
    /// \par Cancellation
    /// terminal, partial, total: the connection is closed.
    [[nodiscard]] boost::asio::awaitable<void> write(std::span<chunk> chunks) override;

    /// Waits for a server that answers before it has the body, so that an upload ends then, and not with the next chunk.
    /// \throws weir::error  as `write`
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost.
    [[nodiscard]] std::optional<boost::asio::awaitable<void>> watch() override;

    /// Ends the body, and waits for the answer.
    /// \throws weir::error  as `write`; `errc::ended_early`: there was less than `sink_options::length`
    [[nodiscard]] boost::asio::awaitable<void> finish() override;

    /// The answer, once `finish` has completed.
    [[nodiscard]] const response_head& answer() const noexcept { return answer_; }

private:
    class upload;
    std::unique_ptr<upload> upload_;
    response_head answer_;
};

} // namespace weir::http
