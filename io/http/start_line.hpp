#pragma once
// What request lines and status lines share.

#include "grammar.hpp"

#include <weir/http/framing.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace weir::http {

inline constexpr std::string_view protocol_name = "HTTP/1.";
inline constexpr std::size_t version_bytes = protocol_name.size() + 1;

/// The version that `text` names. Later ones of HTTP/1 are understood as 1.1. \see RFC 9110, section 2.5
constexpr std::optional<version> version_of(std::string_view text) noexcept
{
    if (text.size() != version_bytes || !text.starts_with(protocol_name) || !grammar::is_digit(text.back()))
        return std::nullopt;
    return text.back() == '0' ? version::http_1_0 : version::http_1_1;
}

} // namespace weir::http
