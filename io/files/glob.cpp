#include <weir/glob.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace weir {
namespace {

constexpr std::size_t npos = std::string_view::npos;

struct character {
    char32_t value;
    std::size_t length;
};

// The code point at `at`; a byte that begins none stands for itself, outside the range of code points.
character decode(std::string_view text, std::size_t at) noexcept
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const unsigned lead = byte(0);
    const std::size_t length =
        lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    const character plain{lead < 0x80 ? lead : 0x110000u + lead, 1};
    if (length <= 1 || text.size() - at < length)
        return plain;
    char32_t value = lead & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80)
            return plain;
        value = value << 6 | (byte(i) & 0x3f);
    }
    return {value, length};
}

// A class of ASCII, as the C locale has them; null if there is none of this name.
using member_test = bool (*)(char32_t) noexcept;

member_test find_class(std::string_view name) noexcept
{
    struct named {
        std::string_view name;
        member_test test;
    };
    constexpr auto in = [](char32_t c, char32_t low, char32_t high) { return low <= c && c <= high; };
    static constexpr auto upper = [in](char32_t c) { return in(c, U'A', U'Z'); };
    static constexpr auto lower = [in](char32_t c) { return in(c, U'a', U'z'); };
    static constexpr auto digit = [in](char32_t c) { return in(c, U'0', U'9'); };
    static constexpr auto graph = [in](char32_t c) { return in(c, U'!', U'~'); };
    static constexpr auto alnum = [](char32_t c) { return upper(c) || lower(c) || digit(c); };
    static constexpr named classes[] = {
        {"alnum", [](char32_t c) noexcept { return alnum(c); }},
        {"alpha", [](char32_t c) noexcept { return upper(c) || lower(c); }},
        {"blank", [](char32_t c) noexcept { return c == U' ' || c == U'\t'; }},
        {"cntrl", [](char32_t c) noexcept { return c < 0x20 || c == 0x7f; }},
        {"digit", [](char32_t c) noexcept { return digit(c); }},
        {"graph", [](char32_t c) noexcept { return graph(c); }},
        {"lower", [](char32_t c) noexcept { return lower(c); }},
        {"print", [](char32_t c) noexcept { return graph(c) || c == U' '; }},
        {"punct", [](char32_t c) noexcept { return graph(c) && !alnum(c); }},
        {"space", [](char32_t c) noexcept { return c == U' ' || (U'\t' <= c && c <= U'\r'); }},
        {"upper", [](char32_t c) noexcept { return upper(c); }},
        {"xdigit", [](char32_t c) noexcept { return digit(c) || (U'a' <= (c | 0x20) && (c | 0x20) <= U'f'); }},
    };
    for (const named& each : classes)
        if (each.name == name)
            return each.test;
    return nullptr;
}

// A bracket expression: where it ends, whether the character is in it, and whether all of it means something.
struct bracket {
    std::size_t end; // npos: never closed
    bool matched;
    bool known;
};

bracket match_bracket(std::string_view pattern, std::size_t at, char32_t wanted) noexcept
{
    std::size_t i = at + 1;
    const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
    if (negated)
        ++i;
    bool found = false, known = true;
    // `[:`, `[.` or `[=` with its end: what stands between, and `i` behind it. Where there is no end of a kind, none follows.
    std::string_view kinds = ":.=";
    std::array<bool, 3> has_end{true, true, true};
    const auto named = [&](char kind) -> std::string_view {
        bool& may_end = has_end[kinds.find(kind)];
        if (!may_end || pattern[i] != '[' || i + 1 >= pattern.size() || pattern[i + 1] != kind)
            return {};
        const char closing[] = {kind, ']', '\0'};
        const std::size_t end = pattern.find(closing, i + 2);
        may_end = end != npos;
        if (end == npos || end == i + 2)
            return {};
        const std::string_view name = pattern.substr(i + 2, end - i - 2);
        i = end + 2;
        return name;
    };
    const auto next = [&] {
        for (const char kind : {'.', '='}) {
            if (const std::string_view name = named(kind); !name.empty()) {
                const character c = decode(name, 0);
                known = known && c.length == name.size(); // there are no collating elements of several characters
                return c.value;
            }
        }
        if (pattern[i] == '\\' && i + 1 < pattern.size())
            ++i;
        const character c = decode(pattern, i);
        i += c.length;
        return c.value;
    };
    for (const std::size_t first = i; i < pattern.size() && (pattern[i] != ']' || i == first);) {
        if (const std::string_view name = named(':'); !name.empty()) {
            const member_test is_member = find_class(name);
            known = known && is_member;
            found = found || (is_member && is_member(wanted));
            continue;
        }
        const char32_t low = next();
        char32_t high = low;
        if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
            ++i;
            high = next();
        }
        found = found || (low <= wanted && wanted <= high);
    }
    if (i >= pattern.size())
        return {npos, false, known};
    return {i + 1, known && found != negated, known};
}

