// xz and LZMA alone, but for the decoder of xz, which has a file of its own.

#include "compression/lzma.hpp"

#include <algorithm>
#include <new>

namespace weir::codecs {
namespace {

constexpr int lzma_levels[] = {0, 2, 6, 9};
constexpr unsigned most_lzma_threads = 1024;

void check_encoding(lzma_ret result)
{
    if (result == LZMA_MEM_ERROR)
        throw std::bad_alloc();
    if (result != LZMA_OK && result != LZMA_STREAM_END && result != LZMA_BUF_ERROR)
        throw failure{errc::internal, "liblzma"};
}

class lzma_encoder final : public context {
public:
    lzma_encoder(codec which, const encoder_settings& settings, std::pmr::memory_resource& from)
        : context(from), which_(which), options_(lzma_options_of(which, settings)), threads_(settings.threads),
          check_(settings.checksum ? LZMA_CHECK_CRC64 : LZMA_CHECK_NONE), coder_(memory_)
    {}

    void start() override
    {
        const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options_}, {LZMA_VLI_UNKNOWN, nullptr}};
        if (which_ == codec::lzma)
            check_encoding(lzma_alone_encoder(&coder_.stream(), &options_));
        else if (threads_ == 0)
            check_encoding(lzma_stream_encoder(&coder_.stream(), filters, check_));
        else
            start_threads(filters);
    }

    bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override
    {
        while (!output.empty() && (last || !input.empty())) {
            const lzma_ret result = coder_.turn(input, output, last ? LZMA_FINISH : LZMA_RUN);
            check_encoding(result);
            if (result == LZMA_STREAM_END)
                return true;
        }
        return false;
    }

private:
    void start_threads(const lzma_filter* filters)
    {
        lzma_mt how{};
        how.threads = threads_;
        how.filters = filters;
        how.check = check_;
        check_encoding(lzma_stream_encoder_mt(&coder_.stream(), &how));
    }

    const codec which_;
    lzma_options_lzma options_;
    const unsigned threads_;
    const lzma_check check_;
    lzma_coder coder_;
};

class lzma_alone_decoder_context final : public context {
public:
    lzma_alone_decoder_context(const decoder_settings& settings, std::pmr::memory_resource& from)
        : context(from), max_memory_(settings.max_memory_bytes), concatenated_(settings.concatenated), coder_(memory_)
    {
        refuse_dictionary(codec::lzma, settings.dictionary);
    }

    void start() override
    {
        check_decoding(lzma_alone_decoder(&coder_.stream(), max_memory_));
        ended_ = false;
    }

    bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override
    {
        while (!ended_ && !output.empty()) {
            const std::size_t before = input.size() + output.size();
            const lzma_ret result = coder_.turn(input, output, LZMA_RUN);
            check_decoding(result);
            ended_ = result == LZMA_STREAM_END;
            if (!ended_ && input.size() + output.size() == before) {
                if (last)
                    throw failure{errc::truncated, "in its content"};
                return false;
            }
        }
        if (ended_ && concatenated_ && !input.empty())
            throw failure{errc::trailing_data, "after the stream"};
        return ended_ && (last || !concatenated_);
    }

private:
    const std::uint64_t max_memory_;
    const bool concatenated_;
    lzma_coder coder_;
    bool ended_ = false;
};

template <codec Which>
std::unique_ptr<context> make_lzma_encoder(const encoder_settings& settings, std::pmr::memory_resource& from)
{
    return std::make_unique<lzma_encoder>(Which, settings, from);
}

std::unique_ptr<context> make_alone_decoder(const decoder_settings& settings, std::pmr::memory_resource& from)
{
    return std::make_unique<lzma_alone_decoder_context>(settings, from);
}

