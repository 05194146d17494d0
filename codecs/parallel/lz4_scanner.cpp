// lz4 in pieces: blocks that refer to no other. How large the content of one is, is not said, but not more than BD has.
//
//   magic (4)  FLG (1)  BD (1)  size of the content (0 or 8)  header's checksum (1)  blocks  0 (4)  checksum (0 or 4)
//   block:     size, or with the highest bit set that of bytes as they are (4)  bytes  checksum (0 or 4)
//
// See lz4_Frame_format.md of lz4, version 1.6.3.

#include "compression/lz4_frame.hpp"
#include "compression/skippable_frame.hpp"
#include "parallel/piece_scanner.hpp"

#include <lz4.h>

#include <algorithm>

namespace weir::codecs {
namespace {

constexpr std::size_t checksum_bytes = 4;

/// The note of a piece: the most that a block may hold, and whether each has a checksum.
struct block_note {
    explicit block_note(std::uint64_t number) noexcept : has_checksum(number % 2 != 0), most(number / 2) {}
    block_note(bool checksum, std::size_t most_bytes) noexcept : has_checksum(checksum), most(most_bytes) {}
    [[nodiscard]] std::uint64_t number() const noexcept { return 2 * std::uint64_t{most} + (has_checksum ? 1 : 0); }

    bool has_checksum;
    std::size_t most;
};

std::uint32_t take_word(std::span<const std::byte>& from)
{
    return static_cast<std::uint32_t>(little_endian(take_bytes(from, 4)));
}

/// What a block may become at most: lz4 gives 255 bytes for one, at its best.
std::size_t room_of(std::uint32_t word, std::size_t most) noexcept
{
    constexpr std::size_t best_ratio = 255;
    const std::size_t size = word & ~lz4_stored_block;
    return (word & lz4_stored_block) != 0 ? size : std::min(most, best_ratio * size);
}

class lz4_piece_decoder final : public piece_decoder {
public:
    std::size_t decode(const coded_piece& piece, std::span<std::byte> room) override
    {
        const block_note blocks(piece.note);
        std::span<std::byte> rest = room;
        for (std::span<const std::byte> input = piece.bytes; !input.empty();) {
            const std::uint32_t word = take_word(input);
            const std::span<const std::byte> block = take_bytes(input, word & ~lz4_stored_block);
            if (blocks.has_checksum && take_word(input) != lz4_checksum::of(block))
                give_up(); // the library looks at some of them in any case
            const std::span<std::byte> most = rest.first(std::min(rest.size(), blocks.most));
            rest = rest.subspan((word & lz4_stored_block) != 0 ? copy(block, most) : decode_block(block, most));
        }
        return room.size() - rest.size();
    }

private:
    static std::size_t copy(std::span<const std::byte> block, std::span<std::byte> to)
    {
        if (block.size() > to.size())
            give_up();
        std::ranges::copy(block, to.begin());
        return block.size();
    }

    static std::size_t decode_block(std::span<const std::byte> block, std::span<std::byte> to)
    {
        const int size = LZ4_decompress_safe(reinterpret_cast<const char*>(block.data()),
                                             reinterpret_cast<char*>(to.data()), static_cast<int>(block.size()),
                                             static_cast<int>(to.size()));
        if (size < 0)
            give_up();
        return static_cast<std::size_t>(size);
    }
};

class lz4_scanner final : public piece_scanner {
public:
    lz4_scanner(std::span<const std::byte> stream, const scan& how) : how_(how), rest_(stream) {}

    std::optional<coded_piece> next() override
    {
        while (!in_frame_) {
            if (rest_.empty())
                return std::nullopt;
            begin_frame();
        }
        coded_piece out;
        out.note = blocks_.number();
        const std::span<const std::byte> start = rest_;
        do {
            const std::span<const std::byte> before = rest_;
            const std::uint32_t word = take_word(rest_);
            if (word == 0) {
                out.bytes = start.first(start.size() - before.size());
                out.end = end_frame();
                return out;
            }
            const std::size_t size = word & ~lz4_stored_block;
            if (size > blocks_.most)
                give_up();
            static_cast<void>(take_bytes(rest_, size + (blocks_.has_checksum ? checksum_bytes : 0)));
            out.room += room_of(word, blocks_.most);
        } while (out.room + blocks_.most <= std::min(usual_piece_content, how_.max_piece_bytes));
        out.bytes = start.first(start.size() - rest_.size());
        return out;
    }

    std::unique_ptr<piece_decoder> make_decoder() const override
    {
        return std::make_unique<lz4_piece_decoder>();
    }

    void check(const coded_piece& piece, std::span<const std::byte> content) override
    {
        if (how_.settings.verify_checksum)
            seen_.add(content);
        seen_bytes_ += content.size();
        if (!piece.end)
            return;
        if (piece.end->size && *piece.end->size != seen_bytes_)
            give_up();
        if (how_.settings.verify_checksum && piece.end->checksum && *piece.end->checksum != seen_.value())
            give_up();
        seen_.reset();
        seen_bytes_ = 0;
    }

private:
    void begin_frame()
    {
        const std::uint32_t magic = take_word(rest_);
        if (is_skippable(magic)) {
            static_cast<void>(take_bytes(rest_, take_word(rest_)));
            return;
        }
        if (magic != lz4_magic)
            give_up();
        const std::span<const std::byte> start = rest_;
        const auto flags = std::to_integer<unsigned>(take_bytes(rest_, 1)[0]);
        const auto descriptor = std::to_integer<unsigned>(take_bytes(rest_, 1)[0]);
        constexpr unsigned version_and_reserved = 0xc2, version_1 = 0x40, independent = 0x20, dictionary = 0x01;
        if ((flags & version_and_reserved) != version_1 || (flags & independent) == 0 || (flags & dictionary) != 0
            || (descriptor & 0x8f) != 0 || descriptor >> 4 < 4)
            give_up();
        summary_ = {};
        if ((flags & 0x08) != 0)
            summary_.size = little_endian(take_bytes(rest_, 8));
        const std::span<const std::byte> described = start.first(start.size() - rest_.size());
        if (take_bytes(rest_, 1)[0] != lz4_checksum::of_header(described))
            give_up();
        blocks_ = block_note((flags & 0x10) != 0, std::size_t{256} << 2 * (descriptor >> 4));
        if (blocks_.most > std::min<std::uint64_t>(how_.settings.max_memory_bytes, how_.max_piece_bytes))
            give_up();
        has_checksum_ = (flags & 0x04) != 0;
        in_frame_ = true;
    }

    content_summary end_frame()
    {
        in_frame_ = false;
        content_summary out = summary_;
        if (has_checksum_)
            out.checksum = take_word(rest_);
        return out;
    }

    const scan how_;
    std::span<const std::byte> rest_; // this and what follows: who asks for the next
    bool in_frame_ = false;
    bool has_checksum_ = false;
    block_note blocks_{false, 0};
    content_summary summary_;

    lz4_checksum seen_; // this and what follows: who checks
    std::uint64_t seen_bytes_ = 0;
};

} // namespace

std::unique_ptr<piece_scanner> make_lz4_scanner(std::span<const std::byte> stream, const scan& how)
{
    return std::make_unique<lz4_scanner>(stream, how);
}

} // namespace weir::codecs
