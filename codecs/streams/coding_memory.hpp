#pragma once
// Two blocks for one side of a stream that is encoded or decoded; the other side has the flow's.

#include <weir/buffer_pool.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace weir::codecs {

/// Of the engine's pool where it has some free, else of a pool of their own: a stream that waited for them while it
/// holds others could wait for itself.
class coding_memory {
public:
    explicit coding_memory(engine& owner)
    {
        constexpr std::size_t own_block_bytes = std::size_t{64} << 10;
        if (std::optional<reservation> granted = reserve(owner.pool(), owner.block_bytes())) {
            blocks_ = std::move(*granted);
            return;
        }
        own_ = std::make_unique<buffer_pool>(pool_options{
            .tiers = {{own_block_bytes, count}}, .max_bytes = count * own_block_bytes, .max_mapped = 0});
        blocks_ = std::move(own_->try_reserve(count, own_block_bytes)).value();
    }

    [[nodiscard]] reservation& blocks() noexcept { return blocks_; }

private:
    static constexpr std::size_t count = 2;

    static std::optional<reservation> reserve(buffer_pool& pool, std::size_t block_bytes)
    {
        try {
            return pool.try_reserve(count, block_bytes);
        }
        catch (const error&) {
            return std::nullopt; // the pool is too small for them at any time
        }
    }

    std::unique_ptr<buffer_pool> own_;
    reservation blocks_;
};

} // namespace weir::codecs
