#pragma once
// Sizes in bytes as people write them: `64K`, `1 MiB`, `4gb`. Every prefix is a power of 1024, with or without the i.

#include <weir/export.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

/// Units for sizes in code: `64_KiB`.
inline namespace literals {
consteval std::size_t operator""_KiB(unsigned long long count) { return static_cast<std::size_t>(count << 10); }
consteval std::size_t operator""_MiB(unsigned long long count) { return static_cast<std::size_t>(count << 20); }
consteval std::size_t operator""_GiB(unsigned long long count) { return static_cast<std::size_t>(count << 30); }
} // namespace literals

/// Reads a size: a whole number, then nothing or `B` for bytes, or K, M, G or T, each also with `B` or `iB` behind it.
/// Case does not matter; blanks may stand between number and unit.
///
/// \throws weir::error `errc::bad_format`: `text` is no size, or one above 2^64-1. The message names `text` and the
///   units.
[[nodiscard]] WEIR_API std::uint64_t parse_size(std::string_view text);

/// A size for reports, rounded to a tenth of its unit: `12 B`, `64 KiB`, `1.5 MiB`.
[[nodiscard]] WEIR_API std::string format_size(std::uint64_t bytes);

/// A size for files that are read again, in the largest unit that loses nothing: `64 KiB`, `1 MiB`, `1000 B`.
/// `parse_size` gives `bytes` back.
[[nodiscard]] WEIR_API std::string format_size_exactly(std::uint64_t bytes);

} // namespace weir
