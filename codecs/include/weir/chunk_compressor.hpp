#pragma once
// Compression in the flow: the chunks that are to be stored, each compressed where that pays.
//
//   chunks -> [threshold] -> [a sample: is it worth a try?] -> [encode, up to the least saving] -> packed chunks
//                  |                      |                                   |
//                  +----------------------+------------ else ----------------+---> as they are, the same slices

#include <weir/chunk.hpp>
#include <weir/codec_pool.hpp>
#include <weir/codec_settings.hpp>
#include <weir/engine.hpp>
#include <weir/export.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace weir {

namespace codecs {
class packing;
}

struct chunk_compression_options {
    weir::codec codec = weir::codec::zstd; ///< `identity`: all chunks stay as they are
    encoder_settings settings = {};        ///< without `threads`: the engine's workers do the work
    codec_pool* contexts = nullptr;        ///< null: `codec_pool::common()`
    std::size_t threshold_bytes = std::size_t{4} << 10; ///< smaller chunks stay as they are
    /// Part of its size, 0 to below 1, by which a chunk must shrink at least, else it stays as it is; in any case by a
    /// byte.
    double least_saving = 1.0 / 16;
    /// Content that one call packs at most, and so the largest chunk. The default is that of `chunker_options`.
    std::size_t batch_bytes = std::size_t{4} << 20;
};

/// The blocks of `owner` that such a compressor has to itself: two for each worker, one that an earlier call has begun
/// and one that this call does not fill, and as many as hold `batch_bytes`. None for `identity`.
[[nodiscard]] WEIR_API std::size_t compression_blocks(const engine& owner, const chunk_compression_options& options);

/// A chunk as it is stored.
/// \par Ownership
/// As `chunk`: `content` pins blocks, of the stream where the chunk is as it was, else of the compressor.
struct packed_chunk {
    weir::digest digest;                         ///< that of the chunk
    std::uint64_t offset = 0;                    ///< that of the chunk
    std::size_t size = 0;                        ///< of the chunk, in bytes
    weir::codec codec = weir::codec::identity;   ///< `identity`: it is as it was
    bytes content;                               ///< the chunk's own slices, or a stream of `codec`
};

/// What one call has packed. At its end the chunks go, but for content that was moved out, and with them the blocks.
///
/// May outlive compressor and engine.
/// \par Thread-safety
/// Distinct objects: any threads.
class WEIR_API packed_batch {
public:
    packed_batch() noexcept = default;
    packed_batch(packed_batch&& other) noexcept;
    packed_batch& operator=(packed_batch&& other) noexcept;
    ~packed_batch();

    [[nodiscard]] std::span<packed_chunk> chunks() noexcept { return {records_.data(), count_}; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; } ///< how many chunks
    [[nodiscard]] packed_chunk* begin() noexcept { return records_.data(); }
    [[nodiscard]] packed_chunk* end() noexcept { return records_.data() + count_; }

private:
    friend class codecs::packing;
    void give_back() noexcept;

    std::shared_ptr<codecs::packing> origin_; ///< takes the records back, with what they have allocated
    std::vector<packed_chunk> records_;       ///< the first `count_` are in use
    std::size_t count_ = 0;
};

/// Chunks, and the bytes of their content.
struct chunk_tally {
    std::uint64_t chunks = 0;
    std::uint64_t bytes = 0;
};

/// What a compressor has given so far.
struct chunk_compression_statistics {
    chunk_tally in;              ///< all; the sum of the next four
    chunk_tally compressed;      ///< `bytes` are those before
    chunk_tally below_threshold; ///< kept as they were: too small
    chunk_tally by_sample;       ///< kept as they were: a sample looked random
    chunk_tally by_trial;        ///< kept as they were: encoded, they were not small enough
    std::uint64_t bytes_out = 0; ///< of the packed chunks
};

