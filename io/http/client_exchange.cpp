#include "client_exchange.hpp"

#include <weir/error.hpp>
#include <weir/http/framing.hpp>
#include <weir/http/writer.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace weir::http {

namespace asio = boost::asio;

namespace {

// A body that is thrown away is read up to here: a new connection costs more than that.
constexpr std::uint64_t worth_discarding = std::uint64_t{64} << 10;
constexpr auto discard_limit = std::chrono::seconds(2);

std::string seconds_text(time_limits::duration time)
{
    std::string text = std::to_string(time.count() / 1000);
    if (const auto rest = time.count() % 1000; rest != 0)
        text += "." + std::to_string(1000 + rest).substr(1);
    return text + " s";
}

std::string subject_of(const std::exception_ptr& failure)
{
    try {
        std::rethrow_exception(failure);
    }
    catch (const error& known) {
        return known.subject();
    }
    catch (...) {
        return {};
    }
}

} // namespace

bool rate_watch::is_too_slow(clock::duration waited, std::size_t bytes) noexcept
{
    waited_ += waited;
    bytes_ += bytes;
    if (least_ == 0 || waited_ < window_)
        return false;
    const double wanted = static_cast<double>(least_) * std::chrono::duration<double>(waited_).count();
    const bool slow = static_cast<double>(bytes_) < wanted;
    waited_ = {};
    bytes_ = 0;
    return slow;
}

client_exchange::client_exchange(pooled<connection> on, url from, const client_options& options,
                                 clock::time_point deadline, std::weak_ptr<kept_connection> keeper)
    : from_(std::move(from)), limits_(options.limits), max_interim_(options.max_interim), deadline_(deadline),
      keeper_(std::move(keeper)), connection_(std::move(on)), executor_(connection_->stream().get_executor()), body_(framing()),
      rate_(options.limits), reused_(connection_.uses() > 0)
{
}

client_exchange::~client_exchange()
{
    if (!connection_)
        return;
    lift_limit();
    connection_.mark_broken();
}

asio::awaitable<void> client_exchange::ask(const request_head& request)
{
    const framing nothing{.reusable = true};
    co_await send_head(request, nothing);
    co_await receive_head(true);
}

asio::awaitable<void> client_exchange::send_head(const request_head& request, const framing& body)
{
    method_ = request.method;
    is_last_ = !keeps_connection(version::http_1_1, request.header);
    const target_form form = connection_->has_reading_proxy() ? target_form::absolute : target_form::origin;
    std::string text;
    write_head(text, request, form, body);
    const std::function<void()> renew = [this] { limit_to(limits_.idle); };
    const result<void> sent = co_await as_result(connection_->write_head(text, renew));
    take_outcome(sent);
}

/// Of sending.
void client_exchange::take_outcome(const result<void>& sent)
{
    if (!sent && sent.code() == condition::cancelled)
        sent.value();
    if (!sent && sent.code() == errc::deadline_exceeded)
        raise(sent.exception(), "send request to", limits_.idle);
    // A server that refuses a request may answer and close before it has read it all: that answer counts.
    unsent_ = sent.exception();
}

asio::awaitable<bool> client_exchange::send(std::span<const asio::const_buffer> parts)
{
    const std::function<void()> renew = [this] { limit_to(limits_.idle); };
    const result<void> sent = co_await as_result(connection_->write(parts, renew));
    take_outcome(sent);
    while (!unsent_ && !is_head_final_ && has_something_to_read()) {
        limit_to(limits_.idle);
        const result<void> read = co_await as_result(read_head());
        if (!read && read.code() != errc::ended_early)
            raise(read.exception(), "read answer of", limits_.idle);
        unsent_ = read.exception();
    }
    co_return !unsent_ && !is_head_final_;
}

asio::awaitable<void> client_exchange::await_answer()
{
    while (!unsent_ && !is_head_final_) {
        connection_->stream().expires_at(deadline_);
        const result<void> read = co_await as_result(read_head());
        lift_limit(); // who comes next may be on another strand
        if (!read && read.code() == condition::cancelled)
            read.value();
        unsent_ = read.exception();
        if (!read && read.code() != errc::ended_early)
            unread_ = unsent_;
    }
}

bool client_exchange::has_something_to_read()
{
    return !connection_->unused().empty() || !connection_->stream().quiet();
}

asio::awaitable<bool> client_exchange::await_continue(time_limits::duration patience)
{
    const clock::time_point until = std::min(deadline_, clock::now() + patience);
    while (!is_head_final_ && !may_go_on_) {
        connection_->stream().expires_at(until);
        const result<void> read = co_await as_result(read_head());
        if (!read && read.code() == errc::deadline_exceeded && clock::now() < deadline_)
            co_return true; // it knows nothing of 100
        if (!read)
            raise(read.exception(), "read answer of", patience);
    }
    co_return !is_head_final_;
}

asio::awaitable<void> client_exchange::receive_head(bool whole)
{
    if (is_received_) // a sink's watch was first, and the connection may be gone
        co_return;
    is_request_whole_ = whole && !unsent_;
    if (unread_)
        raise(unread_, "read answer of", limits_.first_byte);
    limit_to(limits_.first_byte);
    while (!is_head_final_) {
        const result<void> read = co_await as_result(read_head());
        if (!read && unsent_ && !is_answered())
            raise(unsent_, "send request to", limits_.idle);
        if (!read)
            raise(read.exception(), "read answer of", limits_.first_byte);
    }
    if (head_.status == 101)
        throw error(errc::protocol_violation, "read answer of", from_.to_string(), std::nullopt,
                    "a change of protocol that was not asked for");
    read_framing();
    body_ = body_reader(how_);
    is_received_ = true;
    if (body_.done())
        settle();
}

