#include <weir/http/framing.hpp>

#include "grammar.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace weir::http {
namespace {

constexpr std::uint64_t longest_timeout = std::chrono::seconds(std::chrono::years(100)).count();

[[noreturn]] void refuse(std::string_view name, std::string_view reason)
{
    throw error(errc::protocol_violation, "read", name, std::nullopt, reason);
}

/// Whether a connection option is named. \see RFC 9110, section 7.6.1
bool has_option(const fields& head, std::string_view option)
{
    return std::ranges::any_of(head.elements("Connection"),
                               [&](std::string_view element) { return same_name(element, option); });
}

/// \see RFC 9112, section 6.1
bool is_chunked(version spoken, const fields& head)
{
    const auto coding = head.find("Transfer-Encoding");
    if (!coding)
        return false;
    if (head.count("Transfer-Encoding") != 1 || !same_name(*coding, "chunked"))
        refuse("Transfer-Encoding", "only `chunked`, alone, is understood");
    if (spoken == version::http_1_0)
        refuse("Transfer-Encoding", "HTTP/1.0 has none");
    if (head.contains("Content-Length"))
        refuse("Transfer-Encoding", "there is a Content-Length too");
    return true;
}

/// The body by the fields alone; nothing if they say nothing.
std::optional<framing> stated(version spoken, const fields& head)
{
    if (is_chunked(spoken, head))
        return framing{body_end::chunked, 0, keeps_connection(spoken, head)};
    if (const auto length = content_length(head))
        return framing{body_end::length, *length, keeps_connection(spoken, head)};
    return std::nullopt;
}

} // namespace

framing framing_of_response(std::string_view method, unsigned status, version spoken, const fields& head)
{
    constexpr unsigned switching_protocols = 101, no_content = 204, not_modified = 304;
    const bool connected = method == "CONNECT" && status >= 200 && status < 300;
    if (connected || status == switching_protocols)
        return {body_end::tunnel, 0, false}; // lengths in such answers mean nothing
    if (method == "HEAD" || status < 200 || status == no_content || status == not_modified)
        return {body_end::none, 0, keeps_connection(spoken, head)}; // what is stated is what a GET would have given
    return stated(spoken, head).value_or(framing{body_end::close, 0, false});
}

framing framing_of_request(version spoken, const fields& head)
{
    return stated(spoken, head).value_or(framing{body_end::none, 0, keeps_connection(spoken, head)});
}

std::optional<std::uint64_t> content_length(const fields& head)
{
    const std::vector<std::string_view> values = head.elements("Content-Length");
    if (values.empty())
        return std::nullopt;
    if (std::ranges::any_of(values, [&](std::string_view value) { return value != values.front(); }))
        refuse("Content-Length", "lengths that differ");
    const auto length = grammar::parse_number(values.front());
    if (!length)
        refuse("Content-Length", '`' + grammar::printable(values.front()) + "` is no length up to 2^63-1");
    return length;
}

bool keeps_connection(version spoken, const fields& head)
{
    if (has_option(head, "close"))
        return false;
    return spoken == version::http_1_1 || has_option(head, "keep-alive");
}

keep_alive keep_alive_of(const fields& head)
{
    keep_alive out;
    for (std::string_view parameter : head.elements("Keep-Alive")) {
        const std::string_view name = grammar::trim(grammar::take_until(parameter, '='));
        const auto value = grammar::parse_number(grammar::trim(parameter));
        if (value && same_name(name, "timeout"))
            out.timeout = std::chrono::seconds(std::min(*value, longest_timeout));
        else if (value && same_name(name, "max"))
            out.max = *value;
    }
    return out;
}

void erase_connection_fields(fields& head)
{
    constexpr std::array<std::string_view, 6> always = {"Connection", "Keep-Alive",        "Proxy-Connection",
                                                        "TE",         "Transfer-Encoding", "Upgrade"};
    std::vector<std::string> names(always.begin(), always.end());
    for (const std::string_view option : head.elements("Connection"))
        if (!same_name(option, "Content-Length") && !same_name(option, "Host"))
            names.emplace_back(option);
    for (const std::string& name : names)
        head.erase(name);
}

bool count_forwarding(std::string_view method, fields& head)
{
    if (method != "OPTIONS" && method != "TRACE")
        return true;
    const auto value = head.find_only("Max-Forwards");
    const auto left = value ? grammar::parse_number(*value) : std::nullopt;
    if (!left)
        return true; // no such limit
    if (*left == 0)
        return false;
    head.set("Max-Forwards", std::to_string(*left - 1));
    return true;
}

} // namespace weir::http
