#pragma once
// Decimal numbers, as extended headers have them.

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace weir::codecs::tar {

/// Makes `value` one digit longer.
/// \returns  whether `digit` is one, and the number stays within 64 bits
constexpr bool append_digit(std::uint64_t& value, char digit) noexcept
{
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    if (digit < '0' || digit > '9')
        return false;
    const auto more = static_cast<std::uint64_t>(digit - '0');
    if (value > most / 10 || value * 10 > most - more)
        return false;
    value = value * 10 + more;
    return true;
}

/// Digits and nothing else; nothing where there are none, or too many.
constexpr std::optional<std::uint64_t> decimal(std::string_view digits) noexcept
{
    std::uint64_t value = 0;
    for (const char each : digits)
        if (!append_digit(value, each))
            return std::nullopt;
    if (digits.empty())
        return std::nullopt;
    return value;
}

} // namespace weir::codecs::tar
