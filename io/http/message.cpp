#include <weir/http/message.hpp>

#include "grammar.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace weir::http {
namespace {

constexpr std::array<std::pair<unsigned, std::string_view>, 45> phrases = {{
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
}};
static_assert(std::ranges::is_sorted(phrases));

/// \see RFC 3986, section 3.2.2
bool is_host_character(char c) noexcept
{
    return grammar::is_alphanumeric(c) || grammar::is_one_of(c, "-._~!$&'()*+,;=%");
}

bool is_address_character(char c) noexcept { return grammar::hex_value(c) >= 0 || grammar::is_one_of(c, ":."); }

/// Where the path of an absolute URL begins; its end if it has none. 0 of anything else.
std::size_t path_offset(std::string_view target) noexcept
{
    const std::size_t host = target.find("://");
    if (target.starts_with('/') || host == std::string_view::npos)
        return 0;
    return std::min(target.find_first_of("/?#", host + 3), target.size());
}

} // namespace

std::string_view received_request::authority() const noexcept
{
    const std::string_view whole = target;
    if (method == "CONNECT")
        return whole;
    if (const std::size_t end = path_offset(whole)) {
        const std::size_t start = whole.find("://") + 3;
        return whole.substr(start, end - start);
    }
    return header.find_only("Host").value_or(std::string_view());
}

std::string received_request::path() const
{
    if (method == "CONNECT")
        return {};
    const std::string rest = target.substr(path_offset(target));
    if (rest.empty() && method == "OPTIONS") // RFC 9112, section 3.2.4
        return "*";
    return rest.starts_with('/') || rest == "*" ? rest : "/" + rest;
}

std::string_view reason_phrase(unsigned status) noexcept
{
    const auto found = std::ranges::lower_bound(phrases, status, {}, &decltype(phrases)::value_type::first);
    return found != phrases.end() && found->first == status ? found->second : std::string_view();
}

bool is_authority(std::string_view text) noexcept
{
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos || end < 3 || !grammar::all_of(text.substr(1, end - 1), is_address_character))
            return false;
        port = text.substr(end + 1);
    }
    else {
        const std::size_t colon = std::min(text.find(':'), text.size());
        if (!grammar::all_of(text.substr(0, colon), is_host_character))
            return false;
        port = text.substr(colon);
    }
    constexpr std::uint64_t last_port = 65535;
    return port.size() <= 1 ? port.empty() || port == ":"
                            : port.front() == ':' && grammar::parse_number(port.substr(1), last_port);
}

} // namespace weir::http
