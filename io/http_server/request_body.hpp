#pragma once
// The body of one request: read by the handler, by a source in another place, or dropped.

#include "http_server/client_pace.hpp"
#include "http_server/input.hpp"

#include <weir/detail/async_event.hpp>
#include <weir/http/body_reader.hpp>
#include <weir/http/server_options.hpp>
#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

namespace weir::http::detail {

/// What somebody wants to do before the first byte of a body is waited for.
class body_waiter {
public:
    virtual ~body_waiter() = default;
    /// Tells a client to send the body that waits to be told so.
    [[nodiscard]] virtual boost::asio::awaitable<void> invite() = 0;
};

/// \par Thread-safety
/// On the strand of the connection, one read at a time; the source that it gives: from anywhere.
class request_body : public std::enable_shared_from_this<request_body> {
public:
    /// \param owner   keeps the other arguments
    /// \param waiter  may be null
    request_body(std::shared_ptr<const void> owner, server_input& input, const framing& how,
                 const server_options& limits, body_waiter* waiter);

    [[nodiscard]] boost::asio::awaitable<std::size_t> read_some(std::span<std::byte> into);
    [[nodiscard]] std::unique_ptr<source> make_source(boost::asio::any_io_executor strand, std::string name);

    /// Reads and drops the rest, up to `unread_bytes`. \returns  whether that was all \pre closed, and nobody reads
    [[nodiscard]] boost::asio::awaitable<bool> drop();

    /// No more reads by those who have the body; the one under way is waited for by `left`.
    void close() noexcept { closed_ = true; }
    [[nodiscard]] bool is_being_read() const noexcept { return reading_; }
    /// Waits until nobody reads.
    [[nodiscard]] boost::asio::awaitable<void> left();

    /// Whether the client is to be told before it sends the body.
    [[nodiscard]] bool is_awaiting_invitation() const noexcept { return waiter_ != nullptr; }
    [[nodiscard]] bool done() const noexcept { return reader_.done(); }
    /// Whether the rest is so short that it may be read and dropped, as far as is known.
    [[nodiscard]] bool may_be_dropped() const noexcept;
    [[nodiscard]] std::uint64_t total() const noexcept { return reader_.total(); }
    [[nodiscard]] const fields& trailer() const noexcept { return reader_.trailer(); }
    /// The status for a handler that was stopped by a failure of the body; 0 if there was none.
    [[nodiscard]] unsigned status_of_failure() const noexcept { return status_of_failure_; }

private:
    class reading;

    [[nodiscard]] boost::asio::awaitable<std::size_t> read_open(std::span<std::byte> into);
    [[nodiscard]] boost::asio::awaitable<std::size_t> read_checked(std::span<std::byte> into);
    [[nodiscard]] boost::asio::awaitable<std::size_t> read_data(std::span<std::byte> into,
                                                                server_input::clock::time_point limit);
    [[nodiscard]] std::size_t take_rest(std::span<std::byte> into);
    void check_size() const;

    const std::shared_ptr<const void> owner_;
    server_input& input_;
    const server_options& limits_;
    body_waiter* waiter_; // until it was asked
    body_reader reader_;
    client_pace pace_;
    const bool is_chunked_;
    bool closed_ = false;
    bool reading_ = false;
    unsigned status_of_failure_ = 0;
    weir::detail::async_event left_;
};

} // namespace weir::http::detail