void client_exchange::read_framing()
{
    try {
        how_ = framing_of_response(method_, head_.status, head_.spoken, head_.header);
    }
    catch (const error&) {
        raise(std::current_exception(), "read answer of", limits_.first_byte); // it says of which field, not of whose
    }
}

asio::awaitable<void> client_exchange::read_head()
{
    co_await connection_->read_head(reader_);
    head_ = reader_.take();
    is_head_final_ = !head_.is_interim();
    may_go_on_ = may_go_on_ || head_.status == 100;
    if (!is_head_final_ && ++interim_ > max_interim_)
        throw error(errc::protocol_violation, "read answer of", from_.to_string(), std::nullopt,
                    "more than " + std::to_string(max_interim_) + " interim answers");
}

asio::awaitable<std::size_t> client_exchange::read_some(std::span<std::byte> into)
{
    if (body_.done())
        co_return 0;
    result<std::size_t> got = co_await as_result(read_body(into));
    if (!got)
        raise(got.exception(), "read", limits_.idle);
    if (body_.done())
        settle();
    co_return *got;
}

asio::awaitable<std::size_t> client_exchange::read_body(std::span<std::byte> into)
{
    while (!body_.done()) {
        if (!connection_->unused().empty()) {
            if (const std::size_t produced = decode_unused(into))
                co_return produced;
            continue;
        }
        if (body_.data() == 0)
            static_cast<void>(body_.feed({})); // throws what was found behind the data that was given
        // Data goes straight to its place. Where framing comes among it, the data behind that is moved up by its length.
        const bool framed = how_.end == body_end::chunked && body_.data() < into.size();
        const std::uint64_t room = framed ? into.size() : std::min<std::uint64_t>(into.size(), body_.data());
        const std::span<std::byte> target = into.first(static_cast<std::size_t>(room));
        const got received = co_await receive(target);
        if (received.ended) {
            end_of_connection();
            continue;
        }
        if (!framed) {
            body_.received(received.bytes);
            co_return received.bytes;
        }
        if (const std::size_t produced = decode_in_place(target.first(received.bytes)))
            co_return produced;
    }
    co_return 0;
}

/// One read under all limits of time.
asio::awaitable<client_exchange::got> client_exchange::receive(std::span<std::byte> into)
{
    for (;;) {
        const clock::time_point start = clock::now();
        const clock::time_point limit = limit_of(limits_.idle);
        const clock::time_point window = rate_.window_end(start);
        const bool by_window = window < limit;
        connection_->stream().expires_at(std::min(window, limit));
        result<std::size_t> read = co_await as_result(connection_->read_some(into));
        const bool slow = rate_.is_too_slow(clock::now() - start, read ? *read : 0);
        if (slow)
            throw error(errc::deadline_exceeded, "read", from_.to_string(), body_.total(),
                        "slower than " + std::to_string(limits_.min_rate) + " bytes a second");
        if (!read && by_window && read.code() == errc::deadline_exceeded)
            continue; // the window is over, and it was fast enough
        const std::size_t bytes = std::move(read).value();
        co_return got{bytes, bytes == 0};
    }
}

std::size_t client_exchange::decode_unused(std::span<std::byte> into)
{
    const body_reader::decoded moved = body_.decode(connection_->unused(), into);
    connection_->use(moved.consumed);
    return moved.produced;
}

std::size_t client_exchange::decode_in_place(std::span<std::byte> raw)
{
    const body_reader::decoded moved = body_.decode(raw, raw);
    has_surplus_ = moved.consumed < raw.size();
    return moved.produced;
}

void client_exchange::end_of_connection()
{
    if (how_.end == body_end::close && connection_->stream().truncated())
        throw error(errc::ended_early, "read", from_.to_string(), body_.total(), "TLS was cut off");
    body_.end_of_stream();
}

/// The body is over: the connection goes back if another answer can follow.
void client_exchange::settle()
{
    const bool reusable = how_.reusable && !is_last_ && is_request_whole_ && !has_surplus_ && connection_->unused().empty();
    if (const auto keeper = keeper_.lock(); keeper && reusable)
        return keeper->keep(std::move(connection_));
    lift_limit();
    if (!reusable)
        connection_.mark_broken();
    connection_.release();
}

asio::awaitable<void> client_exchange::discard()
{
    if (body_.done())
        co_return;
    deadline_ = std::min(deadline_, clock::now() + discard_limit);
    std::vector<std::byte> unread(worth_discarding);
    while (!body_.done() && body_.total() < worth_discarding) {
        const result<std::size_t> got = co_await as_result(read_some(unread));
        if (!got)
            co_return;
    }
}

client_exchange::clock::time_point client_exchange::limit_of(time_limits::duration step) const
{
    return std::min(deadline_, limit_after(step));
}

void client_exchange::lift_limit()
{
    connection_->stream().expires_at(clock::time_point::max());
}

void client_exchange::limit_to(time_limits::duration step) { connection_->stream().expires_at(limit_of(step)); }

/// Throws what broke with what it was a part of: connections know their peer only, readers not even that.
void client_exchange::raise(const std::exception_ptr& cause, std::string_view operation, time_limits::duration step)
{
    if (connection_)
        connection_.mark_broken();
    const std::error_code code = code_of(cause);
    const std::string shown = from_.to_string();
    if (code == condition::cancelled || subject_of(cause) == shown)
        std::rethrow_exception(cause);
    std::string detail = message_of(cause);
    if (code == errc::deadline_exceeded)
        detail = clock::now() >= deadline_ ? "the limit of the whole" : "nothing came for " + seconds_text(step);
    std::optional<std::uint64_t> offset;
    if (operation == "read")
        offset = body_.total();
    throw error(code, operation, shown, offset, detail);
}

} // namespace weir::http
