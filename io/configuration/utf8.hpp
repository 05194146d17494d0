#pragma once
// Characters as UTF-8 spells them.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::detail {

/// The length in bytes of the character that `text` begins with; 0 if that is not UTF-8. \pre `text` is not empty
/// \see RFC 3629, section 4
[[nodiscard]] std::size_t character_length(std::string_view text) noexcept;

/// \pre `character` is a Unicode scalar value
void append_utf8(std::string& out, std::uint32_t character);

} // namespace weir::detail