// One step that consumes a single character of the path; npos where it does not fit.
std::size_t match_one(std::string_view pattern, std::size_t p, character c) noexcept
{
    if (pattern[p] == '?')
        return c.value == U'/' ? npos : p + 1;
    if (pattern[p] == '[') {
        const bracket set = match_bracket(pattern, p, c.value);
        if (set.end != npos)
            return set.matched && c.value != U'/' ? set.end : npos;
    }
    if (pattern[p] == '\\' && p + 1 < pattern.size())
        ++p;
    const character plain = decode(pattern, p);
    return plain.value == c.value ? p + plain.length : npos;
}

struct star {
    std::size_t pattern = npos; // what follows it
    std::size_t path = 0;       // where that was tried last
};

} // namespace

glob::glob(std::string pattern) : pattern_(std::move(pattern)) {}

bool glob::is_well_formed() const noexcept
{
    for (std::size_t at = 0; at < pattern_.size();) {
        if (pattern_[at] == '[') {
            const bracket set = match_bracket(pattern_, at, U'/');
            if (set.end == npos || !set.known)
                return false;
            at = set.end;
        }
        else {
            at += pattern_[at] == '\\' ? 2 : 1;
        }
    }
    return true;
}

// No recursion: of each kind of star only the latest can matter, since an earlier one could only take what the
// latest may take as well. When a `*` cannot grow over a slash, the latest `**` does.
bool glob::matches(std::string_view path) const noexcept
{
    const std::string_view pattern = pattern_;
    star one, any;
    std::size_t p = 0;
    std::size_t at = 0;
    while (true) {
        if (pattern.substr(p).starts_with("**")) {
            const bool whole_part = (p == 0 || pattern[p - 1] == '/') && pattern.substr(p).starts_with("**/");
            p += whole_part ? 3 : 2;
            any = {p, at};
            one = {};
            continue;
        }
        if (p < pattern.size() && pattern[p] == '*') {
            one = {++p, at};
            continue;
        }
        if (at == path.size() && p == pattern.size())
            return true;
        if (at < path.size() && p < pattern.size()) {
            const character c = decode(path, at);
            if (const std::size_t next = match_one(pattern, p, c); next != npos) {
                p = next;
                at += c.length;
                continue;
            }
        }
        if (one.pattern != npos && one.path < path.size() && path[one.path] != '/') {
            one.path += decode(path, one.path).length;
            p = one.pattern;
            at = one.path;
        } else if (any.pattern != npos && any.path < path.size()) {
            // Behind `**/` a part of the path must begin.
            const bool parts = pattern[any.pattern - 1] == '/';
            const std::size_t slash = parts ? path.find('/', any.path) : npos;
            if (parts && slash == npos)
                return false;
            any.path = parts ? slash + 1 : any.path + decode(path, any.path).length;
            p = any.pattern;
            at = any.path;
            one = {};
        } else {
            return false;
        }
    }
}

bool glob::matches_name_or_path(std::string_view path) const noexcept
{
    const std::size_t slash = path.rfind('/');
    return matches(path) || (slash != npos && matches(path.substr(slash + 1)));
}

} // namespace weir
