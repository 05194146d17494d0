// LZ4 frames. The library writes only where the worst case fits: where the caller's room is smaller, a piece at a time
// goes through a buffer here.

#include "compression/lz4.hpp"

#include <lz4.h>
#include <lz4hc.h>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

namespace weir::codecs {
namespace {

constexpr int lz4_levels[] = {-8, 1, 1, 12};
constexpr std::size_t block_bytes = std::size_t{64} << 10; // of the frame: decoders need twice that
constexpr std::size_t history_bytes = std::size_t{64} << 10;

LZ4F_preferences_t preferences_of(const encoder_settings& settings)
{
    LZ4F_preferences_t out = LZ4F_INIT_PREFERENCES;
    out.frameInfo.blockSizeID = LZ4F_max64KB;
    out.frameInfo.contentChecksumFlag = settings.checksum ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum;
    out.compressionLevel = lz4_level(settings);
    return out;
}

std::size_t check_lz4_encoding(std::size_t result)
{
    if (!LZ4F_isError(result))
        return result;
    if (LZ4F_getErrorCode(result) == LZ4F_ERROR_allocation_failed)
        throw std::bad_alloc();
    throw failure{errc::internal, LZ4F_getErrorName(result)};
}

// The most that the library writes for a piece of one block, whatever it has kept of earlier ones.
std::size_t bound_of_piece(const LZ4F_preferences_t& preferences) noexcept
{
    return std::max<std::size_t>(LZ4F_compressBound(block_bytes, &preferences), LZ4F_HEADER_SIZE_MAX);
}

/// Keeps the piece that was given back last: liblz4 1.9 frees the buffer of a context at the end of each frame, or
/// rather when the next begins, and takes it anew.
class reused_memory {
public:
    explicit reused_memory(library_memory& from) noexcept : from_(from) {}
    reused_memory(const reused_memory&) = delete;
    reused_memory& operator=(const reused_memory&) = delete;
    ~reused_memory() { from_.give_back(kept_); }

    void* take(std::size_t bytes) noexcept
    {
        if (kept_ && library_memory::size_of(kept_) == bytes)
            return std::exchange(kept_, nullptr);
        return from_.take(bytes);
    }
    void give_back(void* memory) noexcept { from_.give_back(std::exchange(kept_, memory)); }

private:
    library_memory& from_;
    void* kept_ = nullptr;
};

class lz4_encoder final : public context {
public:
    lz4_encoder(const encoder_settings& settings, std::pmr::memory_resource& from)
        : context(from), preferences_(preferences_of(settings)), reused_(memory_), staged_(&from)
    {
        stream_.reset(LZ4F_createCompressionContext_advanced(lz4_memory(reused_), LZ4F_VERSION));
        if (!stream_)
            throw std::bad_alloc();
    }

    void start() override
    {
        step_ = step::header;
        given_ = staged_size_ = 0;
    }

    bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override
    {
        while (!output.empty()) {
            if (given_ < staged_size_)
                give(output);
            else if (step_ == step::header)
                begin(input, output, last);
            else if (step_ == step::content && !input.empty())
                compress(input, output);
            else if (step_ == step::content && last)
                end(output);
            else
                return step_ == step::ended;
        }
        return step_ == step::ended && given_ == staged_size_;
    }

    std::size_t held_bytes() const noexcept override { return context::held_bytes() + staged_.capacity(); }

private:
    enum class step { header, content, ended };
    struct release {
        void operator()(LZ4F_cctx* stream) const noexcept { LZ4F_freeCompressionContext(stream); }
    };

    void begin(std::span<const std::byte> input, std::span<std::byte>& output, bool last)
    {
        LZ4F_preferences_t chosen = preferences_;
        // All of it is here and fits: nothing needs to be kept between calls.
        in_one_piece_ = last && output.size() >= LZ4F_compressFrameBound(input.size(), &preferences_);
        chosen.autoFlush = in_one_piece_;
        if (in_one_piece_ && input.size() <= block_bytes)
            chosen.frameInfo.blockMode = LZ4F_blockIndependent;
        write(output, LZ4F_HEADER_SIZE_MAX, [&](void* to, std::size_t room) {
            return LZ4F_compressBegin(stream_.get(), to, room, &chosen);
        });
        step_ = step::content;
    }

