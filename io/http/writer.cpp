#include <weir/http/writer.hpp>

#include "grammar.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>

namespace weir::http {
namespace {

constexpr std::string_view line_end = "\r\n";

void write_line(std::string& out, std::string_view name, std::string_view value)
{
    out.append(name).append(": ").append(value).append(line_end);
}

template <class Left> void write_lines(std::string& out, const fields& header, Left is_left_out)
{
    for (const field& line : header)
        if (!is_left_out(line.name))
            write_line(out, line.name, line.value);
}

bool is_framing(std::string_view name) noexcept
{
    return same_name(name, "Content-Length") || same_name(name, "Transfer-Encoding");
}

/// What a recipient that puts trailers beside the head must not read from one. \see RFC 9110, section 6.5.1
bool belongs_to_head(std::string_view name) noexcept
{
    constexpr std::array<std::string_view, 22> names = {
        "Authorization", "Cache-Control",       "Connection",         "Content-Encoding",          "Content-Range",
        "Content-Type",  "Cookie",              "Expect",             "Host",                      "Keep-Alive",
        "Location",      "Max-Forwards",        "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization",
        "Proxy-Connection", "Range",            "Set-Cookie",         "TE",                        "Trailer",
        "Upgrade",       "WWW-Authenticate"};
    return is_framing(name) || std::ranges::any_of(names, [name](std::string_view each) { return same_name(name, each); });
}

/// The lines that say where the body ends, and what becomes of the connection.
void write_framing(std::string& out, const fields& header, const framing& body)
{
    if (body.end == body_end::chunked)
        write_line(out, "Transfer-Encoding", "chunked");
    else if (body.end == body_end::length)
        write_line(out, "Content-Length", std::to_string(body.length));
    if (!body.reusable && body.end != body_end::tunnel && keeps_connection(version::http_1_1, header))
        write_line(out, "Connection", "close");
}

std::string target_of(const request_head& head, target_form form)
{
    const url& target = head.target;
    switch (form) {
    case target_form::origin: return head.about_server ? "*" : target.target();
    case target_form::absolute: {
        std::string out = target.absolute_target();
        if (head.about_server)
            out.resize(out.size() - target.target().size());
        return out;
    }
    case target_form::authority: break;
    }
    return target.connect_target();
}

bool expects_body(std::string_view method) noexcept { return method == "POST" || method == "PUT" || method == "PATCH"; }

} // namespace

void write_head(std::string& out, const request_head& head, target_form form, const framing& body)
{
    if (!is_token(head.method))
        throw error(errc::bad_format, "write request", grammar::printable(head.method), std::nullopt, "no method");
    out.append(head.method).append(" ").append(target_of(head, form)).append(" HTTP/1.1\r\n");
    if (!head.header.contains("Host"))
        write_line(out, "Host",
                   form == target_form::authority ? head.target.connect_target() : head.target.authority());
    write_lines(out, head.header, is_framing);
    if (body.end == body_end::none && expects_body(head.method))
        write_line(out, "Content-Length", "0");
    write_framing(out, head.header, body);
    out.append(line_end);
}

void write_head(std::string& out, const response_head& head, const framing& body)
{
    constexpr unsigned first_status = 100, last_status = 999;
    const std::string_view reason = head.reason.empty() ? reason_phrase(head.status) : std::string_view(head.reason);
    if (head.status < first_status || head.status > last_status || !is_field_value(reason))
        throw error(errc::bad_format, "write answer", std::to_string(head.status), std::nullopt,
                    "no status or no reason");
    out.append("HTTP/1.1 ").append(std::to_string(head.status)).append(" ").append(reason).append(line_end);
    const bool is_ours = body.end == body_end::length || body.end == body_end::chunked || body.end == body_end::close;
    write_lines(out, head.header, [is_ours](std::string_view name) {
        return is_ours ? is_framing(name) : same_name(name, "Transfer-Encoding");
    });
    write_framing(out, head.header, body);
    out.append(line_end);
}

chunk_start::chunk_start(std::uint64_t bytes) noexcept
{
    assert(bytes > 0);
    const auto end = std::to_chars(text_.data(), text_.data() + text_.size(), bytes, 16).ptr;
    size_ = static_cast<std::size_t>(std::ranges::copy(line_end, end).out - text_.data());
}

void write_last_chunk(std::string& out, const fields& trailer)
{
    out.append("0\r\n");
    write_lines(out, trailer, belongs_to_head);
    out.append(line_end);
}

} // namespace weir::http
