#pragma once
// One message as SHA-256 wants it: whole blocks of 64 bytes, padded at the end (FIPS 180-4, section 5.1.1).

#include "sha256_kernels.hpp"

#include <weir/slice.hpp>

#include <cstdint>
#include <span>

namespace weir::hashing {

/// Gives runs of blocks where they lie in the message's slices. Only a block that straddles slices, and the padded
/// end, are put together in a small buffer.
class block_reader {
public:
    struct run {
        const unsigned char* data = nullptr;
        std::size_t blocks = 0;
    };

    /// \param size  what the slices have in all
    void open(std::span<const slice> content, std::uint64_t size) noexcept;

    /// The next blocks; none at the end. They are valid until the next call.
    run next() noexcept;

    /// How many blocks a message of `size` bytes has in all, with its padding.
    static std::uint64_t blocks_of(std::uint64_t size) noexcept { return (size + 8) / sha256_block + 1; }

private:
    /// Copies the next `count` bytes, which there are, to `buffer_`.
    void gather(std::size_t count) noexcept;
    void next_piece() noexcept;
    run pad() noexcept;

    std::span<const slice> content_;   // not yet begun
    std::span<const std::byte> piece_; // what is left of the slice begun
    std::uint64_t size_ = 0;
    std::uint64_t rest_ = 0; // bytes of the message not given out yet
    bool padded_ = true;
    alignas(64) unsigned char buffer_[2 * sha256_block];
};

} // namespace weir::hashing
