#pragma once
// Streams that are made of pieces, each encoded apart from the others, by whoever is free.
//
//   gzip, zlib, deflate  one stream; a piece ends at a byte, by an empty stored block, and may refer to what comes
//                        before it
//   xz                   one stream; a piece is a block, with its sizes in front
//   lz4                  one frame; a piece is a block that refers to no other
//   zstd                 a piece is a frame, with the size of its content in front
//
// What a stream looks like depends on the size of its pieces, and on nothing else.

#include "compression/context.hpp"
#include "compression/context_pool.hpp"

#include <weir/codec_settings.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace weir::codecs {

struct piece {
    std::span<const std::byte> history; ///< what comes right before it, as much as its format wants and there is
    std::span<const std::byte> content;
    bool is_first = false;
    bool is_last = false; ///< may have no content then
};

struct encoded_piece {
    std::span<const std::byte> bytes;
    std::uint64_t note = 0; ///< what its format wants to know when it is joined: a checksum, a size
};

/// Encodes pieces, one at a time.
class piece_encoder {
public:
    enum class work_on { parts, whole };

    /// \param how  whether `run` gets all of a piece at once, since its library can do no less
    explicit piece_encoder(work_on how = work_on::parts) noexcept : how_(how) {}
    piece_encoder(const piece_encoder&) = delete;
    piece_encoder& operator=(const piece_encoder&) = delete;
    virtual ~piece_encoder();

    /// What both arguments refer to stays until the piece is encoded.
    /// \param room  at least `piece_format::room_bytes`
    /// \throws failure
    void start(const piece& next, std::span<std::byte> room);

    /// Encodes the next `most` bytes of it or all that is left, or all of it where the library can do no less.
    /// \returns  whether the piece is done
    /// \throws failure
    bool work(std::size_t most);

    /// Of the piece that is done.
    [[nodiscard]] encoded_piece result() const noexcept { return {whole_.first(whole_.size() - room_.size()), note_}; }

protected:
    virtual void begin(const piece& /*next*/, std::span<std::byte>& /*room*/) {}
    /// Cuts off what it used. All of `input` is used, since there is room enough.
    virtual void run(std::span<const std::byte>& input, std::span<std::byte>& room, bool ends) = 0;
    /// Once all is in `encoded`.
    /// \returns  `encoded_piece::note`
    virtual std::uint64_t finish(const piece& /*whole*/, std::span<std::byte> /*encoded*/) { return 0; }

private:
    const work_on how_;
    piece piece_;
    std::span<const std::byte> rest_; ///< of the content
    std::span<std::byte> whole_;
    std::span<std::byte> room_; ///< what is free of it
    std::uint64_t note_ = 0;
};

/// One stream: its pieces are encoded in any order, and joined in theirs.
class piece_format {
public:
    struct sizes {
        std::size_t piece = 0;   ///< bytes of content in each but the last, which has fewer
        std::size_t history = 0; ///< of what comes before a piece, for its encoder
        std::size_t room = 0;    ///< the most that a piece becomes
    };

    explicit piece_format(const sizes& of) noexcept : sizes_(of) {}
    piece_format(const piece_format&) = delete;
    piece_format& operator=(const piece_format&) = delete;
    virtual ~piece_format();

    [[nodiscard]] std::size_t piece_bytes() const noexcept { return sizes_.piece; }
    [[nodiscard]] std::size_t history_bytes() const noexcept { return sizes_.history; }
    [[nodiscard]] std::size_t room_bytes() const noexcept { return sizes_.room; }

    /// From any thread.
    [[nodiscard]] virtual std::unique_ptr<piece_encoder> make_encoder() const = 0;

    /// What stands before the first piece.
    [[nodiscard]] virtual std::vector<std::byte> head() const { return {}; }
    /// The next piece, in order; its bytes stand behind those of the last.
    virtual void join(const piece& /*whole*/, const encoded_piece& /*encoded*/) {}
    /// What stands behind the last piece.
    [[nodiscard]] virtual std::vector<std::byte> tail() const { return {}; }

private:
    const sizes sizes_;
};

/// The format of a stream.
/// \param piece_bytes  0: what goes well with codec and level
/// \throws weir::error  `errc::bad_configuration`: the codec's streams cannot be made of pieces, or a setting is wrong;
///                      `errc::codec_unavailable`
[[nodiscard]] std::unique_ptr<piece_format> make_pieces(codec which, const encoder_settings& settings,
                                                        std::size_t piece_bytes, codec_pool& contexts);

/// Bounds for `piece_bytes`: smaller ones cost more than they give, and larger ones their sizes in memory.
constexpr std::size_t least_piece_bytes = std::size_t{16} << 10;
constexpr std::size_t most_piece_bytes = std::size_t{1} << 30;

// Of each library, with settings that it has looked at.
[[nodiscard]] std::unique_ptr<piece_format> make_deflate_pieces(codec which, const encoder_settings& settings,
                                                                std::size_t piece_bytes,
                                                                std::shared_ptr<context_pool> contexts);
[[nodiscard]] std::unique_ptr<piece_format> make_xz_pieces(codec which, const encoder_settings& settings,
                                                           std::size_t piece_bytes,
                                                           std::shared_ptr<context_pool> contexts);
[[nodiscard]] std::unique_ptr<piece_format> make_lz4_pieces(codec which, const encoder_settings& settings,
                                                            std::size_t piece_bytes,
                                                            std::shared_ptr<context_pool> contexts);
[[nodiscard]] std::unique_ptr<piece_format> make_zstd_pieces(codec which, const encoder_settings& settings,
                                                             std::size_t piece_bytes,
                                                             std::shared_ptr<context_pool> contexts);

/// `value` in `count` bytes, the least first.
void append_little_endian(std::vector<std::byte>& out, std::uint64_t value, std::size_t count);

} // namespace weir::codecs
