#pragma once
// The characters and small rules that the grammars of HTTP and URLs share. All of it is ASCII, whatever the locale.

#include "base/ascii.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http::grammar {

/// Lengths and positions above this do not fit a file offset, and are refused.
inline constexpr std::uint64_t max_length = std::numeric_limits<std::int64_t>::max();

using ascii::is_lower;
using ascii::to_lower;
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) noexcept { return ascii::is_letter(c); }
constexpr bool is_alphanumeric(char c) noexcept { return is_alpha(c) || is_digit(c); }
constexpr bool is_one_of(char c, std::string_view set) noexcept { return set.find(c) != std::string_view::npos; }
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

constexpr bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
constexpr bool is_ascii(char c) noexcept { return static_cast<unsigned char>(c) < 0x80; }

/// By byte: whether it may stand in a token. \see RFC 9110, section 5.6.2
inline constexpr std::array<bool, 256> token_bytes = [] {
    std::array<bool, 256> out{};
    for (char c = '!'; c <= '~'; ++c)
        out[static_cast<unsigned char>(c)] = is_alphanumeric(c) || is_one_of(c, "!#$%&'*+-.^_`|~");
    return out;
}();

constexpr bool is_token_character(char c) noexcept { return token_bytes[static_cast<unsigned char>(c)]; }

constexpr bool all_of(std::string_view text, bool (*holds)(char)) noexcept { return std::ranges::all_of(text, holds); }

/// The value of a hexadecimal digit; -1 of any other character.
constexpr int hex_value(char c) noexcept
{
    if (is_digit(c))
        return c - '0';
    const char lower = to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// `text` without the blanks and tabs around it. \see RFC 9110, section 5.6.3, OWS
constexpr std::string_view trim(std::string_view text) noexcept
{
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

/// A whole number of digits only: no sign, no blank, no base. Nothing if it is above `max`.
constexpr std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t max = max_length) noexcept
{
    if (text.empty())
        return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : text) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (!is_digit(c) || value > max / 10 || value * 10 > max - digit)
            return std::nullopt;
        value = value * 10 + digit;
    }
    return value;
}

/// What stands before the first `separator`, which is taken off `rest` with it; all of `rest` if there is none.
constexpr std::string_view take_until(std::string_view& rest, char separator) noexcept
{
    const std::size_t end = rest.find(separator);
    const std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return taken;
}

/// Text of a stranger's for a message: cut short, and no byte in it that a terminal or a log could misread.
[[nodiscard]] std::string printable(std::string_view text, std::size_t max_bytes = 64);

} // namespace weir::http::grammar
