#pragma once
// One request and its answer on one connection.

#include "connection.hpp"

#include <weir/as_result.hpp>
#include <weir/http/body_reader.hpp>
#include <weir/http/head_reader.hpp>
#include <weir/http/request.hpp>
#include <weir/http/response.hpp>
#include <weir/pooled.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace weir::http {

/// Judges how fast a body comes, by the time spent waiting for it: a consumer that is slow itself is no reason to give up.
class rate_watch {
public:
    using clock = std::chrono::steady_clock;

    explicit rate_watch(const time_limits& limits) noexcept : least_(limits.min_rate), window_(limits.rate_window) {}

    /// When the window that a read beginning now stands in is over; never if any rate will do.
    [[nodiscard]] clock::time_point window_end(clock::time_point now) const noexcept
    {
        return least_ == 0 ? clock::time_point::max() : now + (window_ - waited_);
    }
    /// Counts a read. \returns  whether a window that it ended had too few bytes
    [[nodiscard]] bool is_too_slow(clock::duration waited, std::size_t bytes) noexcept;

private:
    std::uint64_t least_;
    clock::duration window_;
    clock::duration waited_{0}; // in this window
    std::uint64_t bytes_ = 0;   // in this window
};

class client_exchange {
public:
    using clock = std::chrono::steady_clock;

    /// \param on      a connection that nothing is under way on
    /// \param keeper  has it when it can serve another request, if it is still there; else the pool has
    client_exchange(pooled<connection> on, url from, const client_options& options, clock::time_point deadline,
                    std::weak_ptr<kept_connection> keeper = {});
    client_exchange(const client_exchange&) = delete;
    client_exchange& operator=(const client_exchange&) = delete;
    /// What is left in the middle of something closes its connection: nobody knows what comes next on it.
    ~client_exchange();

    /// Sends the head of a request without a body, and reads that of the answer.
    [[nodiscard]] boost::asio::awaitable<void> ask(const request_head& request);

    // The same with a body: `send_head`, `send` until it is over or refused, `receive_head`.
    [[nodiscard]] boost::asio::awaitable<void> send_head(const request_head& request, const framing& body);
    /// Waits for the word to go on, up to `patience`. \returns  false if the answer came instead
    [[nodiscard]] boost::asio::awaitable<bool> await_continue(time_limits::duration patience);
    /// Sends what belongs to the body, framing too.
    /// \returns  false if the server did not wait for the rest of it: it has answered, or hung up
    [[nodiscard]] boost::asio::awaitable<bool> send(std::span<const boost::asio::const_buffer> parts);
    /// Between two steps: the next may be on another strand.
    void lift_limit();
    /// Waits until the server has answered or hung up, under the limit of the whole alone: the body may be long in coming.
    /// Fails only where it is cancelled, and nothing is lost then: what is wrong with an answer is told by `receive_head`.
    [[nodiscard]] boost::asio::awaitable<void> await_answer();
    /// Reads the head of the answer, past those of status 1xx.
    /// \param whole  the body was sent to its end: else the connection serves no other request
    [[nodiscard]] boost::asio::awaitable<void> receive_head(bool whole);

    /// As `response::read_some`.
    [[nodiscard]] boost::asio::awaitable<std::size_t> read_some(std::span<std::byte> into);

    /// Reads what is left of a short body, so that the connection can be used again; drops the connection else.
    [[nodiscard]] boost::asio::awaitable<void> discard();

    [[nodiscard]] const response_head& head() const noexcept { return head_; }
    [[nodiscard]] response_head take_head() noexcept { return std::move(head_); }
    [[nodiscard]] const url& from() const noexcept { return from_; }
    [[nodiscard]] const framing& how() const noexcept { return how_; }
    [[nodiscard]] const body_reader& body() const noexcept { return body_; }
    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    /// Whether a byte of an answer has come.
    [[nodiscard]] bool is_answered() const noexcept { return is_head_final_ || interim_ > 0 || reader_.started(); }
    [[nodiscard]] bool has_reused_connection() const noexcept { return reused_; }

private:
    struct got {
        std::size_t bytes = 0;
        bool ended = false; // the connection
    };

    void read_framing();
    void take_outcome(const result<void>& sent);
    [[nodiscard]] bool has_something_to_read();
    [[nodiscard]] boost::asio::awaitable<void> read_head();
    [[nodiscard]] boost::asio::awaitable<std::size_t> read_body(std::span<std::byte> into);
    [[nodiscard]] boost::asio::awaitable<got> receive(std::span<std::byte> into);
    [[nodiscard]] std::size_t decode_unused(std::span<std::byte> into);
    [[nodiscard]] std::size_t decode_in_place(std::span<std::byte> raw);
    [[nodiscard]] clock::time_point limit_of(time_limits::duration step) const;
    void limit_to(time_limits::duration step);
    void end_of_connection();
    void settle();
    [[noreturn]] void raise(const std::exception_ptr& cause, std::string_view operation, time_limits::duration step);

    url from_;
    time_limits limits_;
    unsigned max_interim_;
    clock::time_point deadline_;
    std::weak_ptr<kept_connection> keeper_;
    pooled<connection> connection_; // none any more once the body is over
    boost::asio::any_io_executor executor_;
    std::string method_;
    response_reader reader_;
    std::exception_ptr unsent_; // why the request did not go out whole
    std::exception_ptr unread_; // why an answer that came before its end is none
    response_head head_;
    bool is_head_final_ = false;
    bool is_received_ = false; ///< the final head, and its framing
    bool may_go_on_ = false; // by a 100
    unsigned interim_ = 0;
    framing how_;
    body_reader body_;
    rate_watch rate_;
    bool reused_;
    bool has_surplus_ = false; // bytes behind the body were seen
    bool is_request_whole_ = true;
    bool is_last_ = false; // the request said so
};

} // namespace weir::http
