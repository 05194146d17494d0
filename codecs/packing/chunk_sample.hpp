#pragma once
// Whether it is worth a try to compress: a guess from a few hundred bytes.

#include <weir/bytes.hpp>

namespace weir::codecs {

/// Whether the bytes of a sample are as evenly spread as random ones, and nothing in it comes again.
///
/// Data that is compressed or encrypted already looks like that. Bytes that are no more likely than others, in an order
/// that repeats from far away, do too: what can be saved there is not found.
/// \par Cost
/// Reads a 128th of the content, 512 bytes to 4 KiB, in pieces from all over it: 1 to 2 ns a byte of that.
[[nodiscard]] bool looks_random(const bytes& content) noexcept;

} // namespace weir::codecs