/// Compresses chunks by an engine's workers, in parallel and in order: for stores, and sinks of one's own.
///
/// \code
/// weir::chunk_compressor compressor(engine, {.settings = {.level = 6}});
/// for (std::span<weir::chunk> rest = batch; !rest.empty();) {
///     weir::packed_batch packed = co_await compressor.pack(rest);
///     for (weir::packed_chunk& each : packed) ...
///     rest = rest.subspan(packed.size());
/// }
/// \endcode
/// What it gives does not depend on the number of workers, nor on how content is cut into slices, but where a library's
/// own output does.
///
/// Its memory is a reservation of `compression_blocks`, made once, and the contexts of as many encoders as workers are
/// busy. No call waits for memory once it has begun to encode: before that it takes only as many chunks as are sure to
/// fit, and waits only where not even the first does. What it waits for are its own earlier batches: who keeps them,
/// or content moved out of them, and waits for `pack` waits for ever; keep `content.copy_out()` instead.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one call at a time, but for `statistics`.
/// \par Ownership
/// The engine outlives every call of `prepare` and `pack`; the compressor may outlive the engine. It may itself end in
/// the middle of a call, on the executor of that: the call then fails with `errc::closed`.
class WEIR_API chunk_compressor {
public:
    /// Takes its memory if that is free; else see `prepare`.
    /// \throws weir::error
    ///   `errc::codec_unavailable`
    ///   `errc::bad_configuration` names the setting
    ///   `errc::pool_too_small`: the engine's pool cannot hold `compression_blocks`; says what it has
    ///   `errc::closed`: the engine was shut down
    explicit chunk_compressor(engine& owner, const chunk_compression_options& options = {});
    chunk_compressor(chunk_compressor&&) noexcept;
    /// As the end of the one that is assigned to.
    chunk_compressor& operator=(chunk_compressor&&) noexcept;
    /// Gives back its memory but for what packed chunks pin, at once where no call is under way.
    ~chunk_compressor();

    /// Waits for its memory, first come, first served, where it was not free at once. Before the first chunk of a
    /// stream is taken: two callers that waited with chunks in their hands could wait for each other.
    /// \throws weir::error  `errc::closed`: the pool was closed, or the compressor has ended.
    /// \par Cancellation
    /// terminal, partial, total: it can be called again.
    [[nodiscard]] boost::asio::awaitable<void> prepare();

    /// Packs as many of the first of `chunks` as fit into its memory, at least one; in their order.
    ///
    /// \param chunks  valid until the awaitable completes, and left as they are
    /// \returns  so many, one for each; none only where there are none
    /// \throws weir::error
    ///   `errc::invalid_size`: the first is larger than `batch_bytes`.
    ///   `errc::exhausted`: its memory was not free when it was made, is not now, and nobody awaited `prepare`.
    ///   `errc::closed`: the compressor has ended.
    ///   `errc::internal`: the library failed, which no input causes. `std::bad_alloc`.
    /// \par Cancellation
    /// terminal, partial, total: waits for the workers to leave off; then all of its blocks are back. They do after one
    /// step of the library: about a millisecond, but with zstd 128 KiB, tens of milliseconds at its highest levels.
    /// Nothing counts as packed; the same chunks can be given again.
    /// \par Executor
    /// Resumes on the caller's, which does none of the work. Does not suspend where no chunk reaches the threshold.
    /// \par Cost
    /// Two hops between threads. Allocates by the call and not by the chunk, once the first calls have been made.
    [[nodiscard]] boost::asio::awaitable<packed_batch> pack(std::span<const chunk> chunks);

    /// Of the calls that have ended well. From any thread.
    [[nodiscard]] chunk_compression_statistics statistics() const;

private:
    std::shared_ptr<codecs::packing> core_; // shared with the workers' turns
};

/// Undoes one: decodes the content, or copies what is as it was. Work for a worker where it is much.
///
/// \param output  of `packed.size` bytes (asserted); filled to its end
/// \throws weir::error  `errc::mismatch`: the content has another size than `packed.size`, more or less; and as
///                      `decoder`, whose `errc::bad_format` is what a wrong `packed.codec` mostly gives.
WEIR_API void unpack(const packed_chunk& packed, std::span<std::byte> output, const decoder_settings& settings = {},
                     codec_pool& contexts = codec_pool::common());

} // namespace weir
