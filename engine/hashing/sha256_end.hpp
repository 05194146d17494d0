#pragma once
// How a message of SHA-256 ends: the padding of its last blocks, and the digest of its last state.

#include "sha256_kernels.hpp"

#include <weir/digest.hpp>

#include <cstdint>

namespace weir::hashing {

/// Puts the padding behind the last `size` % 64 bytes of a message of `size` bytes, which are in `end`.
/// \param end  room for two blocks
/// \returns  how many blocks it is now
/// \see FIPS 180-4, section 5.1.1
[[nodiscard]] std::size_t sha256_pad(unsigned char* end, std::uint64_t size) noexcept;

/// \param state  eight words
[[nodiscard]] digest sha256_digest(const std::uint32_t* state) noexcept;

} // namespace weir::hashing
