#pragma once
// Addresses as messages show them.

#include <boost/asio/ip/tcp.hpp>

#include <string>
#include <string_view>

namespace weir::net::detail {

/// `example.org:443`, `192.0.2.1:80`, `[2001:db8::1]:443`.
[[nodiscard]] inline std::string host_and_port(std::string_view host, unsigned port)
{
    const bool bare_ipv6 = host.find(':') != host.npos && host.front() != '[';
    std::string text(bare_ipv6 ? "[" : "");
    text.append(host).append(bare_ipv6 ? "]:" : ":").append(std::to_string(port));
    return text;
}

[[nodiscard]] inline std::string text_of(const boost::asio::ip::tcp::endpoint& endpoint)
{
    return host_and_port(endpoint.address().to_string(), endpoint.port());
}

/// Without the brackets of an IPv6 address.
[[nodiscard]] inline std::string_view without_brackets(std::string_view host) noexcept
{
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        return host.substr(1, host.size() - 2);
    return host;
}

} // namespace weir::net::detail
