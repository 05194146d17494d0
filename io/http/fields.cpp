#include <weir/http/fields.hpp>

#include "grammar.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace weir::http {
namespace {

bool is_value_character(char c) noexcept { return c == '\t' || !grammar::is_control(c); }

/// Whether one of eight bytes is below a blank, or DEL.
bool has_control(std::uint64_t eight) noexcept
{
    constexpr std::uint64_t ones = 0x0101010101010101, high = 0x80 * ones;
    const std::uint64_t del = eight ^ (0x7f * ones);
    return ((((eight - 0x20 * ones) & ~eight) | ((del - ones) & ~del)) & high) != 0;
}

constexpr std::size_t usual_lines = 16;

field checked(std::string_view name, std::string_view value)
{
    const std::string_view trimmed = grammar::trim(value);
    if (!is_token(name))
        throw error(errc::bad_format, "set field", grammar::printable(name), std::nullopt, "the name is no token");
    if (!is_field_value(trimmed))
        throw error(errc::bad_format, "set field", name, std::nullopt, "a control character in the value");
    return {std::string(name), std::string(trimmed)};
}

auto named(std::string_view name)
{
    return [name](const field& line) { return same_name(line.name, name); };
}

} // namespace

bool same_name(std::string_view a, std::string_view b) noexcept
{
    return ascii::equal_in_any_case(a, b);
}

bool is_token(std::string_view text) noexcept
{
    return !text.empty() && grammar::all_of(text, grammar::is_token_character);
}

bool is_field_value(std::string_view text) noexcept
{
    if (grammar::trim(text).size() != text.size())
        return false;
    std::uint64_t eight = 0; // values are long: nearly all of a head
    for (; text.size() >= sizeof(eight); text.remove_prefix(sizeof(eight))) {
        std::memcpy(&eight, text.data(), sizeof(eight));
        if (has_control(eight) && !grammar::all_of(text.substr(0, sizeof(eight)), is_value_character))
            return false;
    }
    return grammar::all_of(text, is_value_character);
}

fields::fields(std::initializer_list<field> lines)
{
    lines_.reserve(lines.size());
    for (const field& line : lines)
        add(line.name, line.value);
}

void fields::add(std::string_view name, std::string_view value) { lines_.push_back(checked(name, value)); }

bool fields::try_add(std::string_view name, std::string_view value)
{
    const std::string_view trimmed = grammar::trim(value);
    if (!is_token(name) || !is_field_value(trimmed))
        return false;
    if (lines_.empty())
        lines_.reserve(usual_lines);
    lines_.push_back({std::string(name), std::string(trimmed)});
    return true;
}

bool fields::try_continue(std::string_view more)
{
    const std::string_view trimmed = grammar::trim(more);
    if (lines_.empty() || !is_field_value(trimmed))
        return false;
    std::string& value = lines_.back().value;
    if (!value.empty() && !trimmed.empty())
        value.push_back(' ');
    value.append(trimmed);
    return true;
}

void fields::set(std::string_view name, std::string_view value)
{
    field line = checked(name, value);
    erase(line.name); // `name` may be part of what is erased
    lines_.push_back(std::move(line));
}

std::size_t fields::erase(std::string_view name)
{
    const std::string kept(name);
    return std::erase_if(lines_, named(kept));
}

bool fields::contains(std::string_view name) const noexcept { return std::ranges::any_of(lines_, named(name)); }

std::size_t fields::count(std::string_view name) const noexcept
{
    return static_cast<std::size_t>(std::ranges::count_if(lines_, named(name)));
}

std::optional<std::string_view> fields::find(std::string_view name) const noexcept
{
    const auto found = std::ranges::find_if(lines_, named(name));
    return found == lines_.end() ? std::nullopt : std::optional<std::string_view>(found->value);
}

std::optional<std::string_view> fields::find_only(std::string_view name) const noexcept
{
    return count(name) == 1 ? find(name) : std::nullopt;
}

std::optional<std::string> fields::combined(std::string_view name) const
{
    std::optional<std::string> out;
    for (const field& line : lines_) {
        if (!same_name(line.name, name))
            continue;
        if (out)
            out->append(", ").append(line.value);
        else
            out = line.value;
    }
    return out;
}

std::vector<std::string_view> fields::elements(std::string_view name) const
{
    std::vector<std::string_view> out;
    for (const field& line : lines_) {
        if (!same_name(line.name, name))
            continue;
        std::string_view rest = line.value;
        for (std::size_t comma = rest.find(','); comma != std::string_view::npos; comma = rest.find(',')) {
            out.push_back(grammar::trim(rest.substr(0, comma)));
            rest.remove_prefix(comma + 1);
        }
        out.push_back(grammar::trim(rest));
    }
    return out;
}

} // namespace weir::http
