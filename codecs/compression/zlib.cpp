// gzip, zlib and raw deflate: encoders by zlib, which tells them apart by its window bits.

#include "compression/zlib.hpp"

#include "compression/deflate_decoder.hpp"

#include <new>
#include <optional>
#include <string>

namespace weir::codecs {
namespace {

constexpr int deflate_levels[] = {1, 3, 6, 9};

// Each stream begins by clearing a table of 2^(memory level + 7) hashes, which for a short message is up to a third of
// the work; a small table finds the same matches there, or nearly the same below level 6. Beyond 512 bytes longer chains
// cost what the clearing saves.
constexpr std::size_t most_of_message = 512;
constexpr int message_memory_level = 5;

/// Its window holds such a message, and the 262 bytes that zlib keeps free. The header of zlib tells the window, and
/// formats are detected by that of 32 KiB.
constexpr int message_window_log(codec which) noexcept { return which == codec::zlib ? usual_window_log : 10; }

/// A window that was asked for is kept to.
constexpr bool has_message_stream(const deflate_parameters& chosen) noexcept
{
    return chosen.window_log == usual_window_log;
}

class deflate_stream {
public:
    deflate_stream(int level, int window_bits, int memory_level, library_memory& from)
    {
        use_memory(stream_, from);
        if (deflateInit2(&stream_, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc();
    }
    deflate_stream(const deflate_stream&) = delete;
    deflate_stream& operator=(const deflate_stream&) = delete;
    ~deflate_stream() { deflateEnd(&stream_); }

    void start() { deflateReset(&stream_); }

    bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last)
    {
        while (!output.empty() && (last || !input.empty())) {
            const bool rest = last && input.size() <= UINT_MAX;
            const int result =
                turn(stream_, input, output, [rest](z_stream& s) { return deflate(&s, rest ? Z_FINISH : Z_NO_FLUSH); });
            if (result == Z_STREAM_END)
                return true;
            if (result != Z_OK && result != Z_BUF_ERROR)
                throw failure{errc::internal, stream_.msg ? stream_.msg : "deflate"};
        }
        return false;
    }

private:
    z_stream stream_ = {};
};

/// A stream whose end is known when it begins, and that is short, goes through `message_`.
class zlib_encoder final : public context {
public:
    zlib_encoder(codec which, const encoder_settings& settings, std::pmr::memory_resource& from)
        : zlib_encoder(which, deflate_parameters_of(which, settings), from)
    {}

    void start() override { current_ = nullptr; }

    bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override
    {
        if (!current_) {
            const bool is_message = message_ && last && input.size() <= most_of_message;
            current_ = is_message ? &*message_ : &stream_;
            current_->start();
        }
        return current_->run(input, output, last);
    }

private:
    zlib_encoder(codec which, const deflate_parameters& chosen, std::pmr::memory_resource& from)
        : context(from), stream_(chosen.level, window_bits(which, chosen.window_log), deflate_memory_level, memory_)
    {
        if (has_message_stream(chosen))
            message_.emplace(chosen.level, window_bits(which, message_window_log(which)), message_memory_level,
                             memory_);
    }

    deflate_stream stream_;
    std::optional<deflate_stream> message_;
    deflate_stream* current_ = nullptr; ///< null until the stream that began has some input or its end
};

template <codec Which>
std::unique_ptr<context> make_zlib_encoder(const encoder_settings& settings, std::pmr::memory_resource& from)
{
    return std::make_unique<zlib_encoder>(Which, settings, from);
}

template <codec Which>
std::unique_ptr<context> make_zlib_decoder(const decoder_settings& settings, std::pmr::memory_resource& from)
{
    return make_deflate_decoder(Which, settings, from);
}

// As zconf.h reckons, with the state itself.
constexpr std::size_t deflate_memory(int window_log, int memory_level) noexcept
{
    constexpr std::size_t state = std::size_t{8} << 10;
    return (std::size_t{1} << (window_log + 2)) + (std::size_t{1} << (memory_level + 9)) + state;
}

template <codec Which> std::size_t zlib_encoder_memory(const encoder_settings& settings)
{
    const deflate_parameters chosen = deflate_parameters_of(Which, settings);
    const std::size_t of_message =
        has_message_stream(chosen) ? deflate_memory(message_window_log(Which), message_memory_level) : 0;
    return deflate_memory(chosen.window_log, deflate_memory_level) + of_message;
}

// As deflateBound has it: stored blocks with the usual window, else the worst that fixed codes may do.
template <codec Which> std::size_t bound(std::size_t size, const encoder_settings& settings)
{
    constexpr std::size_t header_and_trailer = 18; // of gzip, the longest
    const bool usual = deflate_parameters_of(Which, settings).window_log == usual_window_log;
    return header_and_trailer + (usual ? compressBound(size) : size + ((size + 7) >> 3) + ((size + 63) >> 6) + 5);
}

std::string version_of_zlib()
{
    const std::string encoder = std::string("zlib ") + zlibVersion();
    const std::string decoder = deflate_decoder_version();
    return encoder == decoder ? encoder : encoder + ", " + decoder;
}

template <codec Which>
constexpr implementation with_zlib = {
    .version = version_of_zlib,
    .make_encoder = make_zlib_encoder<Which>,
    .make_decoder = make_zlib_decoder<Which>,
    .encoder_memory = zlib_encoder_memory<Which>,
    .decoder_memory = [](const decoder_settings&) { return deflate_decoder_memory(); },
    .bound = bound<Which>,
};

} // namespace

deflate_parameters deflate_parameters_of(codec which, const encoder_settings& settings)
{
    refuse_threads(which, settings);
    refuse_dictionary(which, settings.dictionary);
    const auto log = static_cast<int>(window_log(which, settings.window_bytes, 9, 15));
    return {level_number(which, settings.level, deflate_levels, 0, 9), log == 0 ? usual_window_log : log};
}

void use_memory(z_stream& stream, library_memory& from) noexcept
{
    stream.zalloc = [](void* memory, unsigned count, unsigned size) {
        return static_cast<library_memory*>(memory)->take(std::size_t{count} * size);
    };
    stream.zfree = [](void* memory, void* piece) { static_cast<library_memory*>(memory)->give_back(piece); };
    stream.opaque = &from;
}

const implementation gzip_implementation = with_zlib<codec::gzip>;
const implementation zlib_implementation = with_zlib<codec::zlib>;
const implementation deflate_implementation = with_zlib<codec::deflate>;

} // namespace weir::codecs
