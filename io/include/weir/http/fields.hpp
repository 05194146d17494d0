#pragma once
// The field lines of a message: names without case, values without surprises.

#include <weir/export.hpp>

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

/// One field line: `Content-Length: 42`.
struct field {
    std::string name;
    std::string value;

    friend bool operator==(const field&, const field&) = default;
};

/// Whether two field names, or two tokens without case, are the same. ASCII only, whatever the locale.
[[nodiscard]] WEIR_API bool same_name(std::string_view a, std::string_view b) noexcept;

/// Whether `text` may be the name of a field or a method. \see RFC 9110, section 5.6.2
[[nodiscard]] WEIR_API bool is_token(std::string_view text) noexcept;

/// Whether `text` may be the value of a field: no CR, LF, NUL or other control character but the tab, and no blank at
/// either end. \see RFC 9110, section 5.5
[[nodiscard]] WEIR_API bool is_field_value(std::string_view text) noexcept;

/// Field lines in the order in which they came or are sent.
///
/// Nothing gets in that could end a line or begin another one: what is added is checked.
class WEIR_API fields {
public:
    using const_iterator = std::vector<field>::const_iterator;

    fields() = default;
    /// As `add`, one after the other.
    fields(std::initializer_list<field> lines);

    /// Appends a line.
    /// \param value  blanks and tabs around it are dropped
    /// \throws weir::error  `errc::bad_format`: `name` is no token, or `value` is no field value. The message shows
    ///   the name and never the value, which may be a secret.
    void add(std::string_view name, std::string_view value);

    /// As `add`, for lines of a peer's: \returns  false where that throws `errc::bad_format`
    [[nodiscard]] bool try_add(std::string_view name, std::string_view value);

    /// Joins `more` to the value of the last line, by a blank: the rest of a folded line.
    /// \returns  false, and nothing has changed: there is no line yet, or `more` has control characters
    /// \see RFC 9112, section 5.2
    [[nodiscard]] bool try_continue(std::string_view more);

    /// Makes this the only line of that name, at its end. \throws weir::error  as `add`, and then nothing has changed
    void set(std::string_view name, std::string_view value);

    /// Drops all lines of that name. \returns  how many there were
    std::size_t erase(std::string_view name);

    /// Drops all lines for which `predicate(const field&)` holds.
    template <class Predicate> void erase_if(Predicate predicate) { std::erase_if(lines_, predicate); }

    [[nodiscard]] bool contains(std::string_view name) const noexcept;
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;

    /// The value of the first line of that name; valid until the object changes.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;

    /// The value of the only line of that name. Nothing if there is none, or more than one: for fields that a sender
    /// must not repeat, where the choice between two would be a guess.
    [[nodiscard]] std::optional<std::string_view> find_only(std::string_view name) const noexcept;

    /// All lines of that name as one value, joined by commas; nothing if there is none. \see RFC 9110, section 5.3
    [[nodiscard]] std::optional<std::string> combined(std::string_view name) const;

    /// The comma-separated elements of all lines of that name, without the blanks around them. Empty elements are
    /// among them, so that a strict reader can refuse them. Valid until the object changes.
    /// \note  Not for lists whose elements are quoted strings. \see RFC 9110, section 5.6.1
    [[nodiscard]] std::vector<std::string_view> elements(std::string_view name) const;

    [[nodiscard]] const_iterator begin() const noexcept { return lines_.begin(); }
    [[nodiscard]] const_iterator end() const noexcept { return lines_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return lines_.size(); }
    [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }

    friend bool operator==(const fields&, const fields&) = default;

private:
    std::vector<field> lines_;
};

} // namespace weir::http
