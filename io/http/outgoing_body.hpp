#pragma once
// The body of a request on its way: how it is framed, and what was promised of its length.

#include "client_exchange.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace weir::http {

/// How a body of that length is framed; nothing: in chunks.
[[nodiscard]] framing framing_of_body(std::optional<std::uint64_t> length) noexcept;

/// \throws weir::error  `errc::invalid_size`: with `more` bytes behind `sent` the body is longer than `length`
void ensure_fits(const url& target, std::optional<std::uint64_t> length, std::uint64_t sent, std::uint64_t more);

class outgoing_body {
public:
    /// \param on  has sent the head, with `framing_of_body(length)`
    outgoing_body(std::unique_ptr<client_exchange> on, std::optional<std::uint64_t> length) noexcept
        : exchange_(std::move(on)), length_(length)
    {}

    /// Sends the next bytes. \returns  false if the server does not wait for the rest
    /// \throws weir::error  as `ensure_fits`; nothing of `data` was sent then
    [[nodiscard]] boost::asio::awaitable<bool> send(std::span<const boost::asio::const_buffer> data);

    /// Waits until the server has answered or hung up, on whatever strand it is awaited. \returns  whether it does not wait for the rest
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost.
    [[nodiscard]] boost::asio::awaitable<bool> await_refusal();

    /// No rest is to be sent: the server does not wait for it.
    void refuse() noexcept { refused_ = true; }
    /// Ends the body if the server waits for that, and reads the head of the answer.
    /// \param trailer  goes behind a body in chunks
    /// \throws weir::error  `errc::ended_early`: less than the length
    [[nodiscard]] boost::asio::awaitable<void> finish(const fields& trailer);

    [[nodiscard]] const std::unique_ptr<client_exchange>& exchange() const noexcept { return exchange_; }
    [[nodiscard]] std::unique_ptr<client_exchange> take_exchange() && noexcept { return std::move(exchange_); }
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

private:
    [[nodiscard]] boost::asio::awaitable<void> end(const fields& trailer);
    [[nodiscard]] boost::asio::awaitable<bool> refusal();

    std::unique_ptr<client_exchange> exchange_;
    std::optional<std::uint64_t> length_;
    std::uint64_t sent_ = 0;
    bool refused_ = false;
    std::vector<boost::asio::const_buffer> parts_; // of one send
};

} // namespace weir::http
