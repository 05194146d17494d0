// zstd in pieces: frames that say how large their content is. Where they end is in the headers of their blocks.

#include "compression/skippable_frame.hpp"
#include "parallel/piece_scanner.hpp"

#include <zstd.h>

namespace weir::codecs {
namespace {

/// The frames of a piece are a stream of their own.
class zstd_piece_decoder final : public piece_decoder {
public:
    explicit zstd_piece_decoder(const scan& how) : stream_(codec::zstd, how.settings, how.contexts) {}

    std::size_t decode(const coded_piece& piece, std::span<std::byte> room) override
    {
        stream_.decode(piece.bytes, room);
        return room.size();
    }

private:
    stream_decoder stream_;
};

class zstd_scanner final : public piece_scanner {
public:
    zstd_scanner(std::span<const std::byte> stream, const scan& how) : how_(how), rest_(stream) {}

    std::optional<coded_piece> next() override
    {
        if (rest_.empty())
            return std::nullopt;
        const std::span<const std::byte> start = rest_;
        coded_piece out;
        while (!rest_.empty() && out.room < usual_piece_content) {
            const std::size_t content = content_bytes();
            if (content > how_.max_piece_bytes - out.room)
                break;
            static_cast<void>(take_bytes(rest_, frame_bytes()));
            out.room += content;
        }
        out.bytes = start.first(start.size() - rest_.size());
        return out;
    }

    std::unique_ptr<piece_decoder> make_decoder() const override { return std::make_unique<zstd_piece_decoder>(how_); }

private:
    [[nodiscard]] bool is_skippable_frame() const noexcept
    {
        return rest_.size() >= magic_bytes && is_skippable(magic_of(rest_));
    }

    [[nodiscard]] std::size_t content_bytes() const
    {
        if (is_skippable_frame())
            return 0;
        const unsigned long long said = ZSTD_getFrameContentSize(rest_.data(), rest_.size());
        if (said == ZSTD_CONTENTSIZE_UNKNOWN || said == ZSTD_CONTENTSIZE_ERROR || said > how_.max_piece_bytes)
            give_up(); // before its blocks are looked at, which may be many
        return static_cast<std::size_t>(said);
    }

    [[nodiscard]] std::size_t frame_bytes() const
    {
        const std::size_t size = ZSTD_findFrameCompressedSize(rest_.data(), rest_.size());
        if (ZSTD_isError(size))
            give_up();
        return size;
    }

    const scan how_;
    std::span<const std::byte> rest_;
};

} // namespace

std::unique_ptr<piece_scanner> make_zstd_scanner(std::span<const std::byte> stream, const scan& how)
{
    return std::make_unique<zstd_scanner>(stream, how);
}

} // namespace weir::codecs
