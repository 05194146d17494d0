#include <weir/http/body_reader.hpp>

#include "field_lines.hpp"
#include "grammar.hpp"

#include <weir/error.hpp>
#include <weir/http/writer.hpp>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>
#include <string>

namespace weir::http {
namespace {

constexpr std::uint64_t endless = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t max_size_digits = 16;
constexpr std::uint64_t free_extension_bytes = 16 * 1024;

line_limits chunk_limits(const body_limits& limits) noexcept
{
    return {max_size_digits + limits.extension_bytes + 2, 1};
}

void skip_blanks(std::string_view& text) noexcept
{
    while (!text.empty() && grammar::is_blank(text.front()))
        text.remove_prefix(1);
}

bool skip(std::string_view& text, char expected) noexcept
{
    if (!text.starts_with(expected))
        return false;
    text.remove_prefix(1);
    return true;
}

bool skip_token(std::string_view& text) noexcept
{
    const auto end = std::ranges::find_if_not(text, grammar::is_token_character);
    const bool found = end != text.begin();
    text = {end, text.end()};
    return found;
}

/// What follows the opening quote of a quoted string. \see RFC 9110, section 5.6.4
bool skip_quoted(std::string_view& text) noexcept
{
    while (!text.empty()) {
        const char c = text.front();
        text.remove_prefix(1);
        if (c == '"')
            return true;
        if (c == '\\' && !text.empty() && !grammar::is_control(text.front()))
            text.remove_prefix(1);
        else if (c == '\\' || (grammar::is_control(c) && c != '\t'))
            return false;
    }
    return false;
}

/// `;name` or `;name=value`, with blanks around the semicolon and the sign. \see RFC 9112, section 7.1.1
bool skip_extension(std::string_view& text) noexcept
{
    skip_blanks(text);
    if (!skip(text, ';'))
        return false;
    skip_blanks(text);
    if (!skip_token(text))
        return false;
    std::string_view after = text;
    skip_blanks(after);
    if (!skip(after, '='))
        return true;
    skip_blanks(after);
    text = after;
    return skip(text, '"') ? skip_quoted(text) : skip_token(text);
}

/// How many hexadecimal digits `text` begins with.
std::size_t leading_digits(std::string_view text) noexcept
{
    const auto end = std::ranges::find_if(text, [](char c) { return grammar::hex_value(c) < 0; });
    return static_cast<std::size_t>(end - text.begin());
}

} // namespace

body_reader::body_reader(const framing& how, const body_limits& limits) noexcept
    : how_(how), limits_(limits), lines_("chunk", chunk_limits(limits))
{
    if (how.end == body_end::chunked)
        state_ = state::chunk_start;
    else if (how.end == body_end::close)
        left_ = endless;
    else if (how.end == body_end::length && how.length > 0)
        left_ = how.length;
    else
        state_ = state::done;
}

void body_reader::received(std::uint64_t bytes) noexcept
{
    assert(bytes <= left_);
    total_ += bytes;
    if (how_.end == body_end::close)
        return;
    left_ -= bytes;
    if (left_ == 0 && bytes > 0)
        state_ = how_.end == body_end::chunked ? state::chunk_end : state::done;
}

std::size_t body_reader::feed(std::span<const std::byte> bytes)
{
    if (failure_)
        std::rethrow_exception(failure_);
    std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (left_ == 0 && !done() && !rest.empty())
        read_framing(rest);
    return bytes.size() - rest.size();
}

void body_reader::read_framing(std::string_view& bytes)
{
    if (state_ == state::chunk_end)
        return read_chunk_end(bytes);
    const auto line = lines_.take(bytes);
    if (!line)
        return check_unfinished_start();
    if (state_ == state::chunk_start)
        read_chunk_start(*line);
    else if (line->empty())
        state_ = state::done;
    else
        add_field_line(trailer_, *line, lines_);
}

void body_reader::read_chunk_end(std::string_view& bytes)
{
    if (bytes.front() != chunk_end[end_matched_])
        refuse("the data of a chunk is longer than its size");
    bytes.remove_prefix(1);
    if (++end_matched_ < chunk_end.size())
        return;
    end_matched_ = 0;
    lines_.reset(total_);
    state_ = state::chunk_start;
}

void body_reader::read_chunk_start(std::string_view line)
{
    const std::size_t digits = leading_digits(line);
    if (digits == 0 || digits > max_size_digits)
        refuse("`" + grammar::printable(line) + "` is no size of a chunk");
    check_extensions(line.substr(digits));
    std::uint64_t size = 0;
    for (const char c : line.substr(0, digits))
        size = size << 4 | static_cast<std::uint64_t>(grammar::hex_value(c));
    if (size > grammar::max_length - total_)
        refuse("the body would be longer than 2^63-1");
    if (size > 0) {
        left_ = size;
        state_ = state::data;
    }
    else {
        lines_ = line_buffer("trailer", limits_.trailer);
        state_ = state::trailer;
    }
}

/// What can never become the start of a chunk is refused before its line ends, which it may never do.
void body_reader::check_unfinished_start() const
{
    const std::string_view text = lines_.partial();
    const std::size_t digits = leading_digits(text);
    if (state_ != state::chunk_start || text.empty())
        return;
    const bool may_go_on = digits == text.size() || grammar::is_one_of(text[digits], " \t;\r");
    if (digits == 0 || digits > max_size_digits || !may_go_on)
        refuse("`" + grammar::printable(text) + "` is no size of a chunk");
}

void body_reader::check_extensions(std::string_view text)
{
    extension_bytes_ += text.size();
    if (extension_bytes_ > total_ + free_extension_bytes)
        refuse("more extensions than data");
    while (!text.empty())
        if (!skip_extension(text))
            refuse("`" + grammar::printable(text) + "` is no extension of a chunk");
}

body_reader::decoded body_reader::decode(std::span<const std::byte> from, std::span<std::byte> to)
{
    decoded out;
    while (!done() && out.consumed < from.size()) {
        const std::span<const std::byte> rest = from.subspan(out.consumed);
        if (left_ == 0) {
            out.consumed += feed_before_data(rest, out.produced > 0);
            if (failure_)
                break;
            continue;
        }
        const std::size_t room = std::min(rest.size(), to.size() - out.produced);
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, room));
        if (count == 0)
            break;
        std::memmove(to.data() + out.produced, rest.data(), count);
        received(count);
        out.consumed += count;
        out.produced += count;
    }
    return out;
}

/// As `feed`. What is wrong is kept for the next call if this one has data to give.
std::size_t body_reader::feed_before_data(std::span<const std::byte> bytes, bool has_data)
{
    if (!has_data)
        return feed(bytes);
    try {
        return feed(bytes);
    }
    catch (const error&) {
        failure_ = std::current_exception();
        return 0;
    }
}

void body_reader::end_of_stream()
{
    if (failure_)
        std::rethrow_exception(failure_);
    if (how_.end == body_end::close) {
        left_ = 0;
        state_ = state::done;
    }
    if (done())
        return;
    const std::string promised = how_.end == body_end::length ? "of " + std::to_string(how_.length) + " bytes"
                                                              : std::string("before the last chunk and its trailer");
    throw error(errc::ended_early, "read", "body", total_, promised);
}

void body_reader::refuse(std::string_view reason) const
{
    throw error(errc::protocol_violation, "read", "body", total_, reason);
}

} // namespace weir::http
