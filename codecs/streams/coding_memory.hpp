#pragma once
// Blocks for one side of a stream that is encoded or decoded, two in general; the other side has the flow's.

#include <weir/buffer_pool.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace weir::codecs {

/// Blocks that are nobody else's.
struct own_blocks {
    std::size_t count = 0;
    std::size_t bytes = 0; ///< of each
};

/// Of the engine's pool where that has such blocks free, else of a pool of their own: a stream that waited for them
/// while it holds others could wait for itself.
class coding_memory {
public:
    /// Two blocks of `block_bytes`; 0: as the engine has them.
    coding_memory(engine& owner, std::size_t block_bytes)
    {
        std::optional<reservation> granted;
        if (block_bytes == 0 || block_bytes == owner.block_bytes())
            granted = reserve(owner.pool(), owner.block_bytes());
        blocks_ = granted ? std::move(*granted) : reserve_own({count, block_bytes == 0 ? usual_bytes : block_bytes});
    }
    /// Of a pool of their own in any case.
    explicit coding_memory(own_blocks wanted) : blocks_(reserve_own(wanted)) {}

    [[nodiscard]] reservation& blocks() noexcept { return blocks_; }

private:
    static constexpr std::size_t count = 2;
    static constexpr std::size_t usual_bytes = std::size_t{64} << 10;

    static std::optional<reservation> reserve(buffer_pool& pool, std::size_t block_bytes)
    {
        try {
            return pool.try_reserve(count, block_bytes);
        }
        catch (const error&) {
            return std::nullopt; // the pool is too small for them at any time
        }
    }

    reservation reserve_own(own_blocks wanted)
    {
        constexpr std::size_t page = std::size_t{64} << 10; // the largest there is: the pool counts in whole ones
        own_ = std::make_unique<buffer_pool>(pool_options{.tiers = {{wanted.bytes, wanted.count}},
                                                          .max_bytes = wanted.count * (wanted.bytes + page),
                                                          .max_mapped = 0});
        return std::move(own_->try_reserve(wanted.count, wanted.bytes)).value();
    }

    std::unique_ptr<buffer_pool> own_;
    reservation blocks_;
};

} // namespace weir::codecs
