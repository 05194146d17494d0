#include "compression/zstd.hpp"
#include "compression/stream_start.hpp"

#include <zdict.h>
#include <zstd_errors.h>

#include <new>

namespace weir::codecs {
namespace {

std::size_t check_zstd_encoding(std::size_t result)
{
    if (!ZSTD_isError(result))
        return result;
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
        throw std::bad_alloc();
    throw failure{errc::internal, ZSTD_getErrorName(result)};
}

constexpr int zstd_levels[] = {-5, 1, 3, 19};
constexpr unsigned most_zstd_threads = 200; // of the library

struct parameters {
    int level;
    int window_log;
};

parameters parameters_of(const encoder_settings& settings)
{
    if (settings.threads > most_zstd_threads)
        refuse_setting(codec::zstd, "threads", "at most 200 are possible");
    return {level_number(codec::zstd, settings.level, zstd_levels, ZSTD_minCLevel(), ZSTD_maxCLevel()),
            static_cast<int>(window_log(codec::zstd, settings.window_bytes, 10, 27))};
}

class zstd_encoder final : public context {
public:
    zstd_encoder(const encoder_settings& settings, std::pmr::memory_resource& from)
        : context(from), dictionary_(settings.dictionary)
    {
        const parameters chosen = parameters_of(settings);
        stream_.reset(ZSTD_createCCtx_advanced(zstd_memory(memory_)));
        if (!stream_)
            throw std::bad_alloc();
        set(ZSTD_c_compressionLevel, chosen.level);
        set(ZSTD_c_windowLog, chosen.window_log);
        set(ZSTD_c_checksumFlag, settings.checksum);
        if (settings.threads != 0)
            set(ZSTD_c_nbWorkers, static_cast<int>(settings.threads));
        check_zstd_dictionary(dictionary_);
        if (!dictionary_.empty())
            check_zstd_encoding(ZSTD_CCtx_loadDictionary_byReference(stream_.get(), dictionary_.content().data(),
                                                                     dictionary_.content().size()));
    }

    void start() override { check_zstd_encoding(ZSTD_CCtx_reset(stream_.get(), ZSTD_reset_session_only)); }

    void expect(std::uint64_t size) override { check_zstd_encoding(ZSTD_CCtx_setPledgedSrcSize(stream_.get(), size)); }

    bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override
    {
        ZSTD_inBuffer in{input.data(), input.size(), 0};
        ZSTD_outBuffer out{output.data(), output.size(), 0};
        bool ended = false;
        while (!ended && out.pos < out.size && (in.pos < in.size || last))
            ended =
                check_zstd_encoding(ZSTD_compressStream2(stream_.get(), &out, &in, last ? ZSTD_e_end : ZSTD_e_continue))
                    == 0
                && last;
        input = input.subspan(in.pos);
        output = output.subspan(out.pos);
        return ended;
    }

private:
    struct release {
        void operator()(ZSTD_CCtx* stream) const noexcept { ZSTD_freeCCtx(stream); }
    };

    void set(ZSTD_cParameter which, int value)
    {
        const std::size_t result = ZSTD_CCtx_setParameter(stream_.get(), which, value);
        if (ZSTD_isError(result))
            refuse_setting(codec::zstd, which == ZSTD_c_nbWorkers ? "threads" : "level", ZSTD_getErrorName(result));
    }

    dictionary dictionary_; // the stream refers to it
    std::unique_ptr<ZSTD_CCtx, release> stream_;
};

std::size_t zstd_encoder_memory(const encoder_settings& settings)
{
    const parameters chosen = parameters_of(settings);
    ZSTD_compressionParameters matching =
        ZSTD_getCParams(chosen.level, ZSTD_CONTENTSIZE_UNKNOWN, settings.dictionary.content().size());
    if (chosen.window_log != 0)
        matching.windowLog = static_cast<unsigned>(chosen.window_log);
    const std::size_t dictionary = settings.dictionary.empty()
        ? 0
        : ZSTD_estimateCDictSize_advanced(settings.dictionary.content().size(), matching, ZSTD_dlm_byRef);
    const std::size_t one = ZSTD_estimateCStreamSize_usingCParams(matching);
    if (settings.threads == 0)
        return one + dictionary;
    // A job is four windows, at least 512 KiB; each thread has one, and there is one more of them that waits, or is
    // being filled.
    const std::size_t window = std::size_t{1} << matching.windowLog;
    const std::size_t job = std::max(4 * window, std::size_t{1} << 20);
    return (settings.threads + 1) * (one + 2 * ZSTD_compressBound(job)) + 2 * job + dictionary;
}

std::size_t zstd_decoder_memory(const decoder_settings& settings)
{
    constexpr std::uint64_t largest_window = (std::uint64_t{1} << ZSTD_WINDOWLOG_MAX) * 15 / 8;
    const std::uint64_t window = std::min(settings.max_memory_bytes, largest_window);
    return ZSTD_estimateDStreamSize(window)
        + ZSTD_estimateDDictSize(settings.dictionary.content().size(), ZSTD_dlm_byRef);
}

} // namespace

std::size_t zstd_window_bytes(const encoder_settings& settings)
{
    const parameters chosen = parameters_of(settings);
    const auto usual = static_cast<int>(ZSTD_getCParams(chosen.level, ZSTD_CONTENTSIZE_UNKNOWN, 0).windowLog);
    return std::size_t{1} << (chosen.window_log == 0 ? usual : chosen.window_log);
}

void check_zstd_dictionary(const dictionary& given)
{
    if (given.content().size() < 8 || little_endian(given.content().first(4)) != ZSTD_MAGIC_DICTIONARY)
        return;
    const std::size_t tables = ZDICT_getDictHeaderSize(given.content().data(), given.content().size());
    if (!ZDICT_isError(tables))
        return;
    if (ZSTD_getErrorCode(tables) == ZSTD_error_memory_allocation)
        throw std::bad_alloc();
    refuse_setting(codec::zstd, "dictionary", ZDICT_getErrorName(tables));
}

std::unique_ptr<context> make_zstd_encoder(const encoder_settings& settings, std::pmr::memory_resource& from)
{
    return std::make_unique<zstd_encoder>(settings, from);
}

const implementation zstd_implementation = {
    .version = [] { return std::string("libzstd ") + ZSTD_versionString(); },
    .make_encoder = make_zstd_encoder,
    .make_decoder = make_zstd_decoder,
    .encoder_memory = zstd_encoder_memory,
    .decoder_memory = zstd_decoder_memory,
    .bound =
        [](std::size_t size, const encoder_settings& settings) {
            static_cast<void>(parameters_of(settings));
            constexpr std::size_t header_and_checksum = ZSTD_FRAMEHEADERSIZE_MAX + 4;
            return ZSTD_compressBound(size) + header_and_checksum;
        },
};

} // namespace weir::codecs
