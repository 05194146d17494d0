#pragma once
// Parts of a representation: which bytes are asked for, and which ones came.

#include <weir/export.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

/// The bytes from `first` to `last`, both among them.
struct byte_span {
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    [[nodiscard]] std::uint64_t size() const noexcept { return last - first + 1; }
    friend bool operator==(const byte_span&, const byte_span&) = default;
};

/// What `Content-Range` says: `bytes 0-499/1234`, `bytes 0-499/*`, or, with status 416, `bytes */1234`.
struct content_range {
    std::optional<byte_span> sent;                ///< what the body holds; nothing where the range was refused
    std::optional<std::uint64_t> complete_length; ///< of the whole; nothing where the server does not know it

    friend bool operator==(const content_range&, const content_range&) = default;
};

/// Reads the value of `Content-Range`.
/// \returns  nothing if it is not valid, of another unit than bytes, ends before it begins or beyond the whole, or
///   has a number above 2^63-1
/// \see RFC 9110, section 14.4
[[nodiscard]] WEIR_API std::optional<content_range> parse_content_range(std::string_view value) noexcept;

/// The value of `Content-Range`. \pre `value` says something: it has a span or a length
[[nodiscard]] WEIR_API std::string to_string(const content_range& value);

/// One range as a request asks for it. It always asks for a byte at least. \see RFC 9110, section 14.1.2
class WEIR_API byte_range {
public:
    /// `count` bytes from `first` on.
    /// \throws weir::error  `errc::invalid_size`: `count` is 0 (a range cannot say so), or the end is above 2^63-1
    [[nodiscard]] static byte_range part(std::uint64_t first, std::uint64_t count);
    /// Everything from `first` on. \throws weir::error  `errc::invalid_size`: above 2^63-1
    [[nodiscard]] static byte_range from(std::uint64_t first);
    /// The last `count` bytes. \throws weir::error  as `part`
    [[nodiscard]] static byte_range tail(std::uint64_t count);

    /// Reads the value of `Range`. Nothing if it is not valid, of another unit, or asks for several ranges.
    [[nodiscard]] static std::optional<byte_range> parse(std::string_view value) noexcept;

    /// The value of `Range`: `bytes=0-499`, `bytes=500-`, `bytes=-500`. \see RFC 9110, section 14.2
    [[nodiscard]] std::string to_string() const;

    /// Whether bytes with this `Content-Range` are an answer: they begin where the range begins, and do not go beyond
    /// its end. Fewer than were asked for are allowed; who counts them asks again. A range that begins from the end
    /// is answered only if the complete length is told.
    [[nodiscard]] bool is_answered_by(const content_range& answer) const noexcept;

    friend bool operator==(const byte_range&, const byte_range&) = default;

private:
    byte_range(std::optional<std::uint64_t> first, std::optional<std::uint64_t> last) : first_(first), last_(last) {}

    std::optional<std::uint64_t> first_; // nothing: the last `*last_` bytes
    std::optional<std::uint64_t> last_;
};

} // namespace weir::http
