#pragma once
// Streams that can be taken apart without decoding them, for pieces to be decoded by whoever is free.
//
//   zstd  frames that say how large their content is
//   xz    blocks that say how large they are, before and after
//   lz4   blocks that refer to no other
//   gzip  members that say how large they are, as BGZF has it
//
// Where a stream is anything else, or wrong, a scanner gives up, by any failure: the decoder of whole streams judges it.

#include "compression/context.hpp"
#include "compression/context_pool.hpp"

#include <weir/codec_settings.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace weir::codecs {

/// A stream is not made of pieces, or is wrong.
[[noreturn]] void give_up();

/// What a stream says of the content up to a place, where it says so.
struct content_summary {
    std::optional<std::uint64_t> size;
    std::optional<std::uint32_t> checksum;
};

struct coded_piece {
    std::span<const std::byte> bytes;
    std::size_t room = 0;    ///< what its content takes at most
    std::uint64_t note = 0;  ///< what its decoder wants to know of the stream
    std::optional<content_summary> end; ///< it is the last of a frame
};

/// Decodes pieces, one at a time.
class piece_decoder {
public:
    virtual ~piece_decoder() = default;
    /// \param room  as large as the piece says
    /// \returns  what of it is content
    /// \throws failure, `std::bad_alloc`
    [[nodiscard]] virtual std::size_t decode(const coded_piece& piece, std::span<std::byte> room) = 0;
};

/// Output that a decoder of streams gets room for at a time, also where it has more. libzstd decodes frames in one pass
/// where there is room for all of them, and then accepts some that it refuses else.
constexpr std::size_t output_step_bytes = std::size_t{256} << 10;

/// Decodes whole streams of a known size.
class stream_decoder {
public:
    stream_decoder(codec which, const decoder_settings& settings, std::shared_ptr<context_pool> contexts);
    stream_decoder(const stream_decoder&) = delete;
    stream_decoder& operator=(const stream_decoder&) = delete;
    ~stream_decoder();

    /// Uses all of `input`, and fills all of `room`.
    /// \throws failure
    void decode(std::span<const std::byte> input, std::span<std::byte> room);

private:
    const codec which_;
    const decoder_settings settings_;
    const std::shared_ptr<context_pool> contexts_;
    std::unique_ptr<context> context_;
    bool is_whole_ = true; ///< else it may be in any state
};

/// One stream.
class piece_scanner {
public:
    piece_scanner() = default;
    piece_scanner(const piece_scanner&) = delete;
    piece_scanner& operator=(const piece_scanner&) = delete;
    virtual ~piece_scanner() = default;

    /// The next piece; none at the end of the stream, which is as it should be. By one thread at a time.
    /// \throws failure
    [[nodiscard]] virtual std::optional<coded_piece> next() = 0;
    /// From any thread.
    [[nodiscard]] virtual std::unique_ptr<piece_decoder> make_decoder() const = 0;
    /// The content of each piece, in order, before it is given. By one thread at a time, beside `next`.
    /// \throws failure
    virtual void check(const coded_piece& /*piece*/, std::span<const std::byte> /*content*/) {}
};

/// What a scanner and its decoders go by.
struct scan {
    decoder_settings settings;
    std::size_t max_piece_bytes = 0;
    std::shared_ptr<context_pool> contexts;
};

/// Pieces are put together up to this, so that each is worth a thread's turn.
constexpr std::size_t usual_piece_content = std::size_t{1} << 20;

/// Null for a codec whose streams are never made of pieces, or if it is not built in.
[[nodiscard]] std::unique_ptr<piece_scanner> make_scanner(codec which, std::span<const std::byte> stream, const scan& how);

// Of each format.
[[nodiscard]] std::unique_ptr<piece_scanner> make_zstd_scanner(std::span<const std::byte> stream, const scan& how);
[[nodiscard]] std::unique_ptr<piece_scanner> make_xz_scanner(std::span<const std::byte> stream, const scan& how);
[[nodiscard]] std::unique_ptr<piece_scanner> make_lz4_scanner(std::span<const std::byte> stream, const scan& how);
[[nodiscard]] std::unique_ptr<piece_scanner> make_bgzf_scanner(std::span<const std::byte> stream, const scan& how);

/// Takes so many bytes off the front.
/// \throws failure  there are fewer
[[nodiscard]] std::span<const std::byte> take_bytes(std::span<const std::byte>& from, std::size_t count);

} // namespace weir::codecs
