#pragma once
// Peers on the loopback interface.

#include "support/coroutine.hpp"

#include <weir/net/transport.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace test {

/// A TCP port of the loopback interface, of either family.
struct listener {
    explicit listener(boost::asio::io_context& where, bool ipv6 = false)
        : acceptor(where, boost::asio::ip::tcp::endpoint(loopback(ipv6), 0))
    {}

    [[nodiscard]] boost::asio::ip::tcp::endpoint endpoint() const { return acceptor.local_endpoint(); }
    [[nodiscard]] std::uint16_t port() const { return endpoint().port(); }
    [[nodiscard]] boost::asio::ip::tcp::socket accept() { return acceptor.accept(); }

    static boost::asio::ip::address loopback(bool ipv6)
    {
        using namespace boost::asio::ip;
        return ipv6 ? address(address_v6::loopback()) : address(address_v4::loopback());
    }

    boost::asio::ip::tcp::acceptor acceptor;
};

/// Two ends of one TCP connection.
struct tcp_pair {
    explicit tcp_pair(boost::asio::io_context& where)
    {
        listener at(where);
        boost::asio::ip::tcp::socket connecting(where);
        connecting.connect(at.endpoint());
        theirs = at.accept();
        mine = weir::net::transport(std::move(connecting));
    }

    weir::net::transport mine;
    boost::asio::ip::tcp::socket theirs{boost::asio::system_executor()};
};

/// What can be read until the end, and how that was said.
template <class Stream>
boost::asio::awaitable<std::pair<std::string, boost::system::error_code>> read_to_the_end(Stream& from)
{
    std::string all;
    boost::system::error_code ended;
    std::string block(64 * 1024, '\0');
    while (!ended) {
        const std::size_t count = co_await from.async_read_some(
            boost::asio::buffer(block), boost::asio::redirect_error(boost::asio::use_awaitable, ended));
        all.append(block, 0, count);
    }
    co_return std::pair(std::move(all), ended);
}

} // namespace test
