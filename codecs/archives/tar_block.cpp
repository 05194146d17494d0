#include "archives/tar_block.hpp"

#include <algorithm>
#include <limits>

namespace weir::codecs::tar {
namespace {

constexpr field magic_field{257, 8}; // with the version that follows it

std::string_view characters(block from, field which) noexcept
{
    return {reinterpret_cast<const char*>(from.data()) + which.offset, which.size};
}

std::optional<std::int64_t> octal(std::string_view digits) noexcept
{
    digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
    std::int64_t value = 0;
    for (const char each : digits) {
        if (each == ' ' || each == '\0')
            break;
        if (each < '0' || each > '7')
            return std::nullopt;
        value = value * 8 + (each - '0'); // a field has twelve digits at most
    }
    return value;
}

// Two's complement, the high byte first; the top bit of all says that it is of this kind.
std::optional<std::int64_t> base_256(std::string_view bytes) noexcept
{
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 256;
    const auto first = static_cast<std::uint8_t>(bytes.front());
    std::int64_t value = (first & 0x40) != 0 ? (first & 0x7f) - 0x80 : first & 0x7f;
    for (const char each : bytes.substr(1)) {
        if (value > most || value < -most - 1)
            return std::nullopt;
        value = value * 256 + static_cast<std::uint8_t>(each);
    }
    return value;
}

} // namespace

dialect dialect_of(block header) noexcept
{
    const std::string_view magic = characters(header, magic_field);
    if (magic == std::string_view("ustar  \0", 8))
        return dialect::gnu;
    return magic.starts_with("ustar") ? dialect::ustar : dialect::v7;
}

std::string_view text(block from, field which) noexcept
{
    const std::string_view all = characters(from, which);
    return all.substr(0, all.find('\0'));
}

std::optional<std::int64_t> number(block from, field which) noexcept
{
    const std::string_view all = characters(from, which);
    return (static_cast<std::uint8_t>(all.front()) & 0x80) != 0 ? base_256(all) : octal(all);
}

bool checksum_fits(block header) noexcept
{
    std::int32_t as_unsigned = 0;
    std::int32_t as_signed = 0;
    for (const std::byte each : header) {
        as_unsigned += static_cast<std::uint8_t>(each);
        as_signed += static_cast<std::int8_t>(each);
    }
    for (const std::byte each : header.subspan<checksum_field.offset, checksum_field.size>()) { // blanks, for the sum
        as_unsigned += ' ' - static_cast<std::uint8_t>(each);
        as_signed += ' ' - static_cast<std::int8_t>(each);
    }
    const std::optional<std::int64_t> said = number(header, checksum_field);
    return said && (*said == as_unsigned || *said == as_signed);
}

bool is_zero(std::span<const std::byte> bytes) noexcept
{
    return std::ranges::all_of(bytes, [](std::byte each) { return each == std::byte{0}; });
}

} // namespace weir::codecs::tar
