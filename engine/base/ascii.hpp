#pragma once
// Letters of ASCII, whatever the locale.

#include <algorithm>
#include <string_view>

namespace weir::ascii {

constexpr bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
constexpr bool is_letter(char c) noexcept { return is_lower(c) || is_upper(c); }
constexpr char to_lower(char c) noexcept { return is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c; }

/// Whether two texts are the same but for the case of letters.
constexpr bool equal_in_any_case(std::string_view a, std::string_view b) noexcept
{
    return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

constexpr bool ends_with_in_any_case(std::string_view text, std::string_view end) noexcept
{
    return text.size() >= end.size() && equal_in_any_case(text.substr(text.size() - end.size()), end);
}

} // namespace weir::ascii
