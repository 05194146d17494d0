#include <weir/size.hpp>

#include "base/ascii.hpp"

#include <weir/error.hpp>

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace weir {
namespace {

struct unit {
    std::string_view name;
    unsigned shift;
};

// Largest first. No 64-bit number of bytes reaches 16 EiB, and nobody asks for sizes above TiB.
constexpr std::array units = {unit{"TiB", 40}, unit{"GiB", 30}, unit{"MiB", 20}, unit{"KiB", 10}};

std::optional<unsigned> shift_of(std::string_view suffix) noexcept
{
    if (suffix.empty() || ascii::equal_in_any_case(suffix, "B"))
        return 0;
    for (const unit& candidate : units) {
        const std::string_view letter = candidate.name.substr(0, 1);
        const std::string_view rest = suffix.substr(1);
        if (ascii::equal_in_any_case(suffix.substr(0, 1), letter)
            && (rest.empty() || ascii::equal_in_any_case(rest, "B") || ascii::equal_in_any_case(rest, "iB")))
            return candidate.shift;
    }
    return std::nullopt;
}

std::string_view trim(std::string_view text) noexcept
{
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

[[noreturn]] void refuse(std::string_view text, std::string_view why)
{
    throw error(errc::bad_format, "read the size", fmt::format("'{}'", text), std::nullopt, why);
}

} // namespace

std::uint64_t parse_size(std::string_view text)
{
    const std::string_view trimmed = trim(text);
    std::uint64_t count = 0;
    const auto [end, failure] = std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), count);
    if (failure == std::errc::result_out_of_range)
        refuse(text, "too large");
    const std::optional<unsigned> shift =
        shift_of(trim(trimmed.substr(static_cast<std::size_t>(end - trimmed.data()))));
    if (failure != std::errc() || !shift)
        refuse(text, "a whole number, then nothing, K, M, G or T, as in 64K, 64KB or 64KiB");
    if (count > std::numeric_limits<std::uint64_t>::max() >> *shift)
        refuse(text, "too large");
    return count << *shift;
}

std::string format_size(std::uint64_t bytes)
{
    for (const unit& candidate : units) {
        const std::uint64_t one = std::uint64_t{1} << candidate.shift;
        // Half a tenth below the unit would print as 1024.0 of the next smaller one.
        if (bytes < one - one / 20480)
            continue;
        const double tenths = std::round(static_cast<double>(bytes) / static_cast<double>(one) * 10);
        const bool whole = std::fmod(tenths, 10) == 0;
        return fmt::format("{:.{}f} {}", tenths / 10, whole ? 0 : 1, candidate.name);
    }
    return fmt::format("{} B", bytes);
}

std::string format_size_exactly(std::uint64_t bytes)
{
    for (const unit& candidate : units)
        if (bytes != 0 && bytes % (std::uint64_t{1} << candidate.shift) == 0)
            return fmt::format("{} {}", bytes >> candidate.shift, candidate.name);
    return fmt::format("{} B", bytes);
}

} // namespace weir
