// zstd frames, one after the other. Their headers are looked at before the library sees them: so a window above the
// limit is refused whether the library would need it or not, and the outcome does not depend on how the input is cut.
//
//   frame header:  magic (4)  descriptor (1)  window (0 or 1)  dictionary id (0, 1, 2, 4)  content size (0, 1, 2, 4, 8)

#include "compression/skippable_frame.hpp"
#include "compression/zstd.hpp"

#include <zstd_errors.h>

#include <algorithm>
#include <new>
#include <optional>
#include <utility>

namespace weir::codecs {
namespace {

constexpr std::uint32_t zstd_magic = 0xfd2fb528;
constexpr std::uint8_t zstd_magic_in_order[] = {0x28, 0xb5, 0x2f, 0xfd};
constexpr std::size_t zstd_block_header = 3; // of a block
constexpr char no_zstd_frame[] = "no zstd frame";

errc code_of_error(ZSTD_ErrorCode code) noexcept
{
    switch (code) {
    case ZSTD_error_version_unsupported:
    case ZSTD_error_frameParameter_unsupported: return errc::unsupported_format;
    case ZSTD_error_frameParameter_windowTooLarge: return errc::limit_exceeded;
    case ZSTD_error_checksum_wrong: return errc::checksum_mismatch;
    case ZSTD_error_dictionary_wrong: return errc::unknown_dictionary;
    default: return errc::corrupt_data;
    }
}

std::size_t check_zstd_decoding(std::size_t result)
{
    if (!ZSTD_isError(result))
        return result;
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
        throw std::bad_alloc();
    throw failure{code_of_error(ZSTD_getErrorCode(result)), ZSTD_getErrorName(result)};
}

/// What a frame's descriptor says about the rest of its header.
struct header_layout {
    explicit header_layout(std::byte descriptor) noexcept
        : single_segment((descriptor & std::byte{0x20}) != std::byte{0})
    {
        constexpr std::uint8_t id_sizes[] = {0, 1, 2, 4};
        constexpr std::uint8_t content_sizes[] = {0, 2, 4, 8};
        const auto bits = std::to_integer<unsigned>(descriptor);
        id_bytes = id_sizes[bits & 3];
        content_bytes = bits >> 6 == 0 && single_segment ? 1 : content_sizes[bits >> 6];
    }
    [[nodiscard]] std::size_t id_at() const noexcept { return magic_bytes + 1 + (single_segment ? 0 : 1); }
    [[nodiscard]] std::size_t total() const noexcept { return id_at() + id_bytes + content_bytes; }

    bool single_segment;
    std::size_t id_bytes = 0;
    std::size_t content_bytes = 0;
};
constexpr std::size_t longest_header = magic_bytes + 1 + 1 + 4 + 8;

/// How many bytes of a frame must be there before it can be judged, by those that are.
std::size_t bytes_to_judge_zstd(std::span<const std::byte> start) noexcept
{
    if (start.size() < magic_bytes || magic_of(start) != zstd_magic)
        return magic_bytes;
    return start.size() == magic_bytes ? magic_bytes + 1 : header_layout(start[magic_bytes]).total();
}

/// What a frame says that its content has, if it does.
std::optional<std::uint64_t> content_size_of(std::span<const std::byte> header) noexcept
{
    const header_layout layout(header[magic_bytes]);
    if (layout.content_bytes == 0)
        return std::nullopt;
    const std::uint64_t size = little_endian(header.subspan(layout.id_at() + layout.id_bytes, layout.content_bytes));
    return layout.content_bytes == 2 ? size + 256 : size;
}

std::uint64_t window_of(std::span<const std::byte> header) noexcept
{
    if (header_layout(header[magic_bytes]).single_segment)
        return content_size_of(header).value();
    const auto bits = std::to_integer<std::uint64_t>(header[magic_bytes + 1]);
    const std::uint64_t base = std::uint64_t{1} << (10 + (bits >> 3));
    return base + base / 8 * (bits & 7);
}

class zstd_decoder final : public context {
public:
    zstd_decoder(const decoder_settings& settings, std::pmr::memory_resource& from)
        : context(from), dictionary_(settings.dictionary), max_window_(settings.max_memory_bytes),
          concatenated_(settings.concatenated)
    {
        stream_.reset(ZSTD_createDCtx_advanced(zstd_memory(memory_)));
        if (!stream_)
            throw std::bad_alloc();
        check_zstd_decoding(ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, ZSTD_WINDOWLOG_MAX));
        if (!settings.verify_checksum)
            check_zstd_decoding(
                ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_forceIgnoreChecksum, ZSTD_d_ignoreChecksum));
        check_zstd_dictionary(dictionary_);
        if (!dictionary_.empty())
            check_zstd_decoding(ZSTD_DCtx_loadDictionary_byReference(stream_.get(), dictionary_.content().data(),
                                                                     dictionary_.content().size()));
    }

    void start() override
    {
        check_zstd_decoding(ZSTD_DCtx_reset(stream_.get(), ZSTD_reset_session_only));
        start_.clear();
        in_frame_ = any_frame_ = more_output_ = false;
    }

    bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override
    {
        for (;;) {
            if (!in_frame_ && !begin_frame(input))
                return last && may_end(start_.bytes(), zstd_magic_in_order, any_frame_, no_zstd_frame);
            if (!start_.empty())
                decode_start(output);
            else if (!input.empty() || more_output_)
                decode(input, output);
            if (!in_frame_ && !skipping_ && !concatenated_)
                return true;
            if (in_frame_ && last && input.empty() && !more_output_)
                throw failure{errc::truncated, "in a frame"};
            if (output.empty() || (input.empty() && in_frame_))
                return false;
        }
    }

private:
    struct release {
        void operator()(ZSTD_DCtx* stream) const noexcept { ZSTD_freeDCtx(stream); }
    };

