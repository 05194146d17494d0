// gzip, zlib and raw deflate: encoders by zlib, which tells them apart by its window bits.

#include "compression/zlib.hpp"

#include "compression/deflate_decoder.hpp"

#include <new>
#include <string>

namespace weir::codecs {
namespace {

constexpr int deflate_levels[] = {1, 3, 6, 9};

class zlib_encoder final : public context {
public:
    zlib_encoder(codec which, const encoder_settings& settings, std::pmr::memory_resource& from) : context(from)
    {
        const deflate_parameters chosen = deflate_parameters_of(which, settings);
        use_memory(stream_, memory_);
        if (deflateInit2(&stream_, chosen.level, Z_DEFLATED, window_bits(which, chosen.window_log),
                         deflate_memory_level, Z_DEFAULT_STRATEGY)
            != Z_OK)
            throw std::bad_alloc();
    }
    ~zlib_encoder() override { deflateEnd(&stream_); }

    void start() override { deflateReset(&stream_); }

    bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override
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
template <codec Which> std::size_t zlib_encoder_memory(const encoder_settings& settings)
{
    constexpr std::size_t state = std::size_t{8} << 10;
    return (std::size_t{1} << (deflate_parameters_of(Which, settings).window_log + 2))
        + (std::size_t{1} << (deflate_memory_level + 9)) + state;
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
