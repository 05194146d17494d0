#pragma once
// SHA-256 of one message whose state can be kept, and taken up by another process.

#include "sha256_kernels.hpp"

#include <weir/digest.hpp>

#include <array>
#include <cstdint>
#include <span>

namespace weir::hashing {

/// What is known of a message after its first `size` bytes. \see FIPS 180-4, section 6.2
struct sha256_state {
    std::array<std::uint32_t, 8> words;
    std::uint64_t size = 0;
    std::array<std::byte, sha256_block> tail{}; ///< of the block begun: `size` % 64 bytes
};

/// At the speed of the best kernel for one message.
class resumable_sha256 {
public:
    resumable_sha256();
    explicit resumable_sha256(const sha256_state& state);

    void update(std::span<const std::byte> piece);
    /// Of everything so far; more may follow.
    [[nodiscard]] const sha256_state& state() const noexcept { return state_; }
    /// The digest of everything so far; more may follow.
    [[nodiscard]] digest value() const;

private:
    void compress(const unsigned char* blocks, std::size_t count);

    sha256_state state_;
    sha256_function* run_;
};

} // namespace weir::hashing