    /// Looks at the next frame's header, in place where it is there in one piece.
    /// \returns  whether it is whole; what of it was in other pieces is in `start_` then
    bool begin_frame(std::span<const std::byte>& input)
    {
        std::span<const std::byte> header = input;
        if (!start_.empty() || input.size() < bytes_to_judge_zstd(input)) {
            while (start_.bytes().size() < bytes_to_judge_zstd(start_.bytes()))
                if (!start_.fill(input, bytes_to_judge_zstd(start_.bytes())))
                    return false;
            header = start_.bytes();
        }
        judge(header);
        in_frame_ = true;
        return true;
    }

    void judge(std::span<const std::byte> header)
    {
        const std::uint64_t magic = magic_of(header);
        skipping_ = is_skippable(magic);
        if (!skipping_ && magic != zstd_magic)
            refuse(magic);
        any_frame_ = true;
        declared_.reset();
        given_ = 0;
        wanted_ = longest_header; // of a skippable frame
        at_start_ = start_.empty();
        more_output_ = false;
        if (skipping_)
            return;
        wanted_ = header_layout(header[magic_bytes]).total() + zstd_block_header; // the header, and no block with it
        if (window_of(header) > max_window_)
            throw failure{errc::limit_exceeded, "the window"};
        declared_ = content_size_of(header);
    }

    [[noreturn]] void refuse(std::uint64_t magic) const
    {
        if (magic == 0xfd2fb51e || (magic >= 0xfd2fb522 && magic <= 0xfd2fb527))
            throw failure{errc::unsupported_format, "a frame of zstd before 0.8"};
        throw failure{any_frame_ ? errc::trailing_data : errc::bad_format, no_zstd_frame};
    }

    void decode_start(std::span<std::byte>& output)
    {
        std::span<const std::byte> header = start_.bytes();
        while (!header.empty() && in_frame_)
            decode(header, output); // it takes all of a header, and gives nothing for it
        start_.clear();
    }

    void decode(std::span<const std::byte>& input, std::span<std::byte>& output)
    {
        if (!decode_whole(input, output)) {
            // Where it fails, it says nothing of what it gave: so it gets a block at a time, and what is behind that apart.
            const std::size_t of_block = wanted_ > zstd_block_header ? wanted_ - zstd_block_header : wanted_;
            const std::size_t most = skipping_ ? input.size() : std::min(input.size(), of_block);
            wanted_ = check_zstd_decoding(turn(input, more_output_ ? 0 : most, output));
        }
        in_frame_ = wanted_ != 0;
        if (!in_frame_ && declared_ && *declared_ != given_) // libzstd compares where it has the frame in one piece only
            throw failure{errc::corrupt_data, ZSTD_getErrorString(ZSTD_error_corruption_detected)};
        more_output_ = in_frame_ && output.empty();
    }

    /// A frame that is all there, and has room for all of its content: the library needs no memory for that.
    /// \returns  false where it is no such frame, or one that failed: it is begun again, for what is in front of that
    bool decode_whole(std::span<const std::byte>& input, std::span<std::byte>& output)
    {
        const bool may_be = std::exchange(at_start_, false) && declared_ && *declared_ <= output.size();
        if (!may_be)
            return false;
        const std::size_t frame = ZSTD_findFrameCompressedSize(input.data(), input.size());
        if (ZSTD_isError(frame))
            return false;
        std::span<const std::byte> in = input;
        std::span<std::byte> out = output;
        const std::size_t wanted = turn(in, frame, out);
        if (wanted != 0) {
            check_zstd_decoding(ZSTD_DCtx_reset(stream_.get(), ZSTD_reset_session_only));
            given_ = 0;
            return false;
        }
        wanted_ = wanted;
        input = in;
        output = out;
        return true;
    }

    /// One call of the library.
    std::size_t turn(std::span<const std::byte>& input, std::size_t most, std::span<std::byte>& output)
    {
        ZSTD_inBuffer in{input.data(), most, 0};
        ZSTD_outBuffer out{output.data(), output.size(), 0};
        const std::size_t result = ZSTD_decompressStream(stream_.get(), &out, &in);
        input = input.subspan(in.pos);
        output = output.subspan(out.pos);
        given_ += out.pos;
        return result;
    }

    const dictionary dictionary_; // the stream refers to it
    const std::uint64_t max_window_;
    const bool concatenated_;
    std::unique_ptr<ZSTD_DCtx, release> stream_;
    stream_start<longest_header> start_;
    std::optional<std::uint64_t> declared_; // of the frame's content
    std::uint64_t given_ = 0;               // likewise
    std::size_t wanted_ = 0; // by the library, next: the rest of a block, and the header of another
    bool at_start_ = false;  // of a frame whose header lies in the input
    bool in_frame_ = false;
    bool skipping_ = false;    // the frame, or the last one, is skippable
    bool any_frame_ = false;
    bool more_output_ = false; // the library may have some without more input
};

} // namespace

std::unique_ptr<context> make_zstd_decoder(const decoder_settings& settings, std::pmr::memory_resource& from)
{
    return std::make_unique<zstd_decoder>(settings, from);
}

} // namespace weir::codecs
