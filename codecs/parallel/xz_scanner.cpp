// xz in pieces: blocks that say in front how large they are, before and after. See xz_decoder.cpp for the container.

#include "compression/stream_start.hpp"
#include "compression/xz_block.hpp"
#include "parallel/piece_scanner.hpp"

#include <algorithm>
#include <new>
#include <vector>

namespace weir::codecs {
namespace {

std::span<const std::byte> header_of_block(std::span<const std::byte> block)
{
    if (block.empty())
        give_up();
    return take_bytes(block, lzma_block_header_size_decode(std::to_integer<unsigned>(block.front())));
}

class xz_piece_decoder final : public piece_decoder {
public:
    explicit xz_piece_decoder(const scan& how)
        : how_(how), memory_(how_.contexts->memory()), blocks_(memory_)
    {}

    std::size_t decode(const coded_piece& piece, std::span<std::byte> room) override
    {
        std::span<const std::byte> input = piece.bytes;
        std::span<std::byte> rest = room;
        while (!input.empty())
            decode_block(input, rest, static_cast<lzma_check>(piece.note));
        if (!rest.empty())
            give_up();
        return room.size();
    }

private:
    void decode_block(std::span<const std::byte>& input, std::span<std::byte>& rest, lzma_check check)
    {
        const std::span<const std::byte> header = take_bytes(input, header_of_block(input).size());
        blocks_.begin(header, check, how_.settings.max_memory_bytes, how_.settings.verify_checksum);
        for (;;) {
            const std::size_t before = input.size() + rest.size();
            if (blocks_.run(input, rest))
                return;
            if (input.size() + rest.size() == before)
                give_up();
        }
    }

    const scan how_;
    library_memory memory_;
    xz_block_decoder blocks_;
};

class xz_scanner final : public piece_scanner {
public:
    xz_scanner(std::span<const std::byte> stream, const scan& how)
        : how_(how), memory_(how_.contexts->memory()), coder_(memory_), rest_(stream)
    {}
    ~xz_scanner() override { lzma_index_hash_end(seen_, &coder_.allocator()); }

    std::optional<coded_piece> next() override
    {
        for (;;) {
            if (!in_stream_) {
                if (any_stream_ && rest_.empty())
                    return std::nullopt;
                begin_stream();
            }
            if (rest_.empty())
                give_up();
            if (rest_.front() != std::byte{0})
                return take_blocks();
            end_stream();
        }
    }

    std::unique_ptr<piece_decoder> make_decoder() const override { return std::make_unique<xz_piece_decoder>(how_); }

private:
    void begin_stream()
    {
        check_xz_part(lzma_stream_header_decode(&flags_, octets(take_bytes(rest_, LZMA_STREAM_HEADER_SIZE))));
        if (how_.settings.verify_checksum && !lzma_check_is_supported(flags_.check))
            give_up();
        seen_ = lzma_index_hash_init(seen_, &coder_.allocator());
        if (!seen_)
            throw std::bad_alloc();
        in_stream_ = any_stream_ = true;
    }

    coded_piece take_blocks()
    {
        const std::span<const std::byte> start = rest_;
        coded_piece out;
        out.note = flags_.check;
        do
            out.room += take_block(how_.max_piece_bytes - out.room);
        while (!rest_.empty() && rest_.front() != std::byte{0} && next_fits(out.room));
        out.bytes = start.first(start.size() - rest_.size());
        return out;
    }

    /// \returns  the size of its content
    std::size_t take_block(std::size_t most)
    {
        const xz_block_header header(next_header(), flags_.check, memory_, coder_.allocator());
        const lzma_block& said = header.block();
        if (said.compressed_size == LZMA_VLI_UNKNOWN || said.uncompressed_size > most)
            give_up(); // unknown is more, too
        const lzma_vli size = lzma_block_total_size(&said);
        if (size == 0 || size > rest_.size())
            give_up();
        check_xz_part(lzma_index_hash_append(seen_, lzma_block_unpadded_size(&said), said.uncompressed_size));
        static_cast<void>(take_bytes(rest_, static_cast<std::size_t>(size)));
        return static_cast<std::size_t>(said.uncompressed_size);
    }

    [[nodiscard]] bool next_fits(std::size_t room)
    {
        if (room >= usual_piece_content)
            return false;
        const xz_block_header header(next_header(), flags_.check, memory_, coder_.allocator());
        return header.block().uncompressed_size <= std::min(usual_piece_content, how_.max_piece_bytes) - room;
    }

    /// A copy: the stream may change while the library looks at it.
    std::span<const std::byte> next_header()
    {
        const std::span<const std::byte> there = header_of_block(rest_);
        header_.assign(there.begin(), there.end());
        return header_;
    }

    void end_stream()
    {
        std::size_t taken = 0;
        if (lzma_index_hash_decode(seen_, octets(rest_), &taken, rest_.size()) != LZMA_STREAM_END)
            give_up();
        static_cast<void>(take_bytes(rest_, taken));
        lzma_stream_flags end{};
        check_xz_part(lzma_stream_footer_decode(&end, octets(take_bytes(rest_, LZMA_STREAM_HEADER_SIZE))));
        check_xz_part(lzma_stream_flags_compare(&flags_, &end));
        if (end.backward_size != lzma_index_hash_size(seen_))
            give_up();
        for (constexpr std::uint8_t padding[4] = {}; !rest_.empty() && rest_.front() == std::byte{0};)
            if (!could_be(take_bytes(rest_, 4), padding))
                give_up();
        in_stream_ = false;
    }

    const scan how_;
    library_memory memory_;
    lzma_coder coder_; // its allocator
    std::span<const std::byte> rest_;
    std::vector<std::byte> header_;
    lzma_stream_flags flags_{};
    lzma_index_hash* seen_ = nullptr;
    bool in_stream_ = false;
    bool any_stream_ = false;
};

} // namespace

std::unique_ptr<piece_scanner> make_xz_scanner(std::span<const std::byte> stream, const scan& how)
{
    return std::make_unique<xz_scanner>(stream, how);
}

} // namespace weir::codecs
