#pragma once
// Names for one version of what a URL gives, and what may be trusted to them.

#include <weir/export.hpp>
#include <weir/http/fields.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

/// An entity tag: text that a server chose for one version of a representation.
///
/// Strong: the same tag means the same bytes. Weak: the same meaning only; ranges of two answers with the same weak
/// tag do not fit each other.
/// \see RFC 9110, section 8.8.3
class WEIR_API entity_tag {
public:
    /// Reads `"abc"` or `W/"abc"`. Nothing if it is neither: tags without quotes, as some servers send them, name
    /// nothing that could be sent back.
    [[nodiscard]] static std::optional<entity_tag> parse(std::string_view text);

    [[nodiscard]] bool is_weak() const noexcept { return is_weak_; }
    /// What stands between the quotes.
    [[nodiscard]] const std::string& opaque() const noexcept { return opaque_; }
    /// As it stands in a field.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const entity_tag&, const entity_tag&) = default;

private:
    entity_tag(bool is_weak, std::string_view opaque) : is_weak_(is_weak), opaque_(opaque) {}

    bool is_weak_;
    std::string opaque_;
};

/// Whether two answers are the same bytes: neither tag is weak, and they are equal. \see RFC 9110, section 8.8.3.2
[[nodiscard]] WEIR_API bool strongly_equal(const entity_tag& a, const entity_tag& b) noexcept;

/// Whether two answers mean the same. \see RFC 9110, section 8.8.3.2
[[nodiscard]] WEIR_API bool weakly_equal(const entity_tag& a, const entity_tag& b) noexcept;

/// What an answer says about its version, and what later requests can demand by it.
class WEIR_API validator {
public:
    /// Reads `ETag`, `Last-Modified` and `Date` of an answer. A field that is not valid, or comes twice, does not
    /// count.
    [[nodiscard]] static validator of(const fields& answer);

    [[nodiscard]] const std::optional<entity_tag>& tag() const noexcept { return tag_; }
    [[nodiscard]] const std::optional<std::chrono::sys_seconds>& last_modified() const noexcept
    {
        return last_modified_;
    }

    /// Whether the same validator means the same bytes, so that parts of two answers can be put together: a strong
    /// tag, or no tag and a date of modification at least a minute before the date of the answer (within it, a second
    /// change may have followed). \see RFC 9110, section 8.8.2.2
    [[nodiscard]] bool is_strong() const noexcept;

    /// The value of `If-Range`: the server then sends the range of this version, or all of another one. Nothing if
    /// this is not strong. \see RFC 9110, section 13.1.5
    [[nodiscard]] std::optional<std::string> if_range() const;

    /// Makes a request fail with 412 where the version is another: sets `If-Match`, or `If-Unmodified-Since`.
    /// \returns  false, and `request` is as it was, if this is not strong
    /// \see RFC 9110, sections 13.1.1 and 13.1.4
    [[nodiscard]] bool demand_in(fields& request) const;

    /// Whether `later` is certainly of the same bytes: both are strong, by the same kind of field, and equal.
    [[nodiscard]] bool certainly_same(const validator& later) const noexcept;

    friend bool operator==(const validator&, const validator&) = default;

private:
    std::optional<entity_tag> tag_;
    std::optional<std::chrono::sys_seconds> last_modified_;
    bool is_old_enough_ = false; // by Date
};

} // namespace weir::http
