#pragma once
// A source as a stream of chunks with digests: the flow, pulled by its consumer.
//
//   source -> [cut, in order, on a strand of the workers] -> units of chunks -> [digest, units in parallel] -> next()
//
// The cut runs ahead of the digests until memory or the count of units stops it; units come out in the order of
// the stream. A unit is as many chunks as the hash's lanes can use, fewer where the source is slow: a stream that
// has to wait for its source digests at once what it has.

#include <weir/chunk.hpp>
#include <weir/chunk_sizes.hpp>
#include <weir/chunker.hpp>
#include <weir/engine.hpp>
#include <weir/export.hpp>
#include <weir/source.hpp>
#include <weir/statistics.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

namespace weir {

namespace detail {
class unit;
}

struct stream_options {
    chunker_options chunker = {};
    /// Where set, the average is looked up by the size of the source, and `chunker.average` does not count.
    std::optional<chunk_size_table> sizes = {};
    hash_algorithm hash = hash_algorithm::sha256;
};

// gcc 12 destroys other aggregates twice that are made in a call which is awaited.
static_assert(std::is_trivially_destructible_v<stream_options>);

/// What a stream of `size` bytes is cut with, all defaults filled in. `table`, where given, says the average; minimum
/// and maximum stay what `chunker` says, or follow from that average where it leaves them at 0.
/// \throws weir::error  as `resolve`
[[nodiscard]] WEIR_API chunker_options chunker_for(const chunker_options& chunker,
                                                   const std::optional<chunk_size_table>& table,
                                                   std::optional<std::uint64_t> size);

/// The bytes that a pool must be able to give for one stream: the largest chunk, so many blocks of read-ahead, and three
/// more. A stream insists on none of read-ahead: it takes what its source likes to have as far as memory allows.
/// \throws weir::error  as `resolve`
[[nodiscard]] WEIR_API std::size_t required_memory_bytes(const chunker_options& chunker, std::size_t read_ahead_blocks,
                                                         std::size_t block_bytes);

/// The chunks of one source, in order, each with its digest.
///
/// \par Thread-safety
/// One call at a time; the last three may be called while another is awaited, on the strand of its caller.
/// \par Ownership
/// The engine outlives the stream, but for one that alone has its workers: the stream is then closed at the engine's end.
class WEIR_API chunk_stream {
public:
    /// Nothing starts before the first `next`. Registered with the engine, by the name of the source, until its end.
    /// \throws weir::error  `errc::bad_chunk_sizes`
    ///                      `errc::closed`: the engine was shut down
    ///                      `errc::pool_too_small`: the engine's pool cannot hold `required_memory_bytes` without
    ///                      read-ahead
    chunk_stream(engine& owner, std::unique_ptr<source> input, const stream_options& options = {});
    chunk_stream(chunk_stream&&) noexcept;
    chunk_stream& operator=(chunk_stream&&) noexcept;

    /// Cancels what runs, and does not wait for it; use `close` to know that all blocks and descriptors are back.
    ~chunk_stream();

    /// The next chunk; nothing at the end, and at every call after it.
    ///
    /// \throws weir::error  of the source, with path and offset, after all chunks before it were given.
    ///                      Every later call throws it again. `errc::closed`: the engine ended or was shut down.
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost; the next call gives what this one would have.
    /// \par Executor
    /// Resumes on the caller's. Does not suspend while chunks are ready.
    [[nodiscard]] boost::asio::awaitable<std::optional<chunk>> next();

    /// The chunks that are ready, at least one; empty at the end. Valid until the next call of this object: what is
    /// to live longer is moved out. Errors and cancellation as `next`.
    /// \par Cost
    /// No allocation in the steady state, but where a chunk's content is moved out.
    [[nodiscard]] boost::asio::awaitable<std::span<chunk>> next_batch();

    /// Stops the stream and waits until its blocks are back and its source is closed. May be awaited twice. `next` throws
    /// `errc::closed` from then on.
    /// \par Cancellation
    /// terminal, partial, total: the stream goes on closing.
    [[nodiscard]] boost::asio::awaitable<void> close();

    /// The chunk sizes in effect, looked up by the size of the source where a table was given.
    [[nodiscard]] const chunker_options& chunker() const noexcept;
    /// "cut=NAME digest=NAME": the kernels that run.
    [[nodiscard]] std::string kernels() const;
    /// What it has done so far. Unique chunks are not counted here.
    [[nodiscard]] flow_statistics statistics() const noexcept;

private:
    class pipeline;
    boost::asio::awaitable<std::span<chunk>> fill(); ///< what is left of the current unit, or the next one

    std::shared_ptr<pipeline> pipeline_;
    detail::unit* current_ = nullptr; ///< lent by the pipeline, which owns it
    std::size_t given_ = 0;           ///< chunks of it that the consumer has had
};

} // namespace weir
