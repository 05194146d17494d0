#pragma once
// One block of a tar archive: where its fields are, and what numbers and texts they hold.
//
// \see POSIX.1-2017, pax, "ustar Interchange Format"; the GNU tar manual, "Basic Tar Format"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace weir::codecs::tar {

inline constexpr std::size_t block_bytes = 512;

/// A part of a block.
struct field {
    std::size_t offset = 0;
    std::size_t size = 0;
};

inline constexpr field name_field{0, 100};
inline constexpr field mode_field{100, 8};
inline constexpr field size_field{124, 12};
inline constexpr field modified_field{136, 12};
inline constexpr field checksum_field{148, 8};
inline constexpr std::size_t type_offset = 156;
inline constexpr field link_field{157, 100};
inline constexpr field prefix_field{345, 155}; ///< of ustar only: the name goes on in front

using block = std::span<const std::byte, block_bytes>;

enum class dialect : std::uint8_t { v7, ustar, gnu };

[[nodiscard]] dialect dialect_of(block header) noexcept;

/// Up to its first NUL.
[[nodiscard]] std::string_view text(block from, field which) noexcept;

/// A number in octal digits, or, as GNU tar writes large and negative ones, of base 256.
/// \returns  0 of an empty field; nothing of one that holds no number, or one beyond 64 bits
[[nodiscard]] std::optional<std::int64_t> number(block from, field which) noexcept;

/// Whether the sum of its bytes is what the header says, taken as unsigned or, as some old programs did, as signed
/// ones.
[[nodiscard]] bool checksum_fits(block header) noexcept;

[[nodiscard]] bool is_zero(std::span<const std::byte> bytes) noexcept;

} // namespace weir::codecs::tar
