#include "redaction.hpp"

#include <weir/http/fields.hpp>
#include <weir/http/url.hpp>

#include <algorithm>
#include <cstddef>

namespace tool {
namespace {

constexpr std::string_view wrappings = " \t\r\n'\"`<(";

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_of_scheme(char c) noexcept { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; }

/// Whether a scheme ends at the colon at `colon`, for which what follows it says that a URL may be meant.
bool is_scheme(std::string_view scheme, std::string_view behind) noexcept
{
    const bool is_known = weir::http::same_name(scheme, "http") || weir::http::same_name(scheme, "https");
    if (is_known && !behind.empty() && behind.front() != ' ')
        return true;
    return !scheme.empty() && behind.starts_with("//");
}

/// Where the URL begins whose scheme ends at `colon`; `npos` if none does.
std::size_t begin_of_url(std::string_view text, std::size_t colon) noexcept
{
    std::size_t begin = colon;
    while (begin > 0 && is_of_scheme(text[begin - 1]))
        --begin;
    const bool is_of_path = begin > 0 && text[begin - 1] == '/';
    while (begin < colon && !is_letter(text[begin]))
        ++begin;
    const bool is_url = is_scheme(text.substr(begin, colon - begin), text.substr(colon + 1));
    return is_url && !is_of_path ? begin : std::string_view::npos;
}

/// Where in `rest`, which begins with a URL, that ends.
std::size_t end_of_url(std::string_view rest) noexcept
{
    std::size_t end = rest.size();
    for (const std::string_view mark : {": ", " (", "; ", ", ", "\n"})
        end = std::min(end, rest.find(mark));
    constexpr std::string_view place = " at ";
    for (std::size_t at = rest.find(place); at < end; at = rest.find(place, at + 1))
        if (at + place.size() < rest.size() && is_digit(rest[at + place.size()]))
            end = at;
    constexpr std::string_view closing = " '\"`>):";
    while (end > 0 && closing.find(rest[end - 1]) != std::string_view::npos)
        --end;
    return end;
}

} // namespace

bool may_be_url(std::string_view name) noexcept
{
    name.remove_prefix(std::min(name.find_first_not_of(wrappings), name.size()));
    const std::size_t colon = name.find(':');
    return colon != std::string_view::npos && begin_of_url(name, colon) == 0;
}

std::string redacted_name(std::string_view name)
{
    return may_be_url(name) ? weir::http::redacted(name) : std::string(name);
}

std::string redacted_message(std::string_view text)
{
    std::string out;
    std::size_t said = 0;
    for (std::size_t colon = text.find(':'); colon != std::string_view::npos; colon = text.find(':', colon + 1)) {
        const std::size_t begin = begin_of_url(text, colon);
        if (begin == std::string_view::npos || begin < said)
            continue;
        const std::string_view found = text.substr(begin, end_of_url(text.substr(begin)));
        const bool shows_all = found.find_first_of("@?#") == std::string_view::npos;
        out.append(text.substr(said, begin - said)).append(shows_all ? std::string(found) : weir::http::redacted(found));
        said = begin + found.size();
        colon = std::max(colon, said) - 1;
    }
    return out.append(text.substr(said));
}

} // namespace tool
