#include <weir/http/proxy.hpp>

#include "error_detail.hpp"
#include "grammar.hpp"
#include "url_syntax.hpp"

#include <weir/error.hpp>
#include <weir/http/fields.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <initializer_list>
#include <span>

namespace weir::http {
namespace {

using boost::asio::ip::address;

constexpr std::uint16_t curl_default_port = 1080;

std::optional<address> parse_address(std::string_view text)
{
    boost::system::error_code failure;
    const address read = boost::asio::ip::make_address(std::string(text), failure);
    return failure ? std::nullopt : std::optional(read);
}

std::string_view without_last_dot(std::string_view name) noexcept
{
    return name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
}

/// Takes `:80` off an element that ends so. \returns  false if what follows the colon is no port
bool take_port(std::string_view& element, std::optional<std::uint64_t>& port)
{
    const std::size_t colon = element.rfind(':');
    const bool has_port = colon != std::string_view::npos
        && (element.starts_with('[') ? element[colon - 1] == ']' : element.find(':') == colon);
    if (!has_port)
        return true; // an IPv6 address without brackets has none
    port = grammar::parse_number(element.substr(colon + 1), 65535);
    element = element.substr(0, colon);
    return port.has_value();
}

template <std::size_t Size>
bool shares_prefix(const std::array<unsigned char, Size>& a, const std::array<unsigned char, Size>& b,
                   std::uint64_t bits) noexcept
{
    if (bits > Size * 8)
        return false;
    const std::size_t whole = bits / 8;
    if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin()))
        return false;
    const unsigned rest = bits % 8;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

/// An element that is an address, or a block of them.
bool matches_address(std::string_view element, const address& host)
{
    std::string_view prefix = element;
    const std::string_view network = grammar::take_until(prefix, '/');
    const bool has_prefix = network.size() < element.size();
    const auto base = parse_address(network);
    if (!base || base->is_v4() != host.is_v4())
        return false;
    if (!has_prefix)
        return *base == host;
    const auto bits = grammar::parse_number(prefix);
    if (!bits)
        return false;
    return host.is_v4() ? shares_prefix(base->to_v4().to_bytes(), host.to_v4().to_bytes(), *bits)
                        : shares_prefix(base->to_v6().to_bytes(), host.to_v6().to_bytes(), *bits);
}

/// An element that is a name.
bool matches_name(std::string_view element, std::string_view host)
{
    if (element.starts_with("*."))
        element.remove_prefix(1);
    if (element.starts_with('.'))
        element.remove_prefix(1);
    element = without_last_dot(element);
    host = without_last_dot(host);
    if (element.empty() || element.size() > host.size())
        return false;
    const std::size_t begin = host.size() - element.size();
    return same_name(host.substr(begin), element) && (begin == 0 || host[begin - 1] == '.');
}

bool matches_element(std::string_view element, const url& target)
{
    if (element == "*")
        return true;
    std::optional<std::uint64_t> port;
    if (!take_port(element, port) || (port && *port != target.port()))
        return false;
    if (element.starts_with('[') && element.ends_with(']'))
        element = element.substr(1, element.size() - 2);
    const auto host = parse_address(target.host());
    return host ? matches_address(element, *host) : matches_name(element, target.host());
}

/// Whether the authority in the text of a URL names a port.
bool names_port(std::string_view text)
{
    const std::string_view authority = text.substr(0, text.find('/', text.find("://") + 3));
    const std::size_t colon = authority.rfind(':');
    const std::size_t after = authority.find_last_of("@]/");
    return colon != std::string_view::npos && (after == std::string_view::npos || colon > after)
        && colon + 1 < authority.size();
}

/// \param by  what named it, for the message
url parse_proxy(const std::string& text, std::string_view by)
{
    const std::string full = text.find("://") == std::string::npos ? "http://" + text : text;
    const std::string operation = "use " + std::string(by);
    const std::size_t end = full.find_first_of("/?#", full.find("://") + 3);
    if (end != std::string::npos && full.find('@', end) != std::string::npos) // of a password, which then names the host
        throw error(errc::bad_format, operation, syntax::redacted_text(full), std::nullopt,
                    "a / ? or # of a password has to be written %2F %3F %23");
    try {
        const url proxy = url::parse(full).resolve("/"); // what follows the host says nothing to anybody, as with curl
        return proxy.is_secure() || names_port(full) ? proxy : proxy.with_port(curl_default_port);
    }
    catch (const error& failure) {
        throw error(failure.code(), operation, syntax::redacted_text(full), failure.offset(), detail_of(failure));
    }
}

} // namespace

no_proxy_list::no_proxy_list(std::string_view text)
{
    constexpr std::string_view separators = ", \t";
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(separators), text.size());
        if (end > 0)
            elements_.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

bool no_proxy_list::matches(const url& target) const
{
    return std::ranges::any_of(elements_, [&](const std::string& element) { return matches_element(element, target); });
}

std::optional<std::string> process_environment(const std::string& name)
{
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
}

proxy_selector::told proxy_selector::tell(const proxy_options& options, const environment& variables,
                                          std::initializer_list<const char*> names)
{
    if (options.proxy)
        return {*options.proxy, "proxy"};
    for (const char* name : names)
        if (std::optional<std::string> value = variables(name); value && !value->empty())
            return {std::move(*value), name};
    return {};
}

proxy_selector::proxy_selector(proxy_options options, const environment& variables)
    : http_(tell(options, variables, {"http_proxy", "all_proxy", "ALL_PROXY"})),
      https_(tell(options, variables, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}))
{
    for (const char* name : {"no_proxy", "NO_PROXY"})
        if (std::optional<std::string> value = variables(name); value && !value->empty() && !options.no_proxy)
            options.no_proxy = std::move(*value);
    direct_ = no_proxy_list(options.no_proxy.value_or(""));
}

std::optional<url> proxy_selector::proxy_for(const url& target) const
{
    const told& proxy = target.is_secure() ? https_ : http_;
    if (proxy.text.empty() || direct_.matches(target))
        return std::nullopt;
    return parse_proxy(proxy.text, proxy.by);
}

} // namespace weir::http
