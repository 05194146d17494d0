#pragma once
// Where bytes come from: the interface of every source, and what sources share to fill blocks.

#include <weir/buffer_pool.hpp>
#include <weir/bytes.hpp>
#include <weir/export.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace weir {

/// A stream of bytes in order, read into blocks that its flow holds. Users implement it too.
///
/// \par Thread-safety
/// One call at a time. A flow calls from a strand of its worker pool: a source whose reading is plain work (a cached
/// file) does it there, where the data will be cut; one whose stream belongs to another executor hops by itself.
class WEIR_API source {
public:
    source() = default;
    source(const source&) = delete;
    source& operator=(const source&) = delete;
    virtual ~source();

    /// Gives the next bytes.
    ///
    /// \param memory     where blocks come from: `memory.async_take(...)` waits for one of the flow's, `try_take`
    ///                   never waits. A block is filled to its end before another is taken (see `block_filler`);
    ///                   a source that breaks this has its slices copied together by the flow.
    /// \param max_bytes  the most it may give, at least 1
    /// \returns  1 to `max_bytes` bytes; empty at the end, and at every call after it.
    /// \throws weir::error  with `name()` and the offset in bytes. No later call succeeds.
    /// \par Cancellation
    /// terminal, partial, total; nothing that was read may be lost unless the source says so.
    [[nodiscard]] virtual boost::asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) = 0;

    /// How many bytes the whole stream has, where that is known; the stream may end elsewhere all the same.
    [[nodiscard]] virtual std::optional<std::uint64_t> size() const noexcept;

    /// Blocks that it likes to have with the operating system, or a peer, at a time, besides the one that it fills. It
    /// gets fewer where the engine's memory is short, and must do with none.
    [[nodiscard]] virtual std::size_t read_ahead_blocks() const noexcept;

    /// Path, URL or another name for messages; empty where there is none.
    [[nodiscard]] virtual std::string_view name() const noexcept;

    /// Gives back what the source holds; waits for reads that are under way. May be awaited twice.
    /// \throws weir::error  what only the end can show, such as `errc::mapping_broken` of a file that was mapped
    /// \par Cancellation
    /// terminal, partial, total: only the waiting ends. A flow awaits it with cancellation disabled.
    [[nodiscard]] virtual boost::asio::awaitable<void> close();
};

/// Keeps the partly filled block of a source between its reads, so that 1-byte reads fill blocks too.
///
/// \par Thread-safety
/// One call at a time.
class WEIR_API block_filler {
public:
    /// The unfilled rest of the current block, never empty; takes a new block first where that one is full.
    /// \par Cancellation
    /// terminal, partial, total: nothing changes.
    [[nodiscard]] boost::asio::awaitable<std::span<std::byte>> spare(reservation& memory);

    /// As `spare`, but empty instead of waiting.
    [[nodiscard]] std::span<std::byte> try_spare(reservation& memory);

    /// Says that the first `count` bytes of the last span were filled, and gives them. \pre `count` > 0
    [[nodiscard]] slice commit(std::size_t count);

    /// Gives the block back, filled or not.
    void reset() noexcept;

private:
    buffer current_;
};

} // namespace weir
