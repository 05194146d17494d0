#pragma once
// One block of an .xz stream: header, data, padding, check. See xz-file-format.txt of xz, version 1.1.0, section 3.

#include "compression/lzma.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::codecs {

[[nodiscard]] inline const std::uint8_t* octets(std::span<const std::byte> bytes) noexcept
{
    return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

/// As `check_decoding`, for parts of a stream that has begun: a broken one is no other kind of data.
void check_xz_part(lzma_ret result);

/// What a block's header says of it.
class xz_block_header {
public:
    /// \param header  all of it
    /// \throws failure; `std::bad_alloc`
    xz_block_header(std::span<const std::byte> header, lzma_check check, library_memory& memory,
                    const lzma_allocator& allocator);
    xz_block_header(const xz_block_header&) = delete;
    xz_block_header& operator=(const xz_block_header&) = delete;
    ~xz_block_header();

    /// Refers to this.
    [[nodiscard]] const lzma_block& block() const noexcept { return block_; }

private:
    library_memory& memory_;
    std::array<lzma_filter, LZMA_FILTERS_MAX + 1> filters_;
    lzma_block block_{};
};

/// Decodes blocks, one after the other.
class xz_block_decoder {
public:
    explicit xz_block_decoder(library_memory& memory) noexcept : memory_(memory), coder_(memory) {}

    [[nodiscard]] const lzma_allocator& allocator() const noexcept { return coder_.allocator(); }

    /// Of the settings, the limit of memory and the checking of checksums count.
    /// \param header  all of it
    /// \throws failure; `std::bad_alloc`
    void begin(std::span<const std::byte> header, lzma_check check, std::uint64_t max_memory, bool verify);

    /// Takes what it can and gives what it can; cuts off from both what it used.
    /// \returns  whether the block is at its end
    /// \throws failure; `std::bad_alloc`
    bool run(std::span<const std::byte>& input, std::span<std::byte>& output);

    /// As it was, once it is at its end.
    [[nodiscard]] const lzma_block& block() const noexcept { return block_; }

private:
    [[nodiscard]] bool check_was_read() noexcept;

    library_memory& memory_;
    lzma_coder coder_;
    lzma_block block_{};
};

} // namespace weir::codecs
