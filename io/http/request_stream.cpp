#include <weir/http/request_stream.hpp>

#include "outgoing_body.hpp"

#include <utility>

namespace weir::http {

namespace asio = boost::asio;

request_stream::request_stream(std::unique_ptr<outgoing_body> body) noexcept : body_(std::move(body)) {}
request_stream::request_stream(request_stream&&) noexcept = default;
request_stream& request_stream::operator=(request_stream&&) noexcept = default;
request_stream::~request_stream() = default;

asio::awaitable<bool> request_stream::write(std::span<const std::byte> data)
{
    const asio::const_buffer all(data.data(), data.size());
    co_return co_await body_->send(std::span(&all, 1));
}

asio::awaitable<bool> request_stream::await_continue(std::chrono::milliseconds patience)
{
    const bool wanted = co_await body_->exchange()->await_continue(patience);
    if (!wanted)
        body_->refuse();
    co_return wanted;
}

asio::awaitable<bool> request_stream::run_unless_answered(asio::awaitable<void> work)
{
    return weir::detail::unless(body_->await_refusal(), std::move(work));
}

asio::awaitable<response> request_stream::finish() { return finish(fields()); }

asio::awaitable<response> request_stream::finish(fields trailer)
{
    const std::unique_ptr<outgoing_body> body = std::move(body_);
    co_await body->finish(trailer);
    co_return response(std::move(*body).take_exchange());
}

} // namespace weir::http
