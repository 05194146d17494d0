#pragma once
// Bytes in, a compressed stream out, piece by piece.

#include <weir/codec_pool.hpp>
#include <weir/codec_settings.hpp>
#include <weir/detail/context_lease.hpp>
#include <weir/export.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir {

/// Encodes one stream after the other: push a span, pull until there is nothing, push the next, finish, pull the rest.
///
/// \code
/// weir::encoder out(weir::codec::zstd, {.level = 6});
/// out.push(piece);
/// while (const std::size_t count = out.pull(room)) ...
/// out.finish();
/// while (const std::size_t count = out.pull(room)) ...
/// \endcode
/// Where a stream is pushed in one piece and finished before the first pull, its size is in its header (zstd), and
/// nothing is copied that the library need not copy.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one call at a time.
/// \par Cost
/// No allocation after the context's first stream. What one `pull` does is bounded by its output and the input that was
/// pushed: push at most some hundred KiB where the thread has other work.
class WEIR_API encoder {
public:
    /// Takes a context of `contexts`, or makes one.
    /// \throws weir::error  `errc::codec_unavailable`; `errc::bad_configuration` names the setting
    explicit encoder(codec which, const encoder_settings& settings = {},
                     codec_pool& contexts = codec_pool::common());
    encoder(encoder&& other) noexcept;
    encoder& operator=(encoder&& other) noexcept;
    /// Gives the context back.
    ~encoder();

    /// Refers to `input`, which must stay until it is used up: `needs_input()` says so. \pre the last is; not finished
    void push(std::span<const std::byte> input) noexcept { lease_.push(input); }

    /// Nothing more is pushed.
    void finish() noexcept { lease_.finish(); }

    /// Writes the next bytes of the compressed stream. \pre `output` is not empty
    ///
    /// \returns  how many; 0 when it needs input, or the stream is whole
    /// \throws weir::error  `errc::internal`: the library failed, which no input causes. `std::bad_alloc`. The same
    ///                      again at every later call, until `restart`.
    [[nodiscard]] std::size_t pull(std::span<std::byte> output);

    /// Whether all that was pushed was taken: the span may go.
    [[nodiscard]] bool needs_input() const noexcept { return lease_.place().input.empty() && !lease_.place().finished; }
    /// Whether the stream is whole.
    [[nodiscard]] bool ended() const noexcept { return lease_.place().ended; }
    [[nodiscard]] std::uint64_t consumed() const noexcept { return lease_.place().consumed; } ///< bytes of input
    [[nodiscard]] std::uint64_t produced() const noexcept { return lease_.place().produced; } ///< bytes of output

    /// Begins another stream; forgets the rest of this one.
    void restart();

    [[nodiscard]] codec which() const noexcept { return lease_.which(); }

private:
    std::size_t encode(std::span<std::byte> output);

    codecs::context_lease<encoder_settings> lease_;
};

} // namespace weir
