#pragma once
// Addresses of the loopback interface that refuse, or never answer.

#include "listening.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace test {

/// Where nothing listens.
inline boost::asio::ip::tcp::endpoint refusing(boost::asio::io_context& context, bool ipv6 = false)
{
    return listener(context, ipv6).endpoint();
}

/// A listener whose queue is full: Linux drops what else would connect.
struct black_hole {
    explicit black_hole(boost::asio::io_context& context) : acceptor(context), filler(context)
    {
        using boost::asio::ip::tcp;
        acceptor.open(tcp::v4());
        acceptor.bind({boost::asio::ip::address_v4::loopback(), 0});
        acceptor.listen(0);
        filler.connect(endpoint());
    }

    [[nodiscard]] boost::asio::ip::tcp::endpoint endpoint() const { return acceptor.local_endpoint(); }

    boost::asio::ip::tcp::acceptor acceptor;
    boost::asio::ip::tcp::socket filler;
};

} // namespace test
