#pragma once
// Structured field values, as far as digests need them: dictionaries, of which only byte sequences are kept.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

/// A member of a dictionary.
struct dictionary_member {
    std::string_view key;
    std::optional<std::vector<std::byte>> bytes; ///< nothing if the value is of another type
};

/// Reads a dictionary whole, values of every type included: one that is not valid anywhere is not there at all.
/// A key that comes again replaces its earlier value. The keys are views into `text`.
/// \see RFC 9651, section 4.2.2
[[nodiscard]] std::optional<std::vector<dictionary_member>> parse_dictionary(std::string_view text);

/// Decodes base64. The padding may be missing; bits behind the last byte are ignored.
/// \returns  nothing if there is anything else in `text` than the alphabet and its padding
/// \see RFC 4648, section 4; RFC 9651, section 4.2.7
[[nodiscard]] std::optional<std::vector<std::byte>> decode_base64(std::string_view text);

/// Encodes base64, with its padding. \see RFC 4648, section 4
[[nodiscard]] std::string encode_base64(std::span<const std::byte> bytes);

} // namespace weir::http
