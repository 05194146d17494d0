#pragma once
// The parts of a URL and what is done to each, apart from what they mean.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http::syntax {

/// Views into one text. \see RFC 3986, section 3 and appendix B
struct components {
    std::optional<std::string_view> scheme;
    std::optional<std::string_view> authority;
    std::string_view path;
    std::optional<std::string_view> query;
    std::optional<std::string_view> fragment;
};

/// Never fails: what cannot be a scheme is a path.
[[nodiscard]] components split(std::string_view reference) noexcept;

/// Where a percent sign is not followed by two hexadecimal digits; `npos` if nowhere.
[[nodiscard]] std::size_t find_bad_percent(std::string_view text) noexcept;

/// \pre every percent sign has its digits
[[nodiscard]] std::string percent_decode(std::string_view text);

/// Encodes what may not stand in a path; everything else stays, as servers may have signed it so.
/// \pre every percent sign has its digits \see RFC 3986, section 3.3
[[nodiscard]] std::string normal_path(std::string_view path);

/// Encodes what may not stand in a query or fragment; everything else stays. \see RFC 3986, sections 3.4 and 3.5
[[nodiscard]] std::string normal_query(std::string_view query);

/// What RFC 3986 allows in user information, and gives no meaning in it.
[[nodiscard]] std::string percent_encode_login(std::string_view text);

/// \pre `path` begins with a slash \see RFC 3986, section 5.2.4
[[nodiscard]] std::string remove_dot_segments(std::string_view path);

/// The query with the values of parameters hidden whose name tells of a secret.
[[nodiscard]] std::string redacted_query(std::string_view query);

/// Text that is no URL, as `redacted` shows it: all that could be a secret is left out.
[[nodiscard]] std::string redacted_text(std::string_view text);

} // namespace weir::http::syntax
