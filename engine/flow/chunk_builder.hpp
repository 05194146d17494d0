#pragma once
// Makes chunks of what a source gives: cuts it, and gathers what lies scattered over too many blocks.

#include "unit.hpp"

#include <weir/bytes.hpp>
#include <weir/chunker.hpp>
#include <weir/reservation.hpp>
#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weir::detail {

/// The chunk in progress of one stream, and where it stands. One user at a time.
class chunk_builder {
public:
    chunk_builder(const chunker_options& sizes, std::size_t block_bytes) : block_bytes_(block_bytes), chunker_(sizes) {}

    /// Adds what follows; the chunks that end in it go to `out`.
    void add(const bytes& piece, unit& out);
    /// The last chunk, at the end of the stream.
    void finish(unit& out);
    /// Forgets the chunk in progress.
    void drop() noexcept;

    /// Whether the chunk in progress pins more blocks than the memory of a stream allows for.
    [[nodiscard]] bool scattered() const noexcept;
    /// Makes sure of a block to gather in. \returns  what it has room for
    [[nodiscard]] boost::asio::awaitable<std::span<std::byte>> spare(reservation& memory) { return gather_.spare(memory); }
    /// Copies together what is scattered, each byte once, as far as there is a block to copy to.
    void gather(reservation& memory);

    [[nodiscard]] const weir::chunker& chunker() const noexcept { return chunker_; }
    [[nodiscard]] std::uint64_t position() const noexcept { return position_; } ///< bytes that were added
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }       ///< chunks that have ended

private:
    void emit(std::uint64_t end, unit& out);

    std::size_t block_bytes_;
    weir::chunker chunker_;
    std::vector<std::uint64_t> ends_;
    bytes partial_; ///< of the chunk in progress
    std::uint64_t chunk_start_ = 0;
    std::uint64_t position_ = 0;
    std::uint64_t count_ = 0;
    std::size_t gathered_ = 0; ///< the first bytes of `partial_` that lie densely in their blocks
    block_filler gather_;      ///< holds the block that gathering is sure of
};

} // namespace weir::detail
