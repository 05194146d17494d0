#include "field_lines.hpp"
#include "grammar.hpp"
#include "start_line.hpp"

#include <weir/http/head_reader.hpp>

#include <cassert>
#include <utility>

namespace weir::http {
namespace {

/// `200 OK`, or `200` alone. \see RFC 9112, section 4
bool read_status(std::string_view text, response_head& head)
{
    const auto status = grammar::parse_number(text.substr(0, 3));
    if (!status || *status < 100 || (text.size() > 3 && text[3] != ' '))
        return false;
    head.status = static_cast<unsigned>(*status);
    head.reason = grammar::trim(text.substr(std::min<std::size_t>(text.size(), 4)));
    return is_field_value(head.reason);
}

/// Whether what follows in the stream may make `text` the start of an answer.
bool may_become_answer(std::string_view text) noexcept
{
    const std::string_view expected = protocol_name.substr(0, text.size());
    return text == "\r" || text.starts_with(expected);
}

} // namespace

std::size_t response_reader::feed(std::span<const std::byte> bytes)
{
    const std::size_t taken = feed_lines(lines_, bytes, done_, [this](std::string_view line) { read_line(line); });
    if (!has_status_line_ && !may_become_answer(lines_.partial()))
        lines_.refuse("this is no HTTP/1 answer");
    return taken;
}

void response_reader::read_line(std::string_view line)
{
    const bool is_folded = !line.empty() && grammar::is_blank(line.front());
    if (!has_status_line_) {
        if (line.empty())
            return;
        const auto spoken = version_of(line.substr(0, version_bytes));
        if (!spoken || line.size() <= version_bytes || line[version_bytes] != ' '
            || !read_status(line.substr(version_bytes + 1), head_))
            lines_.refuse("`" + grammar::printable(line) + "` is no status line of HTTP/1");
        head_.spoken = *spoken;
        has_status_line_ = true;
    }
    else if (line.empty())
        done_ = true;
    else if (!is_folded)
        add_field_line(head_.header, line, lines_);
    else if (!head_.header.try_continue(line))
        lines_.refuse("a folded line that continues no value");
}

void response_reader::end_of_stream() const
{
    lines_.refuse_end();
}

response_head response_reader::take()
{
    assert(done_);
    response_head out = std::move(head_);
    reset();
    return out;
}

void response_reader::reset() noexcept
{
    lines_.reset();
    head_ = response_head();
    has_status_line_ = done_ = false;
}

} // namespace weir::http
