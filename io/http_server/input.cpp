#include "http_server/input.hpp"

#include <weir/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>

namespace weir::http::detail {

namespace asio = boost::asio;

server_input::server_input(net::transport& from) : from_(from), buffer_(8 * 1024) {}

std::span<const std::byte> server_input::rest() const noexcept
{
    return std::span(buffer_).subspan(begin_, end_ - begin_);
}

asio::awaitable<bool> server_input::fill(clock::time_point limit)
{
    begin_ = end_ = 0;
    end_ = co_await read_some(buffer_, std::span<std::byte>(), limit);
    co_return end_ > 0;
}

asio::awaitable<std::size_t> server_input::read(std::span<std::byte> into, bool and_more, clock::time_point limit)
{
    begin_ = end_ = 0;
    const std::span<std::byte> behind = and_more ? std::span(buffer_) : std::span<std::byte>();
    const std::size_t bytes = co_await read_some(into, behind, limit);
    end_ = bytes - std::min(bytes, into.size());
    co_return std::min(bytes, into.size());
}

asio::awaitable<std::size_t> server_input::read_some(std::span<std::byte> first, std::span<std::byte> second,
                                                     clock::time_point limit)
{
    const std::array buffers = {asio::mutable_buffer(first.data(), first.size()),
                                asio::mutable_buffer(second.data(), second.size())};
    from_.expires_at(limit);
    const auto [failed, bytes] = co_await from_.async_read_some(buffers, asio::as_tuple(asio::use_awaitable));
    if (failed && failed != asio::error::eof)
        throw error(failed, "read from", from_.peer());
    co_return bytes;
}

} // namespace weir::http::detail
