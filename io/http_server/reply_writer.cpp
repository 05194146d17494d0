#include "http_server/reply_writer.hpp"

#include "net/unsent.hpp"

#include <weir/error.hpp>
#include <weir/http/date.hpp>
#include <weir/http/writer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

namespace weir::http::detail {

namespace asio = boost::asio;

namespace {

using gathered = boost::container::small_vector<asio::const_buffer, 8>;

asio::const_buffer buffer_of(std::string_view text) { return {text.data(), text.size()}; }

bool has_no_body(std::string_view method, unsigned status) noexcept
{
    constexpr unsigned no_content = 204, not_modified = 304;
    return method == "HEAD" || status == no_content || status == not_modified;
}

} // namespace

asio::awaitable<void> send_all(net::transport& to, std::span<asio::const_buffer> data, client_pace& pace)
{
    client_pace::clock::time_point start = client_pace::clock::now();
    for (data = net::unsent(data, 0); !data.empty();) {
        to.expires_at(pace.limit(start));
        const std::span<const asio::const_buffer> rest = data;
        const auto [failed, bytes] = co_await to.async_write_some(rest, asio::as_tuple(asio::use_awaitable));
        if (failed)
            throw error(failed, "write to", to.peer());
        data = net::unsent(data, bytes);
        const client_pace::clock::time_point end = client_pace::clock::now();
        pace.waited(end - std::exchange(start, end));
        pace.moved(bytes);
    }
}

asio::awaitable<void> send_text(net::transport& to, std::string_view text, client_pace pace)
{
    asio::const_buffer whole = buffer_of(text);
    co_await send_all(to, std::span(&whole, 1), pace);
}

void add_date(fields& header)
{
    if (!header.contains("Date"))
        header.add("Date", format_date(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())));
}

reply_writer::reply_writer(net::transport& to, const received_request& request, const client_pace& pace, bool says_date)
    : to_(to), request_(request), pace_(pace), says_date_(says_date)
{}

void reply_writer::begin(const response_head& head, std::optional<std::uint64_t> length, bool reusable)
{
    assert(!begun());
    constexpr unsigned first_final = 200;
    if (head.status < first_final)
        throw error(errc::bad_format, "begin answer", std::to_string(head.status), std::nullopt, "no final status");
    const framing how = frame(head.status, length, reusable && keeps_connection(version::http_1_1, head.header));
    response_head sent = head;
    if (has_no_body(request_.method, head.status)) {
        sent.header.erase("Content-Length");
        if (length && request_.method == "HEAD")
            sent.header.add("Content-Length", std::to_string(*length));
    }
    if (request_.spoken == version::http_1_0 && how.reusable && !sent.header.contains("Connection"))
        sent.header.add("Connection", "keep-alive"); // else it waits for the end of the connection
    if (says_date_)
        add_date(sent.header);
    std::string text;
    write_head(text, sent, how);
    head_ = std::move(text);
    framing_ = how;
    length_ = length;
    status_ = head.status;
}

framing reply_writer::frame(unsigned status, std::optional<std::uint64_t> length, bool reusable) const noexcept
{
    if (has_no_body(request_.method, status))
        return {body_end::none, 0, reusable};
    if (length)
        return {body_end::length, *length, reusable};
    if (request_.spoken == version::http_1_0)
        return {body_end::close, 0, false};
    return {body_end::chunked, 0, reusable};
}

void reply_writer::take_back() noexcept
{
    assert(!has_sent());
    head_.clear();
    status_ = 0;
    written_ = sent_ = 0;
}

void reply_writer::count(std::uint64_t bytes)
{
    if (length_ && bytes > *length_ - written_)
        throw error(errc::invalid_size, "write to", to_.peer(), written_,
                    "the answer has a length of " + std::to_string(*length_));
    written_ += bytes;
}

asio::awaitable<void> reply_writer::write(std::span<asio::const_buffer> data)
{
    assert(begun() && !finished_);
    const std::size_t bytes = asio::buffer_size(data);
    if (bytes == 0)
        co_return;
    count(bytes);
    if (framing_.end == body_end::none)
        co_return co_await flush();
    const chunk_start start(bytes);
    const std::string head = std::exchange(head_, std::string());
    gathered all;
    all.push_back(buffer_of(head));
    if (framing_.end == body_end::chunked)
        all.push_back(buffer_of(start.text()));
    all.insert(all.end(), data.begin(), data.end());
    if (framing_.end == body_end::chunked)
        all.push_back(buffer_of(chunk_end));
    co_await send_all(to_, std::span(all.data(), all.size()), pace_);
    sent_ += bytes;
}

asio::awaitable<void> reply_writer::flush()
{
    const std::string head = std::exchange(head_, std::string());
    asio::const_buffer whole = buffer_of(head);
    co_await send_all(to_, std::span(&whole, 1), pace_);
}

asio::awaitable<void> reply_writer::finish(const fields& trailer)
{
    assert(begun() && !finished_);
    if (framing_.end == body_end::length && written_ != framing_.length)
        throw error(errc::ended_early, "write to", to_.peer(), written_,
                    "the answer has a length of " + std::to_string(framing_.length));
    std::string rest = std::exchange(head_, std::string());
    if (framing_.end == body_end::chunked)
        write_last_chunk(rest, trailer);
    asio::const_buffer whole = buffer_of(rest);
    co_await send_all(to_, std::span(&whole, 1), pace_);
    finished_ = true;
}

} // namespace weir::http::detail
