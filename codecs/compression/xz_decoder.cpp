// The .xz container, whose parts liblzma decodes one by one. Its own decoder of whole streams reports every fault as
// the same one; here a wrong checksum is told from corrupt data, and limits are looked at block by block.
//
//   stream:  header (12)  { block header  data  padding  check }*  index  footer (12)
//   then zeros, a multiple of four, and the next stream

#include "compression/stream_start.hpp"
#include "compression/xz_block.hpp"

#include <algorithm>
#include <new>

namespace weir::codecs {
namespace {

constexpr std::uint8_t magic[] = {0xfd, '7', 'z', 'X', 'Z', 0};

class xz_decoder final : public context {
public:
    xz_decoder(const decoder_settings& settings, std::pmr::memory_resource& from)
        : context(from), max_memory_(settings.max_memory_bytes), verify_(settings.verify_checksum),
          concatenated_(settings.concatenated), blocks_(memory_)
    {
        refuse_dictionary(codec::xz, settings.dictionary);
    }
    ~xz_decoder() override { lzma_index_hash_end(seen_, &blocks_.allocator()); }

    void start() override
    {
        part_ = part::stream_header;
        start_.clear();
        any_stream_ = false;
    }

    bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override
    {
        for (;;) {
            if (part_ == part::stream_padding && (skip_padding(input, last) || !concatenated_))
                return true;
            const bool moved = advance(input, output);
            if (output.empty() && part_ == part::block)
                return false;
            if (moved)
                continue;
            if (last)
                refuse_end();
            return false;
        }
    }

private:
    enum class part { stream_header, block_header, block, index, footer, stream_padding };

    /// \returns  whether there may be more to do
    bool advance(std::span<const std::byte>& input, std::span<std::byte>& output)
    {
        switch (part_) {
        case part::stream_header: return read_stream_header(input);
        case part::block_header: return read_block_header(input);
        case part::block: return read_block(input, output);
        case part::index: return read_index(input);
        case part::footer: return read_footer(input);
        case part::stream_padding: return false;
        }
        return false;
    }

    [[noreturn]] void refuse_start() const
    {
        throw failure{any_stream_ ? errc::trailing_data : errc::bad_format, "no xz stream"};
    }

    [[noreturn]] void refuse_end() const { throw failure{errc::truncated, "in a stream"}; }

    bool read_stream_header(std::span<const std::byte>& input)
    {
        const bool whole = start_.fill(input, LZMA_STREAM_HEADER_SIZE);
        if (!could_be(start_.bytes(), magic))
            refuse_start();
        if (!whole)
            return false;
        check_xz_part(lzma_stream_header_decode(&flags_, octets(start_.bytes())));
        if (verify_ && !lzma_check_is_supported(flags_.check))
            throw failure{errc::unsupported_format, "its kind of checksum"};
        seen_ = lzma_index_hash_init(seen_, &blocks_.allocator());
        if (!seen_)
            throw std::bad_alloc();
        any_stream_ = true;
        return enter(part::block_header);
    }

    bool read_block_header(std::span<const std::byte>& input)
    {
        if (start_.empty()) {
            if (input.empty())
                return false;
            if (input.front() == std::byte{0}) // no block: this is the index
                return enter(part::index);
            start_.fill(input, 1);
        }
        const std::size_t size = lzma_block_header_size_decode(std::to_integer<unsigned>(start_.bytes()[0]));
        if (!start_.fill(input, size))
            return false;
        blocks_.begin(start_.bytes(), flags_.check, max_memory_, verify_);
        return enter(part::block);
    }

    bool read_block(std::span<const std::byte>& input, std::span<std::byte>& output)
    {
        const std::size_t before = input.size() + output.size();
        if (!blocks_.run(input, output))
            return input.size() + output.size() != before;
        const lzma_block& done = blocks_.block();
        check_xz_part(lzma_index_hash_append(seen_, lzma_block_unpadded_size(&done), done.uncompressed_size));
        return enter(part::block_header);
    }

    bool read_index(std::span<const std::byte>& input)
    {
        std::size_t taken = 0;
        const lzma_ret result = input.empty() ? LZMA_BUF_ERROR
                                              : lzma_index_hash_decode(seen_, octets(input), &taken, input.size());
        input = input.subspan(taken);
        check_xz_part(result);
        return result == LZMA_STREAM_END ? enter(part::footer) : false;
    }

    bool read_footer(std::span<const std::byte>& input)
    {
        if (!start_.fill(input, LZMA_STREAM_HEADER_SIZE))
            return false;
        lzma_stream_flags end{};
        check_xz_part(lzma_stream_footer_decode(&end, octets(start_.bytes())));
        check_xz_part(lzma_stream_flags_compare(&flags_, &end));
        if (end.backward_size != lzma_index_hash_size(seen_))
            throw failure{errc::corrupt_data, "the size of the index"};
        padding_ = 0;
        return enter(part::stream_padding);
    }

    /// \returns  whether the whole is at its end; else another stream begins, if more input comes
    bool skip_padding(std::span<const std::byte>& input, bool last)
    {
        if (!concatenated_)
            return true;
        while (!input.empty() && input.front() == std::byte{0}) {
            take_front(input);
            ++padding_;
        }
        if (input.empty() && !last)
            return false;
        if (padding_ % 4 != 0)
            throw failure{errc::corrupt_data, "the padding is no multiple of four bytes"};
        if (!input.empty())
            enter(part::stream_header);
        return input.empty();
    }

    bool enter(part next) noexcept
    {
        part_ = next;
        start_.clear();
        return true;
    }

    const std::uint64_t max_memory_;
    const bool verify_;
    const bool concatenated_;
    xz_block_decoder blocks_;
    lzma_index_hash* seen_ = nullptr;
    lzma_stream_flags flags_{};
    stream_start<LZMA_BLOCK_HEADER_SIZE_MAX> start_;
    part part_ = part::stream_header;
    std::uint64_t padding_ = 0;
    bool any_stream_ = false;
};

} // namespace

std::unique_ptr<context> make_xz_decoder(const decoder_settings& settings, std::pmr::memory_resource& from)
{
    return std::make_unique<xz_decoder>(settings, from);
}

} // namespace weir::codecs
