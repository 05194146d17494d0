#pragma once
// One worker's part of a batch: chunk after chunk through one encoder, into blocks that it alone fills.

#include "compression/context_pool.hpp"

#include <weir/buffer.hpp>
#include <weir/chunk_compressor.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace weir::codecs {

/// What became of a chunk.
enum class packing_outcome : std::uint8_t { compressed, below_threshold, by_sample, by_trial };

/// A chunk of a batch.
struct packing_task {
    packed_chunk* record; ///< its content is that of the chunk, until it is compressed
    packing_outcome* outcome;
};

class packing;

/// \par Thread-safety
/// One call at a time, on any thread.
class packing_lane {
public:
    /// Works for about 2 ms, or until nothing is left in the batch.
    /// \returns  whether there is more to do
    bool work(packing& batch);

    /// Gives up the chunk that it is at, and its encoder: `failed`, not to be used again.
    void leave(packing& batch, bool failed) noexcept;

private:
    void begin(packing& batch, packing_task task);
    void step(packing& batch);
    std::size_t encode_some(packing& batch, std::span<std::byte> room);
    void keep(codec which);
    void give_up() noexcept;

    std::unique_ptr<context> encoder_;
    packing_task task_{};         ///< no record: none
    std::size_t most_bytes_ = 0;  ///< that it may have when it is compressed
    std::size_t slice_ = 0;       ///< of its content, that is encoded next
    std::size_t taken_ = 0;       ///< of that slice
    std::size_t written_ = 0;
    bool ended_ = false;          ///< its stream is whole
    /// The last is being filled; those before it are full, and of the chunk under way. Between chunks at most one.
    std::vector<buffer> blocks_;
    std::size_t start_ = 0;       ///< of the chunk, in the first block
};

} // namespace weir::codecs
