#pragma once
// What may follow a content instead of standing in front of it (section 4.3.9), in any of its four forms.

#include "archives/zip_tally.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::codecs::zip {

inline constexpr std::size_t most_descriptor_bytes = 24;

/// Whether the data of a method says where it ends.
[[nodiscard]] bool tells_its_end(std::uint16_t method, std::uint16_t flags) noexcept;

struct descriptor_match {
    bool fits = false;
    std::size_t size = 0; ///< of the form whose sizes fit; 0 where none does
};

/// Looks for the form that has these numbers and is followed by another record: nothing else tells them apart.
/// \param next  what follows the content, `most_descriptor_bytes` and a signature at most
[[nodiscard]] descriptor_match match_descriptor(std::span<const std::byte> next, const entry_numbers& content) noexcept;

} // namespace weir::codecs::zip
