#include "script_reader.hpp"

#include <weir/error.hpp>
#include <weir/size.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace weir::testing::detail {
namespace {

constexpr std::uint64_t longest_time = 1'000'000'000; // in any unit

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

/// -1 if it is no hexadecimal digit.
int digit(char c) noexcept
{
    static constexpr std::string_view digits = "0123456789abcdef";
    const std::size_t value = digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
    return value == std::string_view::npos ? -1 : static_cast<int>(value);
}

} // namespace

line_reader::line_reader(std::string_view line) noexcept : rest_(line)
{
    while (!rest_.empty() && (is_blank(rest_.back()) || rest_.back() == '\r'))
        rest_.remove_suffix(1);
    skip_blanks();
}

line_reader::word line_reader::next(std::string_view what)
{
    if (at_end())
        throw mistake{std::string(what) + " is missing"};
    word found;
    if (rest_.front() == '"')
        found = {quoted(), true};
    else {
        const std::size_t size = std::min(rest_.find_first_of(" \t"), rest_.size());
        found.text = rest_.substr(0, size);
        rest_.remove_prefix(size);
    }
    if (!at_end() && !is_blank(rest_.front()))
        throw mistake{"a blank belongs behind a text in quotes"};
    skip_blanks();
    return found;
}

bool line_reader::skip(std::string_view expected)
{
    if (peek() != expected)
        return false;
    rest_.remove_prefix(expected.size());
    skip_blanks();
    return true;
}

void line_reader::expect(std::string_view expected)
{
    if (!skip(expected))
        throw mistake{"'" + std::string(expected) + "' is missing"};
}

std::string line_reader::text()
{
    std::string all = next("a text").text;
    while (!at_end())
        all += next("a text").text;
    return all;
}

std::string_view line_reader::raw() noexcept { return std::exchange(rest_, {}); }

std::uint64_t line_reader::number(std::string_view what)
{
    const std::string text = next(what).text;
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size())
        throw mistake{std::string(what) + " is a whole number, not '" + text + "'"};
    return value;
}

std::uint64_t line_reader::size(std::string_view what)
{
    const std::string text = next(what).text;
    try {
        return parse_size(text);
    }
    catch (const weir::error&) {
        throw mistake{std::string(what) + " is a size, as 100 or 64KiB, not '" + text + "'"};
    }
}

rule::duration line_reader::time(std::string_view what)
{
    struct unit {
        std::string_view name;
        std::uint64_t microseconds;
    };
    static constexpr std::array units = {unit{"us", 1}, unit{"ms", 1000}, unit{"s", 1'000'000}};
    const std::string text = next(what).text;
    std::uint64_t value = 0;
    const char* const last = text.data() + text.size();
    const auto [end, failure] = std::from_chars(text.data(), last, value);
    const auto* const found = std::ranges::find(units, std::string_view(end, last), &unit::name);
    if (failure != std::errc() || found == units.end() || value > longest_time)
        throw mistake{std::string(what) + " is a time, as 50ms, 2s or 100us, not '" + text + "'"};
    return rule::duration(static_cast<rule::duration::rep>(value * found->microseconds));
}

void line_reader::skip_blanks() noexcept
{
    while (!rest_.empty() && is_blank(rest_.front()))
        rest_.remove_prefix(1);
}

std::string line_reader::quoted()
{
    std::string text;
    rest_.remove_prefix(1);
    while (!rest_.empty() && rest_.front() != '"') {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        text += c == '\\' ? escaped() : c;
    }
    if (rest_.empty())
        throw mistake{"a quote is not closed"};
    rest_.remove_prefix(1);
    return text;
}

/// The byte that stands for what is behind a backslash.
char line_reader::escaped()
{
    static constexpr std::string_view names = "rnt0\\\"";
    static constexpr std::string_view bytes{"\r\n\t\0\\\"", 6};
    const char name = rest_.empty() ? '\0' : rest_.front();
    if (const std::size_t known = names.find(name); name != '\0' && known != std::string_view::npos) {
        rest_.remove_prefix(1);
        return bytes[known];
    }
    if (name != 'x' || rest_.size() < 3 || digit(rest_[1]) < 0 || digit(rest_[2]) < 0)
        throw mistake{R"(after a backslash comes one of r n t 0 \ " or xHH)"};
    const char byte = static_cast<char>(digit(rest_[1]) * 16 + digit(rest_[2]));
    rest_.remove_prefix(3);
    return byte;
}

} // namespace weir::testing::detail
