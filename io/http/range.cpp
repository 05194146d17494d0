#include <weir/http/range.hpp>

#include "grammar.hpp"

#include <weir/error.hpp>
#include <weir/http/fields.hpp>

#include <algorithm>

namespace weir::http {
namespace {

std::optional<byte_span> parse_span(std::string_view text) noexcept
{
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos)
        return std::nullopt;
    const auto first = grammar::parse_number(text.substr(0, dash));
    const auto last = grammar::parse_number(text.substr(dash + 1));
    if (!first || !last || *last < *first)
        return std::nullopt;
    return byte_span{*first, *last};
}

void check_position(std::uint64_t position, std::string_view what)
{
    if (position > grammar::max_length)
        throw error(errc::invalid_size, "ask for range", what, std::nullopt, "above 2^63-1");
}

void check_count(std::uint64_t count)
{
    if (count == 0)
        throw error(errc::invalid_size, "ask for range", {}, std::nullopt, "no bytes");
    check_position(count, "count");
}

} // namespace

std::optional<content_range> parse_content_range(std::string_view value) noexcept
{
    const std::string_view unit = grammar::take_until(value, ' ');
    const std::size_t slash = value.find('/');
    if (!same_name(unit, "bytes") || slash == std::string_view::npos)
        return std::nullopt;
    const std::string_view span = value.substr(0, slash);
    const std::string_view length = value.substr(slash + 1);
    content_range out;
    if (length != "*" && !(out.complete_length = grammar::parse_number(length)))
        return std::nullopt;
    if (span != "*" && !(out.sent = parse_span(span)))
        return std::nullopt;
    const bool says_nothing = !out.sent && !out.complete_length;
    const bool goes_beyond = out.sent && out.complete_length && out.sent->last >= *out.complete_length;
    return says_nothing || goes_beyond ? std::nullopt : std::optional(out);
}

std::string to_string(const content_range& value)
{
    std::string out = "bytes *";
    if (value.sent)
        out = "bytes " + std::to_string(value.sent->first) + '-' + std::to_string(value.sent->last);
    return out + '/' + (value.complete_length ? std::to_string(*value.complete_length) : "*");
}

byte_range byte_range::part(std::uint64_t first, std::uint64_t count)
{
    check_count(count);
    check_position(first, "first");
    check_position(first + count - 1, "last");
    return {first, first + count - 1};
}

byte_range byte_range::from(std::uint64_t first)
{
    check_position(first, "first");
    return {first, std::nullopt};
}

byte_range byte_range::tail(std::uint64_t count)
{
    check_count(count);
    return {std::nullopt, count};
}

std::optional<byte_range> byte_range::parse(std::string_view value) noexcept
{
    const std::string_view unit = grammar::take_until(value, '=');
    value = grammar::trim(value);
    const std::size_t dash = value.find('-');
    if (!same_name(unit, "bytes") || dash == std::string_view::npos)
        return std::nullopt;
    const std::string_view begin = value.substr(0, dash), end = value.substr(dash + 1);
    const auto first = grammar::parse_number(begin), last = grammar::parse_number(end);
    const bool is_valid = (first || begin.empty()) && (last || end.empty()) && (first || last.value_or(0) > 0)
        && (!first || !last || *first <= *last);
    return is_valid ? std::optional(byte_range(first, last)) : std::nullopt;
}

std::string byte_range::to_string() const
{
    return "bytes=" + (first_ ? std::to_string(*first_) : "") + '-' + (last_ ? std::to_string(*last_) : "");
}

bool byte_range::is_answered_by(const content_range& answer) const noexcept
{
    if (!answer.sent)
        return false;
    if (first_)
        return answer.sent->first == *first_ && (!last_ || answer.sent->last <= *last_);
    if (!answer.complete_length)
        return false;
    return answer.sent->first == *answer.complete_length - std::min(*last_, *answer.complete_length);
}

} // namespace weir::http
