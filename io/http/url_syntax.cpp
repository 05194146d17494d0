#include "url_syntax.hpp"

#include "grammar.hpp"
#include "secret_names.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace weir::http::syntax {
namespace {

constexpr std::string_view sub_delimiters = "!$&'()*+,;=";

constexpr bool is_unreserved(char c) noexcept { return grammar::is_alphanumeric(c) || grammar::is_one_of(c, "-._~"); }

constexpr bool is_path_character(char c) noexcept
{
    return is_unreserved(c) || grammar::is_one_of(c, sub_delimiters) || grammar::is_one_of(c, ":@/");
}

constexpr bool is_query_character(char c) noexcept { return is_path_character(c) || grammar::is_one_of(c, "?%"); }

constexpr bool is_scheme_character(char c) noexcept
{
    return grammar::is_alphanumeric(c) || grammar::is_one_of(c, "+-.");
}

void append_percent(std::string& out, char c)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    out.append({'%', digits[byte >> 4], digits[byte & 15]});
}

char decoded_at(std::string_view text, std::size_t percent) noexcept
{
    return static_cast<char>(grammar::hex_value(text[percent + 1]) << 4 | grammar::hex_value(text[percent + 2]));
}

std::string encode_unless(std::string_view text, bool (*stays)(char))
{
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (stays(c))
            out.push_back(c);
        else
            append_percent(out, c);
    }
    return out;
}

/// What stands after the first of `marks` in `rest`, which loses it; nothing if it has none.
std::optional<std::string_view> cut_at(std::string_view& rest, char mark) noexcept
{
    const std::size_t at = rest.find(mark);
    if (at == std::string_view::npos)
        return std::nullopt;
    const std::string_view behind = rest.substr(at + 1);
    rest = rest.substr(0, at);
    return behind;
}

/// A parameter may be several to a reader that takes semicolons for separators too. From the first that names a
/// secret to the end all is hidden: to another reader it is one value.
std::string redacted_parameter(std::string_view parameter)
{
    for (std::size_t begin = 0; begin < parameter.size();) {
        const std::size_t end = std::min(parameter.find(';', begin), parameter.size());
        const std::string_view piece = parameter.substr(begin, end - begin);
        const std::size_t name_size = std::min(piece.find('='), piece.size());
        if (name_size < piece.size() && names_secret(percent_decode(piece.substr(0, name_size))))
            return std::string(parameter.substr(0, begin + name_size)).append("=***");
        begin = end + 1;
    }
    return std::string(parameter);
}

} // namespace

components split(std::string_view reference) noexcept
{
    components parts;
    std::string_view rest = reference;
    parts.fragment = cut_at(rest, '#');
    parts.query = cut_at(rest, '?');
    const std::string_view scheme = rest.substr(0, std::min(rest.find(':'), rest.find('/')));
    const bool has_scheme = scheme.size() < rest.size() && rest[scheme.size()] == ':' && !scheme.empty()
        && grammar::is_alpha(scheme.front()) && grammar::all_of(scheme, is_scheme_character);
    if (has_scheme) {
        parts.scheme = scheme;
        rest.remove_prefix(scheme.size() + 1);
    }
    if (rest.starts_with("//")) {
        rest.remove_prefix(2);
        parts.authority = rest.substr(0, rest.find('/'));
        rest.remove_prefix(parts.authority->size());
    }
    parts.path = rest;
    return parts;
}

std::size_t find_bad_percent(std::string_view text) noexcept
{
    for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3))
        if (at + 2 >= text.size() || grammar::hex_value(text[at + 1]) < 0 || grammar::hex_value(text[at + 2]) < 0)
            return at;
    return std::string_view::npos;
}

std::string percent_decode(std::string_view text)
{
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool encoded = text[at] == '%';
        out.push_back(encoded ? decoded_at(text, at) : text[at]);
        at += encoded ? 2 : 0;
    }
    return out;
}

std::string normal_path(std::string_view path)
{
    return encode_unless(path, [](char c) { return is_path_character(c) || c == '%'; });
}

std::string normal_query(std::string_view query) { return encode_unless(query, is_query_character); }

std::string percent_encode_login(std::string_view text) { return encode_unless(text, is_unreserved); }

std::string remove_dot_segments(std::string_view path)
{
    if (path.find("/.") == std::string_view::npos)
        return std::string(path);
    std::vector<std::string_view> kept;
    std::string_view rest = path.substr(1);
    for (bool last = false; !last;) {
        last = rest.find('/') == std::string_view::npos;
        const std::string_view segment = grammar::take_until(rest, '/');
        const bool is_dot = segment == "." || segment == "..";
        if (segment == ".." && !kept.empty())
            kept.pop_back();
        if (!is_dot)
            kept.push_back(segment);
        else if (last)
            kept.emplace_back(); // "/a/.." is the directory "/", with its slash
    }
    std::string out;
    for (const std::string_view segment : kept)
        out.append("/").append(segment);
    return out;
}

std::string redacted_query(std::string_view query)
{
    std::string out;
    for (std::string_view rest = query; !rest.empty();) {
        const bool more = rest.find('&') != std::string_view::npos;
        const std::string_view parameter = grammar::take_until(rest, '&');
        out.append(redacted_parameter(parameter)).append(more ? "&" : "");
    }
    return out;
}

} // namespace weir::http::syntax
