#pragma once
// Text for people and for programs: names that may be any bytes, and JSON Lines, one object a line.

#include <weir/digest.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace tool {

/// Appends `text` for people to read: characters that control a terminal, or the order and the lines in which it shows
/// what follows, as their bytes, such as `\x1b`, and U+FFFD for whatever is not UTF-8, one for each
/// maximal part of an ill-formed sequence, as browsers and Python's `errors="replace"` do it.
/// \see Unicode 15, section 3.9, table 3-7 and "U+FFFD Substitution of Maximal Subparts"
void append_printable(std::string& out, std::string_view text);

/// Appends `text` as a JSON string, in quotes, escaped; replaces as `append_printable`.
/// \returns  whether all of `text` was UTF-8
bool append_json_string(std::string& out, std::string_view text);

/// Appends `bytes` in base64 with padding (RFC 4648, section 4).
void append_base64(std::string& out, std::string_view bytes);

/// Appends one object to a text, member by member; `end` closes it and the line.
class json_line {
public:
    /// \param type  the value of the first member, `type`
    json_line(std::string& out, std::string_view type);
    /// Goes on with an object whose first members `out` ends with.
    [[nodiscard]] static json_line resume(std::string& out) { return json_line(out); }

    json_line& text(std::string_view key, std::string_view value);
    json_line& number(std::string_view key, std::uint64_t value);
    /// A fraction, with six digits after the point.
    json_line& fraction(std::string_view key, double value);
    json_line& boolean(std::string_view key, bool value);
    json_line& digest(std::string_view key, const weir::digest& value);
    /// A file's name, as text, and if it is not UTF-8 also exactly, as `KEY_base64`.
    json_line& path(std::string_view key, std::string_view value);
    void end();

private:
    explicit json_line(std::string& out) : out_(out) {}
    void key(std::string_view name);

    std::string& out_;
};

/// Appends the line of an input that failed, without secrets of URLs.
void append_error_line(std::string& out, std::string_view path, std::error_code code, std::string_view text);

} // namespace tool
