#pragma once
// One connection of a server: requests that come one after the other, and what the handler does with them.

#include "http_server/core.hpp"
#include "http_server/input.hpp"
#include "http_server/reply_writer.hpp"
#include "http_server/request_body.hpp"

#include <weir/as_result.hpp>
#include <weir/http/head_reader.hpp>
#include <weir/net/transport.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace weir::http::detail {

/// \par Thread-safety
/// All on the strand of its coroutine.
class server_connection : public std::enable_shared_from_this<server_connection>, body_waiter {
public:
    server_connection(std::shared_ptr<server_core> core, server_core::place where, net::transport connected,
                      bool is_local);

    /// The whole life of the connection. Closes it in the end.
    [[nodiscard]] static boost::asio::awaitable<void> serve(std::shared_ptr<server_connection> self);

    // For the exchange.
    [[nodiscard]] std::shared_ptr<request_body> body_of(const received_request& request, const framing& how);
    [[nodiscard]] std::unique_ptr<reply_writer> reply_to(const received_request& request);
    /// Whether there may be another exchange after the present one.
    [[nodiscard]] bool may_go_on() const;
    [[nodiscard]] const server_options& options() const noexcept { return core_->options(); }
    [[nodiscard]] const boost::asio::any_io_executor& strand() const noexcept { return strand_; }
    [[nodiscard]] const std::string& peer() const noexcept { return peer_; }
    [[nodiscard]] net::transport& stream() noexcept { return stream_; }
    /// For what is sent.
    [[nodiscard]] client_pace pace() const noexcept { return {options().write_time, options().write_rate}; }

private:
    class closing;
    class idle_mark;
    class report;

    [[nodiscard]] boost::asio::awaitable<void> serve_all();
    [[nodiscard]] boost::asio::awaitable<bool> serve_next();
    [[nodiscard]] boost::asio::awaitable<bool> await_request();
    [[nodiscard]] bool skip_empty_lines() noexcept;
    [[nodiscard]] boost::asio::awaitable<void> read_head(request_reader& reader);
    void cut_off(const reply_writer& reply) noexcept;
    [[nodiscard]] boost::asio::awaitable<void> refuse(unsigned status, const failure& why);
    [[nodiscard]] boost::asio::awaitable<bool> exchange_messages(received_request request, const framing& how);
    [[nodiscard]] boost::asio::awaitable<void> answer(server_exchange& current);
    [[nodiscard]] boost::asio::awaitable<void> conclude(server_exchange& current, const result<void>& outcome,
                                                        report& told);
    [[nodiscard]] boost::asio::awaitable<void> answer_for(server_exchange& current, const result<void>& outcome);
    [[nodiscard]] boost::asio::awaitable<void> invite() override;

    const std::shared_ptr<server_core> core_;
    const server_core::place where_;
    net::transport stream_;
    const bool is_local_;
    const std::string peer_;
    server_input input_;
    boost::asio::any_io_executor strand_;
    const server_exchange* current_ = nullptr;
    std::size_t exchanges_ = 0;  // that have begun
    bool client_goes_on_ = true; // as the last request says
};

} // namespace weir::http::detail
