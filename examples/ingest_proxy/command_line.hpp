#pragma once
// What ingest_proxy is told.

#include <weir/http/url.hpp>
#include <weir/size.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

inline constexpr std::string_view usage =
    "usage: ingest_proxy --upstream URL [OPTION VALUE]...\n"
    "  --upstream URL       http://host or https://host, with a port or without\n"
    "  --listen ADDR:PORT   where clients are served; 127.0.0.1:8080 by default, port 0 is any free one\n"
    "  --certificate FILE   with --key FILE: clients are served by https\n"
    "  --cacert FILE        whom to trust as https upstream, in place of the system's certificates\n"
    "  --memory SIZE        for the blocks of all streams; 64 MiB by default\n"
    "  --patience SECONDS   how long the upstream and clients may do nothing; 30 by default\n"
    "  --grace SECONDS      how long streams may go on after SIGTERM; 30 by default\n";

struct settings {
    weir::http::url upstream;
    boost::asio::ip::tcp::endpoint listen;
    std::string certificate_file;
    std::string key_file;
    std::string ca_file;
    std::size_t memory_bytes = 0;
    std::chrono::seconds patience{};
    std::chrono::seconds grace{};
};

/// Options and their values, as texts.
using option_values = std::map<std::string, std::string, std::less<>>;

inline option_values values_of(std::span<char* const> arguments)
{
    option_values out{{"--upstream", ""}, {"--listen", "127.0.0.1:8080"}, {"--certificate", ""}, {"--key", ""},
                      {"--cacert", ""},   {"--memory", "64 MiB"},         {"--patience", "30"},  {"--grace", "30"}};
    for (std::size_t i = 0; i < arguments.size(); i += 2) {
        const auto option = out.find(arguments[i]);
        if (option == out.end() || i + 1 == arguments.size())
            throw std::invalid_argument(std::string(arguments[i]) + ": no such option, or its value is missing");
        option->second = arguments[i + 1];
    }
    return out;
}

inline std::uint16_t read_number(std::string_view text)
{
    std::uint16_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size())
        throw std::invalid_argument(std::string(text) + ": not a number from 0 to 65535");
    return value;
}

/// `127.0.0.1:8080`, `[::1]:8080`
inline boost::asio::ip::tcp::endpoint read_endpoint(const std::string& text)
{
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos)
        throw std::invalid_argument(text + ": not an address with a port");
    std::string address = text.substr(0, colon);
    if (address.starts_with('[') && address.ends_with(']'))
        address = address.substr(1, address.size() - 2);
    return {boost::asio::ip::make_address(address), read_number(text.substr(colon + 1))};
}

/// The address in `192.0.2.1:40312` or `[2001:db8::1]:40312`.
inline std::string address_of(std::string_view peer)
{
    peer = peer.substr(0, peer.rfind(':'));
    const bool is_bracketed = peer.starts_with('[');
    return std::string(is_bracketed ? peer.substr(1, peer.size() - 2) : peer);
}

/// \throws std::exception  what cannot be understood
inline settings read_settings(std::span<char* const> arguments)
{
    const option_values given = values_of(arguments);
    if (given.at("--upstream").empty())
        throw std::invalid_argument("--upstream is missing");
    settings out{weir::http::url::parse(given.at("--upstream")),
                 read_endpoint(given.at("--listen")),
                 given.at("--certificate"),
                 given.at("--key"),
                 given.at("--cacert"),
                 weir::parse_size(given.at("--memory")),
                 std::chrono::seconds(read_number(given.at("--patience"))),
                 std::chrono::seconds(read_number(given.at("--grace")))};
    if (out.upstream.target() != "/")
        throw std::invalid_argument("--upstream: a scheme, a host and a port, with nothing behind them");
    if (out.certificate_file.empty() != out.key_file.empty())
        throw std::invalid_argument("--certificate and --key come together");
    return out;
}