    void compress(std::span<const std::byte>& input, std::span<std::byte>& output)
    {
        const bool fits = in_one_piece_ || output.size() >= LZ4F_compressBound(input.size(), &preferences_);
        const std::span<const std::byte> piece = fits ? input : input.first(std::min(input.size(), block_bytes));
        const LZ4F_compressOptions_t options{.stableSrc = in_one_piece_, .reserved = {}};
        write(output, bound(piece.size()), [&](void* to, std::size_t room) {
            return LZ4F_compressUpdate(stream_.get(), to, room, piece.data(), piece.size(), &options);
        });
        input = input.subspan(piece.size());
    }

    void end(std::span<std::byte>& output)
    {
        write(output, bound(0), [&](void* to, std::size_t room) {
            return LZ4F_compressEnd(stream_.get(), to, room, nullptr);
        });
        step_ = step::ended;
    }

    [[nodiscard]] std::size_t bound(std::size_t size) const noexcept
    {
        return in_one_piece_ ? 0 : LZ4F_compressBound(size, &preferences_); // in one piece it was looked at before
    }

    /// Has the library write to `output` if it is sure to fit there, else to the buffer.
    template <class Call> void write(std::span<std::byte>& output, std::size_t most, Call call)
    {
        if (output.size() >= most) {
            output = output.subspan(check_lz4_encoding(call(output.data(), output.size())));
            return;
        }
        if (staged_.empty())
            staged_.resize(bound_of_piece(preferences_));
        staged_size_ = check_lz4_encoding(call(staged_.data(), staged_.size()));
        given_ = 0;
    }

    void give(std::span<std::byte>& output) noexcept
    {
        const std::size_t count = std::min(output.size(), staged_size_ - given_);
        std::copy_n(staged_.data() + given_, count, output.data());
        given_ += count;
        output = output.subspan(count);
    }

    const LZ4F_preferences_t preferences_;
    reused_memory reused_;
    std::unique_ptr<LZ4F_cctx, release> stream_;
    std::pmr::vector<std::byte> staged_;
    std::size_t staged_size_ = 0;
    std::size_t given_ = 0; // of what is staged
    step step_ = step::header;
    bool in_one_piece_ = false;
};

std::size_t lz4_encoder_memory(const encoder_settings& settings)
{
    const LZ4F_preferences_t preferences = preferences_of(settings);
    constexpr std::size_t frame_state = 512;
    const bool fast = preferences.compressionLevel < LZ4HC_CLEVEL_MIN;
    const std::size_t table = fast ? sizeof(LZ4_stream_t) : sizeof(LZ4_streamHC_t);
    return frame_state + table + block_bytes + 2 * history_bytes + bound_of_piece(preferences);
}

std::size_t lz4_decoder_memory(const decoder_settings& settings)
{
    constexpr std::uint64_t largest_block = std::uint64_t{4} << 20;
    constexpr std::size_t frame_state = 512;
    return 2 * std::min(settings.max_memory_bytes, largest_block) + 2 * history_bytes + frame_state;
}

} // namespace

int lz4_level(const encoder_settings& settings)
{
    refuse_window(codec::lz4, settings);
    refuse_threads(codec::lz4, settings);
    refuse_dictionary(codec::lz4, settings.dictionary);
    return level_number(codec::lz4, settings.level, lz4_levels, -65537, LZ4F_compressionLevel_max());
}

std::unique_ptr<context> make_lz4_encoder(const encoder_settings& settings, std::pmr::memory_resource& from)
{
    return std::make_unique<lz4_encoder>(settings, from);
}

const implementation lz4_implementation = {
    .version = [] { return std::string("liblz4 ") + LZ4_versionString(); },
    .make_encoder = make_lz4_encoder,
    .make_decoder = make_lz4_decoder,
    .encoder_memory = lz4_encoder_memory,
    .decoder_memory = lz4_decoder_memory,
    .bound =
        [](std::size_t size, const encoder_settings& settings) {
            const LZ4F_preferences_t preferences = preferences_of(settings);
            return LZ4F_compressFrameBound(size, &preferences);
        },
};

} // namespace weir::codecs
