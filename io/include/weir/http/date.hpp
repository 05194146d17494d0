#pragma once
// Points in time as HTTP writes them.

#include <weir/export.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

/// Reads a date in any of the three forms that a recipient must accept:
/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
///
/// A day of the week that is not the date's is accepted, a day or hour that does not exist is not. A leap second is
/// the second after it.
/// \param now  tells the century of two digits: a year more than 50 years ahead is the latest one past
/// \returns    nothing if `text` is no date
/// \see RFC 9110, section 5.6.7
[[nodiscard]] WEIR_API std::optional<std::chrono::sys_seconds> parse_date(std::string_view text,
                                                                          std::chrono::sys_seconds now) noexcept;

/// The one form that is sent: `Sun, 06 Nov 1994 08:49:37 GMT`.
/// \pre the year has at most four digits
[[nodiscard]] WEIR_API std::string format_date(std::chrono::sys_seconds time);

/// How long a server asks to wait: a number of seconds, or the time until a date, 0 if it is past.
///
/// Never more than 100 years, so that sums with it do not overflow; the caller has a limit of its own.
/// \returns  nothing if `value` is neither: fractions, signs and empty text are not
/// \see RFC 9110, section 10.2.3
[[nodiscard]] WEIR_API std::optional<std::chrono::seconds> parse_retry_after(std::string_view value,
                                                                             std::chrono::sys_seconds now) noexcept;

} // namespace weir::http
