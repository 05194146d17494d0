// LZ4 frames, one after the other, with skippable ones between them.
//
//   frame:      magic (4)  FLG (1)  BD (1)  ...  the library's from here
//   skippable:  magic (4)  size (4)  so many bytes

#include "compression/lz4.hpp"
#include "compression/lz4_frame.hpp"
#include "compression/skippable_frame.hpp"

#include <new>

namespace weir::codecs {
namespace {

constexpr std::uint8_t lz4_magic_in_order[] = {0x04, 0x22, 0x4d, 0x18};
constexpr char no_lz4_frame[] = "no lz4 frame";
constexpr std::uint32_t legacy_magic = 0x184c2102;
constexpr std::size_t judged_bytes = 6;    // up to BD
constexpr std::size_t skippable_bytes = 8; // magic and size
constexpr std::size_t lz4_block_header = 4; // of a block

errc code_of_error(LZ4F_errorCodes code) noexcept
{
    switch (code) {
    case LZ4F_ERROR_headerVersion_wrong:
    case LZ4F_ERROR_reservedFlag_set: return errc::unsupported_format;
    case LZ4F_ERROR_headerChecksum_invalid:
    case LZ4F_ERROR_blockChecksum_invalid:
    case LZ4F_ERROR_contentChecksum_invalid: return errc::checksum_mismatch;
    default: return errc::corrupt_data;
    }
}

std::size_t check_lz4_decoding(std::size_t result)
{
    if (!LZ4F_isError(result))
        return result;
    const LZ4F_errorCodes code = LZ4F_getErrorCode(result);
    if (code == LZ4F_ERROR_allocation_failed)
        throw std::bad_alloc();
    throw failure{code_of_error(code), LZ4F_getErrorName(result)};
}

std::size_t bytes_to_judge_lz4(std::span<const std::byte> start) noexcept
{
    if (start.size() < magic_bytes)
        return magic_bytes;
    if (is_skippable(magic_of(start)))
        return skippable_bytes;
    return magic_of(start) == lz4_magic ? judged_bytes : magic_bytes;
}

/// The most that a block may hold, by the BD byte.
std::uint64_t block_bytes_of(std::byte descriptor) noexcept
{
    return std::uint64_t{256} << (2 * (std::to_integer<unsigned>(descriptor) >> 4 & 7));
}

class lz4_decoder final : public context {
public:
    lz4_decoder(const decoder_settings& settings, std::pmr::memory_resource& from)
        : context(from), max_block_(settings.max_memory_bytes), concatenated_(settings.concatenated)
    {
        refuse_dictionary(codec::lz4, settings.dictionary);
        options_.skipChecksums = !settings.verify_checksum;
        stream_.reset(LZ4F_createDecompressionContext_advanced(lz4_memory(memory_), LZ4F_VERSION));
        if (!stream_)
            throw std::bad_alloc();
    }

    void start() override
    {
        LZ4F_resetDecompressionContext(stream_.get());
        start_.clear();
        in_frame_ = any_frame_ = more_output_ = false;
        to_skip_ = 0;
    }

    bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override
    {
        while (!output.empty()) {
            skip(input);
            if (!in_frame_ && to_skip_ == 0 && !begin_frame(input))
                return last && may_end(start_.bytes(), lz4_magic_in_order, any_frame_, no_lz4_frame);
            if (in_frame_)
                decode(input, output);
            if (!in_frame_ && to_skip_ == 0 && !skipped_ && !concatenated_)
                return true;
            if (input.empty() && (to_skip_ != 0 || (in_frame_ && !more_output_))) {
                if (last)
                    throw failure{errc::truncated, "in a frame"};
                return false;
            }
        }
        return false;
    }

private:
    struct release {
        void operator()(LZ4F_dctx* stream) const noexcept { LZ4F_freeDecompressionContext(stream); }
    };

    void skip(std::span<const std::byte>& input) noexcept
    {
        const std::size_t count = std::min<std::uint64_t>(input.size(), to_skip_);
        input = input.subspan(count);
        to_skip_ -= count;
    }

