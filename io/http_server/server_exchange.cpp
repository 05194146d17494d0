#include <weir/http/server_exchange.hpp>

#include "http_server/connection.hpp"
#include "http_server/reply_writer.hpp"
#include "http_server/request_body.hpp"

#include <weir/http/writer.hpp>

#include <boost/container/small_vector.hpp>

#include <cassert>
#include <utility>

namespace weir::http {

namespace asio = boost::asio;

server_exchange::server_exchange(std::shared_ptr<detail::server_connection> connection, received_request request,
                                 const framing& body)
    : connection_(std::move(connection)),
      request_(std::move(request)),
      body_(connection_->body_of(request_, body)),
      reply_(connection_->reply_to(request_))
{
    if (body.end != body_end::chunked)
        body_size_ = body.length;
}

server_exchange::~server_exchange() = default;

const std::string& server_exchange::peer() const noexcept { return connection_->peer(); }

bool server_exchange::secure() const noexcept { return connection_->stream().secure(); }

std::optional<std::uint64_t> server_exchange::body_size() const noexcept { return body_size_; }

bool server_exchange::expects_continue() const noexcept { return body_->is_awaiting_invitation(); }

asio::awaitable<std::size_t> server_exchange::read_some(std::span<std::byte> into) { return body_->read_some(into); }

std::unique_ptr<source> server_exchange::body() { return body_->make_source(connection_->strand(), peer()); }

const fields& server_exchange::trailer() const noexcept { return body_->trailer(); }

asio::awaitable<void> server_exchange::send_interim(const response_head& head)
{
    assert(!begun() && head.is_interim());
    if (request_.spoken == version::http_1_0)
        co_return;
    const framing none{body_end::none, 0, true};
    std::string text;
    write_head(text, head, none);
    co_await detail::send_text(connection_->stream(), text, connection_->pace());
}

void server_exchange::begin(const response_head& head, std::optional<std::uint64_t> length)
{
    const bool reusable = connection_->may_go_on() && (body_->done() || body_->may_be_dropped());
    reply_->begin(head, length, reusable);
}

bool server_exchange::begun() const noexcept { return reply_->begun(); }

asio::awaitable<void> server_exchange::write(std::span<const std::byte> data)
{
    asio::const_buffer whole(data.data(), data.size());
    co_await reply_->write(std::span(&whole, 1));
}

asio::awaitable<void> server_exchange::write(const bytes& data)
{
    boost::container::small_vector<asio::const_buffer, 8> slices;
    for (const slice& each : data)
        slices.emplace_back(each.data(), each.size());
    co_await reply_->write(std::span(slices.data(), slices.size()));
}

asio::awaitable<void> server_exchange::flush() { return reply_->flush(); }

asio::awaitable<void> server_exchange::finish()
{
    const fields none;
    co_await reply_->finish(none);
}

asio::awaitable<void> server_exchange::finish(const fields& trailer) { return reply_->finish(trailer); }

asio::awaitable<void> server_exchange::reply(const response_head& head, std::string_view body)
{
    begin(head, body.size());
    co_await write(std::as_bytes(std::span(body)));
    co_await finish();
}

asio::awaitable<void> server_exchange::reply(unsigned status, std::string_view text)
{
    response_head head;
    head.status = status;
    if (!text.empty())
        head.header.add("Content-Type", "text/plain; charset=utf-8");
    co_await reply(head, text);
}

} // namespace weir::http
