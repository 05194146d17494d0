#pragma once
// Patterns for file names, as shells know them.

#include <weir/export.hpp>

#include <string>
#include <string_view>

namespace weir {

/// A pattern over a path: `?` is one character, `*` any number of them, `[a-z]`, `[!a-z]` one of a set; none of them
/// is a slash. `**` is anything, slashes too, and `**/` also nothing at all. A backslash makes the next character plain.
///
/// A set may hold classes of ASCII, `[[:upper:]_]`, and `[.x.]` or `[=x=]` for one character `x`.
/// A character is a code point of UTF-8, or a single byte where the name is not UTF-8. A bracket that is never closed
/// is a plain character; a set with a class that is not known matches nothing. Dots at the start of a name are not
/// special.
/// \par Cost
/// `matches` allocates nothing; its time is at most the product of both lengths, times the pattern's.
/// \par Thread-safety
/// `matches` from any thread.
/// \see POSIX.1-2017, XCU 2.13 (pattern matching notation); `**` as in gitignore(5)
class WEIR_API glob {
public:
    explicit glob(std::string pattern);

    /// Whether all sets are closed, and their classes known: what a user means who types a pattern.
    [[nodiscard]] bool is_well_formed() const noexcept;

    /// Whether the whole of `path` is what the pattern says.
    [[nodiscard]] bool matches(std::string_view path) const noexcept;
    /// Whether the last part of `path`, or all of it, matches: what `--exclude` asks.
    [[nodiscard]] bool matches_name_or_path(std::string_view path) const noexcept;

    [[nodiscard]] const std::string& pattern() const noexcept { return pattern_; }

private:
    std::string pattern_;
};

} // namespace weir