    bool begin_frame(std::span<const std::byte>& input)
    {
        while (start_.bytes().size() < bytes_to_judge_lz4(start_.bytes()))
            if (!start_.fill(input, bytes_to_judge_lz4(start_.bytes())))
                return false;
        judge(start_.bytes());
        any_frame_ = true;
        skipped_ = is_skippable(magic_of(start_.bytes()));
        if (skipped_) {
            to_skip_ = little_endian(start_.bytes().subspan(magic_bytes, 4));
            start_.clear();
        }
        in_frame_ = !skipped_;
        wanted_ = judged_bytes;
        more_output_ = false;
        return true;
    }

    void judge(std::span<const std::byte> start) const
    {
        const std::uint64_t magic = magic_of(start);
        if (is_skippable(magic))
            return;
        if (magic == legacy_magic)
            throw failure{errc::unsupported_format, "the legacy format of lz4"};
        if (magic != lz4_magic)
            throw failure{any_frame_ ? errc::trailing_data : errc::bad_format, no_lz4_frame};
        constexpr std::byte has_dictionary_id{1};
        if ((start[magic_bytes] & has_dictionary_id) != std::byte{0})
            throw failure{errc::unknown_dictionary, "a frame names one"};
        if (block_bytes_of(start[magic_bytes + 1]) > max_block_)
            throw failure{errc::limit_exceeded, "the size of blocks"};
    }

    void decode(std::span<const std::byte>& input, std::span<std::byte>& output)
    {
        if (!start_.empty()) {
            feed_header(output);
            const bool done = !input.empty() && decode_at_once(input, output);
            start_.clear();
            if (done)
                return;
        }
        if (input.empty() && !more_output_)
            return;
        // Where it fails, it says nothing of what it gave: so it gets a block at a time, and what is behind that apart.
        const std::size_t of_block = wanted_ > lz4_block_header ? wanted_ - lz4_block_header : wanted_;
        turn(input, more_output_ ? 0 : std::min(input.size(), of_block), output);
    }

    void feed_header(std::span<std::byte>& output)
    {
        std::span<const std::byte> header = start_.bytes();
        while (!header.empty())
            turn(header, header.size(), output);
    }

    /// The first call of a frame gets all there is. The library copies the 64 KiB that blocks may refer to after each call:
    /// with small blocks that is a tenth of the time.
    /// \returns  false where it failed: the frame is begun again, for what is in front of that
    bool decode_at_once(std::span<const std::byte>& input, std::span<std::byte>& output)
    {
        std::span<const std::byte> in = input;
        std::span<std::byte> out = output;
        try {
            turn(in, in.size(), out);
        }
        catch (const failure&) {
            LZ4F_resetDecompressionContext(stream_.get());
            feed_header(output);
            return false;
        }
        input = in;
        output = out;
        return true;
    }

    void turn(std::span<const std::byte>& input, std::size_t most, std::span<std::byte>& output)
    {
        std::size_t taken = most;
        std::size_t given = output.size();
        wanted_ = check_lz4_decoding(LZ4F_decompress(stream_.get(), output.data(), &given, input.data(), &taken, &options_));
        input = input.subspan(taken);
        output = output.subspan(given);
        in_frame_ = wanted_ != 0;
        more_output_ = in_frame_ && output.empty();
    }

    const std::uint64_t max_block_;
    const bool concatenated_;
    LZ4F_decompressOptions_t options_ = {};
    std::unique_ptr<LZ4F_dctx, release> stream_;
    stream_start<skippable_bytes> start_;
    std::uint64_t to_skip_ = 0;
    std::size_t wanted_ = 0; // by the library, next: the rest of a block, and the header of another
    bool in_frame_ = false;
    bool skipped_ = false;     // the last frame was a skippable one
    bool any_frame_ = false;
    bool more_output_ = false; // the library may have some without more input
};

} // namespace

std::unique_ptr<context> make_lz4_decoder(const decoder_settings& settings, std::pmr::memory_resource& from)
{
    return std::make_unique<lz4_decoder>(settings, from);
}

} // namespace weir::codecs
