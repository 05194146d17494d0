#include "http_server/connection.hpp"

#include <weir/error.hpp>
#include <weir/http/writer.hpp>

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace weir::http::detail {

namespace asio = boost::asio;
using clock = server_input::clock;

namespace {

constexpr unsigned timeout = 408, too_large = 413, expectation_failed = 417, internal_error = 500,
                   not_implemented = 501;

bool expects_invitation(const received_request& request) noexcept
{
    const auto expected = request.header.find("Expect");
    return expected && same_name(*expected, "100-continue") && request.spoken == version::http_1_1;
}

/// The status for a request that no handler is asked about; 0 if one is.
unsigned objection_to(const received_request& request, const framing& how, std::uint64_t max_body_bytes) noexcept
{
    if (request.method == "CONNECT")
        return not_implemented;
    if (request.spoken == version::http_1_1 && request.header.contains("Expect") && !expects_invitation(request))
        return expectation_failed;
    return how.length > max_body_bytes ? too_large : 0;
}

unsigned status_for(std::error_code failed, const request_reader& reader) noexcept
{
    if (failed == errc::protocol_violation)
        return reader.status_of_refusal();
    return failed == errc::deadline_exceeded ? timeout : 0;
}

} // namespace

/// Closes the connection: somebody else, the source of a body, may still hold it.
class server_connection::closing {
public:
    explicit closing(net::transport& stream) noexcept : stream_(stream) {}
    closing(const closing&) = delete;
    closing& operator=(const closing&) = delete;
    ~closing() { stream_.close(); }

private:
    net::transport& stream_;
};

/// While it lives the connection may be closed for being idle.
class server_connection::idle_mark {
public:
    explicit idle_mark(server_connection& of) : of_(of), is_idle_(of.core_->begin_idle(of.where_)) {}
    idle_mark(const idle_mark&) = delete;
    idle_mark& operator=(const idle_mark&) = delete;
    ~idle_mark() { of_.core_->end_idle(of_.where_); }
    /// False: the server is stopping.
    explicit operator bool() const noexcept { return is_idle_; }

private:
    server_connection& of_;
    const bool is_idle_;
};

/// What is there as long as an exchange is. When it is over, however that comes about, its body ends and it is told of.
class server_connection::report {
public:
    report(server_connection& of, const server_exchange& told) : of_(of), told_(told), start_(clock::now())
    {
        of_.current_ = &told_;
    }
    report(const report&) = delete;
    report& operator=(const report&) = delete;
    ~report()
    {
        of_.current_ = nullptr;
        told_.body_->close();
        of_.cut_off(*told_.reply_);
        exchange_report out;
        out.peer = of_.peer_;
        out.method = told_.request_.method;
        out.target = told_.request_.target;
        out.status = told_.reply_->status();
        out.received = told_.body_->total();
        out.sent = told_.reply_->sent();
        out.duration = clock::now() - start_;
        if (!told_.reply_->finished() && !failed_)
            fail(errc::ended_early, "the answer was not finished");
        out.failed = failed_;
        out.description = description_;
        out.refused = refused_;
        of_.core_->tell_exchange(out);
    }
    void refuse() noexcept { refused_ = true; }
    void fail(std::error_code code, std::string description)
    {
        failed_ = code;
        description_ = std::move(description);
    }

private:
    server_connection& of_;
    const server_exchange& told_;
    const clock::time_point start_;
    std::error_code failed_;
    std::string description_;
    bool refused_ = false;
};

server_connection::server_connection(std::shared_ptr<server_core> core, server_core::place where,
                                     net::transport connected, bool is_local)
    : core_(std::move(core)),
      where_(where),
      stream_(std::move(connected)),
      is_local_(is_local),
      peer_(stream_.peer()),
      input_(stream_)
{}

asio::awaitable<void> server_connection::serve(std::shared_ptr<server_connection> self)
{
    const closing at_end(self->stream_);
    const asio::any_io_executor here = co_await asio::this_coro::executor;
    self->strand_ = here;
    const result<void> ended = co_await as_result(self->serve_all());
    if (!ended && ended.code() != condition::cancelled)
        self->core_->tell_failure(self->peer_, 0, failure(ended.exception()));
}

asio::awaitable<void> server_connection::serve_all()
{
    if (options().tls && !is_local_) {
        net::transport plain = std::move(stream_);
        stream_ = co_await net::secured(std::move(plain), *options().tls, clock::now() + options().handshake_time);
    }
    for (bool goes_on = true; goes_on;)
        goes_on = co_await serve_next();
    if (stream_.is_open())
        co_await stream_.shutdown(clock::now() + options().close_time);
}

/// One request and its answer. \returns  whether there may be another
asio::awaitable<bool> server_connection::serve_next()
{
    const bool has_request = co_await await_request();
    if (!has_request)
        co_return false;
    request_reader reader(options().head);
    framing how;
    received_request request;
    result<void> read = co_await as_result(read_head(reader));
    if (read) {
        request = reader.take();
        try {
            how = framing_of_request(request.spoken, request.header);
        }
        catch (const error&) {
            read = failure(std::current_exception());
        }
    }
    if (!read && !reader.started() && read.code() == errc::deadline_exceeded)
        co_return false; // an empty line in two pieces, and nothing behind it
    if (!read) {
        co_await refuse(status_for(read.code(), reader), failure(read.exception()));
        co_return false;
    }
    co_return co_await exchange_messages(std::move(request), how);
}

asio::awaitable<bool> server_connection::await_request()
{
    if (skip_empty_lines())
        co_return true;
    const std::chrono::milliseconds patience = exchanges_ == 0 ? options().head_time : options().idle_time;
    const clock::time_point limit = clock::now() + patience;
    const idle_mark idle(*this);
    if (!idle)
        co_return false;
    do {
        const result<bool> filled = co_await as_result(input_.fill(limit));
        if (!filled || !*filled)
            co_return false; // a client may leave between two requests in any way it likes
    } while (!skip_empty_lines());
    co_return true;
}

/// Behind a body old clients send an empty line, which is no request yet. \returns  whether there is something else
/// \see RFC 9112, section 2.2
bool server_connection::skip_empty_lines() noexcept
{
    constexpr std::array empty_line = {std::byte{'\r'}, std::byte{'\n'}};
    for (;;) {
        const std::span<const std::byte> rest = input_.rest();
        if (rest.size() < empty_line.size() || !std::equal(empty_line.begin(), empty_line.end(), rest.begin()))
            return !rest.empty();
        input_.take(empty_line.size());
    }
}

asio::awaitable<void> server_connection::read_head(request_reader& reader)
{
    const clock::time_point limit = clock::now() + options().head_time;
    for (;;) {
        input_.take(reader.feed(input_.rest()));
        if (reader.done())
            co_return;
        const bool has_more = co_await input_.fill(limit);
        if (!has_more)
            reader.end_of_stream();
    }
}

/// Answers what is no request, if an answer may help.
asio::awaitable<void> server_connection::refuse(unsigned status, const failure& why)
{
    core_->tell_failure(peer_, status, why);
    if (status == 0)
        co_return;
    const framing closing{body_end::length, 0, false};
    response_head head;
    head.status = status;
    if (options().says_date)
        add_date(head.header);
    std::string text;
    write_head(text, head, closing);
    (void)co_await as_result(send_text(stream_, text, pace()));
}

std::shared_ptr<request_body> server_connection::body_of(const received_request& request, const framing& how)
{
    body_waiter* waiter = how.end != body_end::none && expects_invitation(request) ? this : nullptr;
    return std::make_shared<request_body>(shared_from_this(), input_, how, options(), waiter);
}

std::unique_ptr<reply_writer> server_connection::reply_to(const received_request& request)
{
    return std::make_unique<reply_writer>(stream_, request, pace(), options().says_date);
}

bool server_connection::may_go_on() const
{
    return client_goes_on_ && exchanges_ < options().exchanges_per_connection && !core_->stopping();
}

asio::awaitable<void> server_connection::invite()
{
    if (current_ && !current_->begun())
        co_await send_text(stream_, "HTTP/1.1 100 Continue\r\n\r\n", pace());
}

asio::awaitable<bool> server_connection::exchange_messages(received_request request, const framing& how)
{
    ++exchanges_;
    client_goes_on_ = how.reusable;
    const unsigned objection = objection_to(request, how, options().body_bytes);
    server_exchange current(shared_from_this(), std::move(request), how);
    report told(*this, current);
    if (objection != 0) {
        client_goes_on_ = false;
        told.refuse();
        co_await current.reply(objection, "");
        co_return false;
    }
    const result<void> outcome = co_await as_result(answer(current));
    // A handler may have switched cancellation off, and a stop has to reach what follows; what has come already stays.
    const asio::cancellation_state now = co_await asio::this_coro::cancellation_state;
    if (now.cancelled() == asio::cancellation_type::none)
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    co_await conclude(current, outcome, told);
    bool goes_on = client_goes_on_ && current.reply_->finished() && current.reply_->reusable() && !core_->stopping();
    if (goes_on) {
        const result<bool> dropped = co_await as_result(current.body_->drop());
        goes_on = dropped && *dropped; // the exchange was whole all the same
    }
    co_return goes_on;
}

asio::awaitable<void> server_connection::answer(server_exchange& current) { co_await core_->answer()(current); }

/// Brings the connection to where nobody uses it, and answers if the handler has not begun to; what it has begun and not ended
/// is cut off by the end of `told`.
asio::awaitable<void> server_connection::conclude(server_exchange& current, const result<void>& outcome, report& told)
{
    if (!outcome)
        told.fail(outcome.code(), outcome.message());
    current.body_->close(); // whoever the handler gave it to: the connection is read here from now on
    if (current.body_->is_being_read()) {
        client_goes_on_ = false;
        stream_.cancel();
        co_await current.body_->left();
    }
    if (!current.reply_->has_sent() && !current.reply_->finished())
        co_await answer_for(current, outcome);
}

/// What a client has of an answer that is not whole has to look so.
void server_connection::cut_off(const reply_writer& reply) noexcept
{
    if (reply.finished() || !reply.has_sent())
        return;
    if (reply.ends_by_close())
        stream_.reset();
    else
        stream_.close();
}

/// Answers for a handler that has not.
asio::awaitable<void> server_connection::answer_for(server_exchange& current, const result<void>& outcome)
{
    current.reply_->take_back();
    client_goes_on_ = false;
    unsigned status = internal_error;
    if (!outcome && current.body_->status_of_failure() != 0)
        status = current.body_->status_of_failure();
    co_await current.reply(status, "");
}

} // namespace weir::http::detail
