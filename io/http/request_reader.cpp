#include "field_lines.hpp"
#include "grammar.hpp"
#include "start_line.hpp"

#include <weir/error.hpp>
#include <weir/http/head_reader.hpp>
#include <weir/http/url.hpp>

#include <cassert>
#include <utility>

namespace weir::http {
namespace {

bool is_visible(char c) noexcept { return c > ' ' && c < 0x7f; }

/// Whether what follows in the stream may make `text` the start of a request.
bool may_become_request(std::string_view text) noexcept
{
    const std::string_view method = text.substr(0, text.find(' '));
    return text.empty() || text == "\r" || is_token(method);
}

bool is_other_version(std::string_view text) noexcept
{
    return text.size() == version_bytes && text.starts_with("HTTP/") && grammar::is_digit(text[5]) && text[6] == '.';
}

} // namespace

std::size_t request_reader::feed(std::span<const std::byte> bytes)
{
    const std::size_t taken = feed_lines(lines_, bytes, done_, [this](std::string_view line) { read_line(line); });
    if (!has_request_line_ && !may_become_request(lines_.partial()))
        lines_.refuse("this is no HTTP request");
    return taken;
}

bool request_reader::started() const noexcept
{
    return has_request_line_ || (!lines_.partial().empty() && lines_.partial() != "\r");
}

void request_reader::read_line(std::string_view line)
{
    if (!has_request_line_) {
        if (line.empty())
            return;
        read_request_line(line);
        check_target();
        has_request_line_ = true;
    }
    else if (!line.empty()) {
        if (grammar::is_blank(line.front()))
            lines_.refuse("a folded line");
        add_field_line(head_.header, line, lines_);
    }
    else {
        check_host();
        done_ = true;
    }
}

void request_reader::read_request_line(std::string_view line)
{
    std::string_view rest = line;
    const std::string_view method = grammar::take_until(rest, ' ');
    const std::string_view target = grammar::take_until(rest, ' ');
    if (!is_token(method))
        lines_.refuse("`" + grammar::printable(method) + "` is no method");
    if (target.empty() || !grammar::all_of(target, is_visible))
        lines_.refuse("`" + grammar::printable(target) + "` is no target of a request");
    const auto spoken = version_of(rest);
    if (!spoken) {
        is_other_version_ = is_other_version(rest);
        lines_.refuse("`" + grammar::printable(rest) + "` is no version of HTTP/1");
    }
    head_.spoken = *spoken;
    head_.method = method;
    head_.target = target;
}

/// \see RFC 9112, section 3.2
void request_reader::check_target() const
{
    const std::string_view target = head_.target;
    if (head_.method == "CONNECT") {
        const std::size_t colon = target.rfind(':');
        if (colon == std::string_view::npos || colon == 0 || colon + 1 == target.size() || !is_authority(target))
            lines_.refuse("the target of CONNECT is no host and port");
    }
    else if (!target.starts_with('/') && target != "*") {
        try {
            if (url::parse(target).login())
                lines_.refuse("credentials in the target");
        }
        catch (const error& refused) {
            if (refused.code() == errc::protocol_violation)
                throw;
            lines_.refuse("the target is no path and no http URL");
        }
    }
}

/// \see RFC 9112, section 3.2
void request_reader::check_host() const
{
    const std::size_t count = head_.header.count("Host");
    if (count == 0 && head_.spoken == version::http_1_0)
        return;
    if (count != 1)
        lines_.refuse(count == 0 ? "no Host" : "Host twice");
    const std::string_view host = *head_.header.find("Host");
    if (!is_authority(host))
        lines_.refuse("`" + grammar::printable(host) + "` is no host");
    if (!same_name(head_.authority(), host))
        lines_.refuse("the target names another host than Host");
}

unsigned request_reader::status_of_refusal() const noexcept
{
    constexpr unsigned bad_request = 400, target_too_long = 414, head_too_large = 431, version_unknown = 505;
    if (lines_.is_over_limit())
        return has_request_line_ ? head_too_large : target_too_long;
    return is_other_version_ ? version_unknown : bad_request;
}

void request_reader::end_of_stream() const
{
    lines_.refuse_end();
}

received_request request_reader::take()
{
    assert(done_);
    received_request out = std::move(head_);
    reset();
    return out;
}

void request_reader::reset() noexcept
{
    lines_.reset();
    head_ = received_request();
    has_request_line_ = is_other_version_ = done_ = false;
}

} // namespace weir::http
