#pragma once
// An authority, a server that it vouches for, and a client that trusts it.

#include "listening.hpp"
#include "support/certificates.hpp"
#include "support/temp_dir.hpp"

#include <weir/net/tls_context.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <string>

namespace test {

using tls_clock = std::chrono::steady_clock;

struct tls_world {
    [[nodiscard]] identity issue(const certificate_wish& wish) const { return make_identity(directory, wish, &authority); }

    [[nodiscard]] weir::net::tls_options trusting() const
    {
        weir::net::tls_options options;
        options.ca_file = authority.certificate_file;
        return options;
    }
    [[nodiscard]] static weir::net::tls_server_options showing(const identity& own)
    {
        weir::net::tls_server_options options;
        options.certificate_file = own.certificate_file;
        options.key_file = own.key_file;
        return options;
    }

    temp_dir directory;
    identity authority = make_authority(directory);
    identity peer = issue({});
};

/// Not limited by the test.
inline tls_clock::time_point in_an_hour() { return tls_clock::now() + std::chrono::hours(1); }

/// A plain connection to a port of the loopback interface.
inline weir::net::transport connected_to(boost::asio::io_context& context, std::uint16_t port)
{
    boost::asio::ip::tcp::socket socket(context);
    socket.connect({boost::asio::ip::address_v4::loopback(), port});
    return weir::net::transport(std::move(socket));
}

/// Both ends of a TLS connection, made by the hand-shakes of both sides.
struct tls_pair {
    tls_pair(boost::asio::io_context& context, weir::net::tls_context client, weir::net::tls_server_context server,
             const std::string& host = "peer.test")
    {
        tcp_pair plain(context);
        task<weir::net::transport> accepting(
            context.get_executor(),
            weir::net::secured(weir::net::transport(std::move(plain.theirs)), std::move(server), in_an_hour()));
        mine = await(context, weir::net::secured(std::move(plain.mine), std::move(client), host, 443, in_an_hour()));
        context.restart();
        while (!accepting.done())
            context.run_one();
        theirs = std::move(accepting.outcome()).value();
    }

    weir::net::transport mine;
    weir::net::transport theirs;
};

} // namespace test
