#pragma once
// The answer to one request: how it is framed, and how it gets onto the connection.

#include "http_server/client_pace.hpp"

#include <weir/http/message.hpp>
#include <weir/http/server_options.hpp>
#include <weir/net/transport.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace weir::http::detail {

/// Sends all of `data` at the pace that is allowed.
[[nodiscard]] boost::asio::awaitable<void> send_all(net::transport& to, std::span<boost::asio::const_buffer> data,
                                                    client_pace& pace);
[[nodiscard]] boost::asio::awaitable<void> send_text(net::transport& to, std::string_view text, client_pace pace);

/// `Date`: now, unless there is one.
void add_date(fields& header);

class reply_writer {
public:
    /// \param says_date  adds a `Date` to a head that has none
    reply_writer(net::transport& to, const received_request& request, const client_pace& pace, bool says_date);

    /// \param reusable  whether the connection can serve another request if this answer leaves it so
    void begin(const response_head& head, std::optional<std::uint64_t> length, bool reusable);
    [[nodiscard]] boost::asio::awaitable<void> write(std::span<boost::asio::const_buffer> data);
    [[nodiscard]] boost::asio::awaitable<void> flush();
    [[nodiscard]] boost::asio::awaitable<void> finish(const fields& trailer);

    [[nodiscard]] bool begun() const noexcept { return status_ != 0; }
    [[nodiscard]] bool finished() const noexcept { return finished_; }
    /// Whether any byte of it may have gone out.
    [[nodiscard]] bool has_sent() const noexcept { return begun() && head_.empty(); }
    /// Whether the end of the connection is what says that the body is whole.
    [[nodiscard]] bool ends_by_close() const noexcept { return framing_.end == body_end::close; }
    /// Drops an answer of which nothing has gone out.
    void take_back() noexcept;
    [[nodiscard]] bool reusable() const noexcept { return framing_.reusable; }
    [[nodiscard]] unsigned status() const noexcept { return status_; }
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

private:
    [[nodiscard]] framing frame(unsigned status, std::optional<std::uint64_t> length, bool reusable) const noexcept;
    void count(std::uint64_t bytes);

    net::transport& to_;
    const received_request& request_;
    client_pace pace_;
    const bool says_date_;
    std::string head_; // not sent yet; empty afterwards
    framing framing_;
    std::optional<std::uint64_t> length_; // of the body, sent or not
    std::uint64_t written_ = 0;
    std::uint64_t sent_ = 0;
    unsigned status_ = 0;
    bool finished_ = false;
};

} // namespace weir::http::detail
