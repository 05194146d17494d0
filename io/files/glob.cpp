#include <weir/glob.hpp>

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

// A bracket expression: where it ends, and whether the character is in it.
struct bracket {
    std::size_t end; // npos: never closed
    bool matched;
};

bracket match_bracket(std::string_view pattern, std::size_t at, char32_t wanted) noexcept
{
    std::size_t i = at + 1;
    const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
    if (negated)
        ++i;
    const auto next = [&] {
        if (pattern[i] == '\\' && i + 1 < pattern.size())
            ++i;
        const character c = decode(pattern, i);
        i += c.length;
        return c.value;
    };
    bool found = false;
    for (const std::size_t first = i; i < pattern.size() && (pattern[i] != ']' || i == first);) {
        const char32_t low = next();
        char32_t high = low;
        if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
            ++i;
            high = next();
        }
        found = found || (low <= wanted && wanted <= high);
    }
    if (i >= pattern.size())
        return {npos, false};
    return {i + 1, found != negated};
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
