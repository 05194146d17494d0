#include "compression/xz_block.hpp"

namespace weir::codecs {

void check_xz_part(lzma_ret result)
{
    if (result == LZMA_FORMAT_ERROR || result == LZMA_PROG_ERROR)
        throw failure{errc::corrupt_data, "a header is broken"};
    check_decoding(result);
}

xz_block_header::xz_block_header(std::span<const std::byte> header, lzma_check check, library_memory& memory,
                                 const lzma_allocator& allocator)
    : memory_(memory)
{
    block_.version = 1; // has `ignore_check`
    block_.check = check;
    block_.header_size = static_cast<std::uint32_t>(header.size());
    block_.filters = filters_.data();
    check_xz_part(lzma_block_header_decode(&block_, &allocator, octets(header)));
}

xz_block_header::~xz_block_header()
{
    for (const lzma_filter& each : filters_) {
        if (each.id == LZMA_VLI_UNKNOWN)
            break;
        memory_.give_back(each.options);
    }
}

void xz_block_decoder::begin(std::span<const std::byte> header, lzma_check check, std::uint64_t max_memory, bool verify)
{
    const xz_block_header said(header, check, memory_, coder_.allocator());
    constexpr std::uint64_t no_such_chain = UINT64_MAX;
    const std::uint64_t needed = lzma_raw_decoder_memusage(said.block().filters);
    if (needed == no_such_chain)
        check_xz_part(LZMA_OPTIONS_ERROR);
    if (needed > max_memory)
        check_xz_part(LZMA_MEMLIMIT_ERROR);
    block_ = said.block();
    block_.ignore_check = !verify;
    const lzma_ret begun = lzma_block_decoder(&coder_.stream(), &block_);
    block_.filters = nullptr; // not looked at any more
    check_xz_part(begun);
}

bool xz_block_decoder::run(std::span<const std::byte>& input, std::span<std::byte>& output)
{
    const lzma_ret result = coder_.turn(input, output, LZMA_RUN);
    if (result == LZMA_DATA_ERROR && check_was_read())
        throw failure{errc::checksum_mismatch, "of a block"};
    check_xz_part(result);
    return result == LZMA_STREAM_END;
}

// A block is refused at the end of its check if that is wrong, and earlier for every other reason.
bool xz_block_decoder::check_was_read() noexcept
{
    if (block_.compressed_size == LZMA_VLI_UNKNOWN)
        return false;
    const std::uint64_t padded = (block_.compressed_size + 3) & ~std::uint64_t{3};
    return coder_.stream().total_in == padded + lzma_check_size(block_.check);
}

} // namespace weir::codecs
