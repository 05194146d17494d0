#include "json.hpp"

#include "redaction.hpp"

#include <weir/error.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace tool {
namespace {

using byte = unsigned char;

/// A row of Unicode's table 3-7: what may follow a lead byte. Continuation bytes after the second are 80..BF.
struct lead {
    byte first, last;   // the lead bytes of this row
    byte low, high;     // the bytes that may come second
    std::size_t length; // of the whole sequence
};

constexpr std::array<lead, 8> leads = {{
    {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, // no surrogates
    {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4}, // up to U+10FFFF
}};

struct sequence {
    std::size_t length; // how many bytes to go on by, at least 1
    bool valid;
};

/// The character that `text` (not empty) starts with, or the maximal part of an ill-formed one.
sequence first_character(std::string_view text) noexcept
{
    const auto at = [&](std::size_t i) { return static_cast<byte>(text[i]); };
    if (at(0) < 0x80)
        return {1, true};
    const auto row =
        std::find_if(leads.begin(), leads.end(), [&](const lead& l) { return l.first <= at(0) && at(0) <= l.last; });
    if (row == leads.end() || text.size() < 2 || at(1) < row->low || at(1) > row->high)
        return {1, false};
    std::size_t length = 2;
    while (length < row->length && length < text.size() && (at(length) & 0xc0) == 0x80)
        ++length;
    return {length, length == row->length};
}

constexpr std::string_view replacement = "\xef\xbf\xbd";

void append_escaped(std::string& out, char c)
{
    switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '\x7f': out += c; return;
    default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<byte>(c));
    }
}

bool is_plain(char c) noexcept
{
    const auto value = static_cast<byte>(c);
    return value >= 0x20 && value < 0x7f && c != '"' && c != '\\';
}

/// \param special  appends a valid character that is not plain
template <class AppendSpecial> bool append_replacing(std::string& out, std::string_view text, AppendSpecial special)
{
    bool valid = true;
    while (!text.empty()) {
        const auto plain =
            static_cast<std::size_t>(std::distance(text.begin(), std::find_if_not(text.begin(), text.end(), is_plain)));
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty())
            break;
        const sequence next = first_character(text);
        if (!next.valid)
            out.append(replacement);
        else
            special(text.substr(0, next.length));
        valid = valid && next.valid;
        text.remove_prefix(next.length);
    }
    return valid;
}

/// C0, DEL, C1; the separators of lines and paragraphs; embeddings, overrides and isolates of writing direction.
bool is_control(std::string_view character) noexcept
{
    const auto between = [&](std::string_view first, std::string_view last) {
        return character.size() == first.size() && first <= character && character <= last;
    };
    using namespace std::string_view_literals;
    return between("\0"sv, "\x1f") || character == "\x7f" || between("\u0080", "\u009f")
        || between("\u2028", "\u202e") || between("\u2066", "\u2069");
}

} // namespace

void append_printable(std::string& out, std::string_view text)
{
    append_replacing(out, text, [&](std::string_view character) {
        if (!is_control(character))
            out.append(character);
        else
            for (const char c : character)
                fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<byte>(c));
    });
}

bool append_json_string(std::string& out, std::string_view text)
{
    out += '"';
    const bool valid = append_replacing(out, text, [&](std::string_view character) {
        if (character.size() == 1)
            append_escaped(out, character[0]);
        else
            out.append(character);
    });
    out += '"';
    return valid;
}

void append_base64(std::string& out, std::string_view bytes)
{
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(bytes.size(), 3))) {
        const auto at = [&](std::size_t i) { return i < bytes.size() ? static_cast<byte>(bytes[i]) : 0u; };
        const unsigned group = at(0) << 16 | at(1) << 8 | at(2);
        out += digits[group >> 18];
        out += digits[group >> 12 & 63];
        out += bytes.size() > 1 ? digits[group >> 6 & 63] : '=';
        out += bytes.size() > 2 ? digits[group & 63] : '=';
    }
}

json_line::json_line(std::string& out, std::string_view type) : out_(out)
{
    out_ += "{\"type\":\"";
    out_ += type;
    out_ += '"';
}

json_line& json_line::text(std::string_view name, std::string_view value)
{
    key(name);
    append_json_string(out_, value);
    return *this;
}

json_line& json_line::number(std::string_view name, std::uint64_t value)
{
    key(name);
    const fmt::format_int digits(value);
    out_.append(digits.data(), digits.size());
    return *this;
}

json_line& json_line::fraction(std::string_view name, double value)
{
    key(name);
    fmt::format_to(std::back_inserter(out_), "{:.6f}", value);
    return *this;
}

json_line& json_line::boolean(std::string_view name, bool value)
{
    key(name);
    out_ += value ? "true" : "false";
    return *this;
}

json_line& json_line::digest(std::string_view name, const weir::digest& value)
{
    key(name);
    char hex[2 * weir::digest::max_size];
    out_ += '"';
    out_.append(hex, value.write_hex(hex));
    out_ += '"';
    return *this;
}

json_line& json_line::path(std::string_view name, std::string_view value)
{
    key(name);
    if (append_json_string(out_, value))
        return *this;
    out_ += ",\"";
    out_ += name;
    out_ += "_base64\":\"";
    append_base64(out_, value);
    out_ += '"';
    return *this;
}

void json_line::end() { out_ += "}\n"; }

void json_line::key(std::string_view name)
{
    out_ += ",\"";
    out_ += name;
    out_ += "\":";
}

void append_error_line(std::string& out, std::string_view path, std::error_code code, std::string_view text)
{
    const std::string shown = redacted_name(path);
    json_line(out, "error").path("path", shown).text("error", redacted_message(text)).text("code", weir::code_name(code)).end();
}

} // namespace tool