template <codec Which> std::size_t lzma_encoder_memory(const encoder_settings& settings)
{
    lzma_options_lzma options = lzma_options_of(Which, settings);
    const lzma_filter filters[] = {{Which == codec::xz ? LZMA_FILTER_LZMA2 : LZMA_FILTER_LZMA1, &options},
                                   {LZMA_VLI_UNKNOWN, nullptr}};
    if (settings.threads == 0)
        return lzma_raw_encoder_memusage(filters);
    lzma_mt how{};
    how.threads = settings.threads;
    how.filters = filters;
    how.check = LZMA_CHECK_CRC64;
    return lzma_stream_encoder_mt_memusage(&how);
}

std::size_t lzma_decoder_memory(const decoder_settings& settings)
{
    return std::min<std::uint64_t>(settings.max_memory_bytes, SIZE_MAX);
}

std::string lzma_version() { return std::string("liblzma ") + lzma_version_string(); }

} // namespace

lzma_options_lzma lzma_options_of(codec which, const encoder_settings& settings)
{
    refuse_dictionary(which, settings.dictionary);
    if (which == codec::lzma)
        refuse_threads(which, settings);
    if (settings.threads > most_lzma_threads)
        refuse_setting(which, "threads", "at most 1024 are possible");
    const bool extreme = settings.level == codec_level(codec_level::best);
    const int level = level_number(which, settings.level, lzma_levels, 0, 9);
    lzma_options_lzma out{};
    lzma_lzma_preset(&out, static_cast<std::uint32_t>(level) | (extreme ? LZMA_PRESET_EXTREME : 0));
    if (const unsigned log = window_log(which, settings.window_bytes, 12, 30); log != 0)
        out.dict_size = std::uint32_t{1} << log;
    return out;
}

lzma_ret lzma_coder::turn(std::span<const std::byte>& input, std::span<std::byte>& output, lzma_action action) noexcept
{
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(input.data());
    stream_.avail_in = input.size();
    stream_.next_out = reinterpret_cast<std::uint8_t*>(output.data());
    stream_.avail_out = output.size();
    const lzma_ret result = lzma_code(&stream_, action);
    input = input.last(stream_.avail_in);
    output = output.last(stream_.avail_out);
    return result;
}

void check_decoding(lzma_ret result)
{
    switch (result) {
    case LZMA_OK:
    case LZMA_STREAM_END:
    case LZMA_BUF_ERROR: return; // no progress without more input or room
    case LZMA_MEM_ERROR: throw std::bad_alloc();
    case LZMA_MEMLIMIT_ERROR: throw failure{errc::limit_exceeded, "the memory of the decoder"};
    case LZMA_FORMAT_ERROR: throw failure{errc::bad_format, "another kind of data"};
    case LZMA_OPTIONS_ERROR: throw failure{errc::unsupported_format, "options that liblzma does not have"};
    default: throw failure{errc::corrupt_data, "liblzma finds it so"};
    }
}

const implementation xz_implementation = {
    .version = lzma_version,
    .make_encoder = make_lzma_encoder<codec::xz>,
    .make_decoder = make_xz_decoder,
    .encoder_memory = lzma_encoder_memory<codec::xz>,
    .decoder_memory = lzma_decoder_memory,
    .bound =
        [](std::size_t size, const encoder_settings& settings) {
            static_cast<void>(lzma_options_of(codec::xz, settings));
            // Threads make blocks of 1 MiB at least, each with a header, a check and a place in the index.
            constexpr std::size_t of_a_block = 128;
            return lzma_stream_buffer_bound(size) + (size >> 20) * of_a_block;
        },
};

const implementation lzma_implementation = {
    .version = lzma_version,
    .make_encoder = make_lzma_encoder<codec::lzma>,
    .make_decoder = make_alone_decoder,
    .encoder_memory = lzma_encoder_memory<codec::lzma>,
    .decoder_memory = lzma_decoder_memory,
    .bound =
        [](std::size_t size, const encoder_settings& settings) {
            static_cast<void>(lzma_options_of(codec::lzma, settings));
            return size + size / 3 + 128; // it has no stored blocks, and the library names no bound
        },
};

} // namespace weir::codecs
