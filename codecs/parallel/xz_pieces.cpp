// xz in pieces: one stream, whose blocks say in front how large they are, so that decoders can work on several too.
//
//   stream header  block  block ... index  stream footer
//
// See xz-file-format.txt of xz, version 1.1.0.

#include "compression/lzma.hpp"
#include "parallel/piece_format.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace weir::codecs {
namespace {

constexpr std::size_t dictionaries_a_piece = 3; // as xz itself has it: nothing before a piece can be found
constexpr std::size_t least_usual_bytes = std::size_t{1} << 20;

void check(lzma_ret result)
{
    if (result == LZMA_MEM_ERROR)
        throw std::bad_alloc();
    if (result != LZMA_OK && result != LZMA_STREAM_END)
        throw failure{errc::internal, "liblzma"};
}

std::uint8_t* octets(std::span<std::byte> from) noexcept { return reinterpret_cast<std::uint8_t*>(from.data()); }

/// The only filter of a block.
struct filter_chain {
    explicit filter_chain(lzma_options_lzma& options)
        : filters{{{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}}}
    {}

    std::array<lzma_filter, 2> filters;
};

/// A block of which nothing is known but how it is made.
lzma_block block_of(lzma_check check_type, filter_chain& chain) noexcept
{
    lzma_block out{};
    out.check = check_type;
    out.filters = chain.filters.data();
    out.compressed_size = LZMA_VLI_UNKNOWN;
    out.uncompressed_size = LZMA_VLI_UNKNOWN;
    return out;
}

class xz_piece_encoder final : public piece_encoder {
public:
    xz_piece_encoder(const lzma_options_lzma& options, lzma_check check_type, const piece_format::sizes& most,
                     std::shared_ptr<context_pool> contexts)
        : options_(options), check_type_(check_type), most_(most), contexts_(std::move(contexts)),
          memory_(contexts_->memory()), coder_(memory_)
    {}

private:
    void begin(const piece& next, std::span<std::byte>& room) override
    {
        is_block_ = !next.content.empty();
        if (!is_block_)
            return;
        block_ = block_of(check_type_, chain_);
        block_.compressed_size = most_.room; // room for either size, whatever they will be
        block_.uncompressed_size = most_.piece;
        check(lzma_block_header_size(&block_));
        block_.compressed_size = LZMA_VLI_UNKNOWN;
        block_.uncompressed_size = LZMA_VLI_UNKNOWN;
        check(lzma_block_encoder(&coder_.stream(), &block_));
        room = room.subspan(block_.header_size);
    }

    void run(std::span<const std::byte>& input, std::span<std::byte>& room, bool ends) override
    {
        if (!is_block_)
            return;
        const lzma_ret result = coder_.turn(input, room, ends ? LZMA_FINISH : LZMA_RUN);
        check(result);
        if ((result == LZMA_STREAM_END) != ends)
            throw failure{errc::internal, "a block takes more room than its bound"};
    }

    std::uint64_t finish(const piece& /*whole*/, std::span<std::byte> encoded) override
    {
        if (!is_block_)
            return 0;
        check(lzma_block_header_encode(&block_, octets(encoded)));
        return lzma_block_unpadded_size(&block_);
    }

    lzma_options_lzma options_;
    const lzma_check check_type_;
    const piece_format::sizes most_;
    const std::shared_ptr<context_pool> contexts_; // has the memory
    library_memory memory_;
    lzma_coder coder_;
    filter_chain chain_{options_};
    lzma_block block_{};
    bool is_block_ = false;
};

class xz_pieces final : public piece_format {
public:
    xz_pieces(const sizes& of, const lzma_options_lzma& options, lzma_check check_type,
              std::shared_ptr<context_pool> contexts)
        : piece_format(of), sizes_(of), options_(options), check_type_(check_type), contexts_(std::move(contexts)),
          memory_(contexts_->memory()), allocator_(memory_), index_(lzma_index_init(&allocator_.allocator()))
    {
        if (!index_)
            throw std::bad_alloc();
    }
    ~xz_pieces() override { lzma_index_end(index_, &allocator_.allocator()); }

    std::unique_ptr<piece_encoder> make_encoder() const override
    {
        return std::make_unique<xz_piece_encoder>(options_, check_type_, sizes_, contexts_);
    }

    std::vector<std::byte> head() const override
    {
        std::vector<std::byte> out(LZMA_STREAM_HEADER_SIZE);
        const lzma_stream_flags flags = flags_of(LZMA_VLI_UNKNOWN);
        check(lzma_stream_header_encode(&flags, octets(out)));
        return out;
    }

    void join(const piece& whole, const encoded_piece& encoded) override
    {
        if (whole.content.empty())
            return;
        check(lzma_index_append(index_, &allocator_.allocator(), encoded.note, whole.content.size()));
    }

    std::vector<std::byte> tail() const override
    {
        const auto index_size = static_cast<std::size_t>(lzma_index_size(index_));
        std::vector<std::byte> out(index_size + LZMA_STREAM_HEADER_SIZE);
        std::size_t written = 0;
        check(lzma_index_buffer_encode(index_, octets(out), &written, index_size));
        const lzma_stream_flags flags = flags_of(index_size);
        check(lzma_stream_footer_encode(&flags, octets(std::span(out).subspan(index_size))));
        return out;
    }

private:
    [[nodiscard]] lzma_stream_flags flags_of(lzma_vli index_size) const noexcept
    {
        lzma_stream_flags out{};
        out.backward_size = index_size;
        out.check = check_type_;
        return out;
    }

    const sizes sizes_;
    const lzma_options_lzma options_;
    const lzma_check check_type_;
    const std::shared_ptr<context_pool> contexts_;
    library_memory memory_;
    lzma_coder allocator_;
    lzma_index* const index_;
};

} // namespace

std::unique_ptr<piece_format> make_xz_pieces(codec which, const encoder_settings& settings, std::size_t piece_bytes,
                                             std::shared_ptr<context_pool> contexts)
{
    const lzma_options_lzma options = lzma_options_of(which, settings);
    piece_format::sizes sizes;
    sizes.piece = piece_bytes == 0
        ? std::max<std::size_t>(dictionaries_a_piece * options.dict_size, least_usual_bytes)
        : piece_bytes;
    constexpr std::size_t most_bytes_a_chunk = 8; // of LZMA2, whose chunks may hold a little less than 64 KiB
    sizes.room = lzma_block_buffer_bound(sizes.piece) + (sizes.piece >> 16) * most_bytes_a_chunk;
    return std::make_unique<xz_pieces>(sizes, options, settings.checksum ? LZMA_CHECK_CRC64 : LZMA_CHECK_NONE,
                                       std::move(contexts));
}

} // namespace weir::codecs
