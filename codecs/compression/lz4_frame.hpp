#pragma once
// Parts of lz4's frames that are read and written here. See lz4_Frame_format.md of lz4, version 1.6.3.

#include <xxhash.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

namespace weir::codecs {

constexpr std::uint32_t lz4_magic = 0x184d2204;
/// In the size of a block: its bytes are as they are.
constexpr std::uint32_t lz4_stored_block = 0x80000000;

/// What a frame has of its content, and blocks of their bytes: XXH32 with seed 0.
class lz4_checksum {
public:
    lz4_checksum() : state_(XXH32_createState())
    {
        if (!state_)
            throw std::bad_alloc();
        reset();
    }

    void reset() noexcept { XXH32_reset(state_.get(), 0); }
    void add(std::span<const std::byte> content) noexcept
    {
        XXH32_update(state_.get(), content.data(), content.size());
    }
    [[nodiscard]] std::uint32_t value() const noexcept { return XXH32_digest(state_.get()); }

    /// Of all of it.
    [[nodiscard]] static std::uint32_t of(std::span<const std::byte> content) noexcept
    {
        return XXH32(content.data(), content.size(), 0);
    }
    /// What a frame's header has of itself.
    [[nodiscard]] static std::byte of_header(std::span<const std::byte> header) noexcept
    {
        return static_cast<std::byte>(of(header) >> 8);
    }

private:
    struct release {
        void operator()(XXH32_state_t* state) const noexcept { XXH32_freeState(state); }
    };
    std::unique_ptr<XXH32_state_t, release> state_;
};

} // namespace weir::codecs
