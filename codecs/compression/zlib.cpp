// gzip, zlib and raw deflate: one library, told apart by its window bits.

#include "compression/zlib.hpp"

#include "compression/stream_start.hpp"

#include <algorithm>
#include <climits>
#include <cstring>
#include <new>
#include <string_view>

namespace weir::codecs {
namespace {

constexpr int levels[] = {1, 3, 6, 9};
constexpr int usual_window_log = 15;

/// One call of the library, which counts in `unsigned`.
template <class Call>
int turn(z_stream& stream, std::span<const std::byte>& input, std::span<std::byte>& output, Call call)
{
    const auto in = static_cast<unsigned>(std::min<std::size_t>(input.size(), UINT_MAX));
    const auto out = static_cast<unsigned>(std::min<std::size_t>(output.size(), UINT_MAX));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
    stream.avail_in = in;
    stream.next_out = reinterpret_cast<Bytef*>(output.data());
    stream.avail_out = out;
    const int result = call(stream);
    input = input.subspan(in - stream.avail_in);
    output = output.subspan(out - stream.avail_out);
    return result;
}

class zlib_encoder final : public context {
public:
    zlib_encoder(codec which, const encoder_settings& settings, std::pmr::memory_resource& from) : context(from)
    {
        const deflate_parameters chosen = deflate_parameters_of(which, settings);
        use_memory(stream_, memory_);
        if (deflateInit2(&stream_, chosen.level, Z_DEFLATED, window_bits(which, chosen.window_log), deflate_memory_level,
                         Z_DEFAULT_STRATEGY) != Z_OK)
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

/// Whether a stream, or a member of gzip, could begin so; false as soon as that is clear.
bool could_begin(codec which, std::span<const std::byte> start) noexcept
{
    constexpr std::uint8_t gzip_magic[] = {0x1f, 0x8b};
    if (which == codec::gzip)
        return could_be(start, gzip_magic);
    if (which == codec::deflate || start.size() < 2)
        return true; // RFC 1951 has no header; of RFC 1950 two bytes are a multiple of 31
    const auto high = std::to_integer<unsigned>(start[0]);
    const auto low = std::to_integer<unsigned>(start[1]);
    return (high << 8 | low) % 31 == 0;
}

errc code_of_message(std::string_view message) noexcept
{
    if (message == "incorrect data check" || message == "incorrect length check" || message == "header crc mismatch")
        return errc::checksum_mismatch;
    if (message == "unknown compression method" || message == "unknown header flags set")
        return errc::unsupported_format;
    return errc::corrupt_data;
}

class zlib_decoder final : public context {
public:
    zlib_decoder(codec which, const decoder_settings& settings, std::pmr::memory_resource& from)
        : context(from), which_(which), concatenated_(settings.concatenated)
    {
        refuse_dictionary(which, settings.dictionary);
        use_memory(stream_, memory_);
        if (inflateInit2(&stream_, window_bits(which, usual_window_log)) != Z_OK)
            throw std::bad_alloc();
        inflateValidate(&stream_, settings.verify_checksum);
    }
    ~zlib_decoder() override { inflateEnd(&stream_); }

    void start() override
    {
        inflateReset(&stream_);
        step_ = step::first;
        start_.clear();
    }

    bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) override
    {
        while (!output.empty()) {
            if (step_ == step::ended && end_of_stream(input, last))
                return true;
            if (step_ != step::body && !begin(input)) {
                if (last)
                    throw failure{errc::truncated, "before its content"};
                return false;
            }
            if (step_ == step::body && !inflate_some(input, output, last))
                return false;
        }
        return step_ == step::ended && !concatenated_;
    }

private:
    enum class step { first, body, ended };

    /// Looks at what begins here.
    /// \returns  whether enough of it is there
    bool begin(std::span<const std::byte>& input)
    {
        const bool enough = which_ == codec::deflate ? !input.empty() : start_.fill(input, 2);
        if (!could_begin(which_, start_.bytes()))
            throw step_ == step::first ? failure{errc::bad_format, "another kind of data"}
                                       : failure{errc::trailing_data, "no other member"};
        if (!enough)
            return false;
        if (step_ == step::ended)
            inflateReset(&stream_);
        step_ = step::body;
        return true;
    }

    /// After the end of a stream, or of a member.
    /// \returns  whether nothing more can come
    bool end_of_stream(std::span<const std::byte>& input, bool last)
    {
        if (!concatenated_)
            return true;
        if (which_ == codec::gzip && start_.empty()) {
            const auto is_content = [](std::byte each) { return each != std::byte{0}; };
            const auto not_zero = std::find_if(input.begin(), input.end(), is_content);
            padded_ = padded_ || not_zero != input.begin();
            input = input.subspan(static_cast<std::size_t>(not_zero - input.begin()));
        }
        if (!input.empty() && (which_ != codec::gzip || padded_))
            throw failure{errc::trailing_data, padded_ ? "after zeros" : "after the stream"};
        return last && input.empty() && start_.empty();
    }

    /// \returns  whether there is more to do
    bool inflate_some(std::span<const std::byte>& input, std::span<std::byte>& output, bool last)
    {
        int result = Z_OK;
        for (std::span<const std::byte> held = start_.bytes(); result == Z_OK && !held.empty();)
            result = turn(stream_, held, output, [](z_stream& s) { return inflate(&s, Z_NO_FLUSH); });
        start_.clear();
        if (result == Z_OK)
            result = turn(stream_, input, output, [](z_stream& s) { return inflate(&s, Z_NO_FLUSH); });
        if (result == Z_STREAM_END) {
            step_ = step::ended;
            padded_ = false;
            return true;
        }
        if (result == Z_OK || result == Z_BUF_ERROR) {
            if (last && input.empty() && !output.empty())
                throw failure{errc::truncated, "in its content"};
            return !input.empty();
        }
        if (result == Z_MEM_ERROR)
            throw std::bad_alloc();
        if (result == Z_NEED_DICT)
            throw failure{errc::unknown_dictionary, "the stream names one"};
        throw failure{code_of_message(stream_.msg ? stream_.msg : ""), stream_.msg ? stream_.msg : "inflate"};
    }

    const codec which_;
    const bool concatenated_;
    z_stream stream_ = {};
    stream_start<2> start_;
    step step_ = step::first;
    bool padded_ = false; // zeros follow the last member
};

template <codec Which>
std::unique_ptr<context> make_encoder(const encoder_settings& settings, std::pmr::memory_resource& from)
{
    return std::make_unique<zlib_encoder>(Which, settings, from);
}

template <codec Which>
std::unique_ptr<context> make_decoder(const decoder_settings& settings, std::pmr::memory_resource& from)
{
    return std::make_unique<zlib_decoder>(Which, settings, from);
}

// As zconf.h reckons, with the state itself.
template <codec Which> std::size_t encoder_memory(const encoder_settings& settings)
{
    constexpr std::size_t state = std::size_t{8} << 10;
    return (std::size_t{1} << (deflate_parameters_of(Which, settings).window_log + 2))
        + (std::size_t{1} << (deflate_memory_level + 9)) + state;
}

std::size_t decoder_memory(const decoder_settings&)
{
    constexpr std::size_t state = std::size_t{10} << 10;
    return (std::size_t{1} << usual_window_log) + state;
}

// As deflateBound has it: stored blocks with the usual window, else the worst that fixed codes may do.
template <codec Which> std::size_t bound(std::size_t size, const encoder_settings& settings)
{
    constexpr std::size_t header_and_trailer = 18; // of gzip, the longest
    const bool usual = deflate_parameters_of(Which, settings).window_log == usual_window_log;
    return header_and_trailer + (usual ? compressBound(size) : size + ((size + 7) >> 3) + ((size + 63) >> 6) + 5);
}

template <codec Which> constexpr implementation with_zlib = {
    .version = [] { return std::string("zlib ") + zlibVersion(); },
    .make_encoder = make_encoder<Which>,
    .make_decoder = make_decoder<Which>,
    .encoder_memory = encoder_memory<Which>,
    .decoder_memory = decoder_memory,
    .bound = bound<Which>,
};

} // namespace

deflate_parameters deflate_parameters_of(codec which, const encoder_settings& settings)
{
    refuse_threads(which, settings);
    refuse_dictionary(which, settings.dictionary);
    const auto log = static_cast<int>(window_log(which, settings.window_bytes, 9, 15));
    return {level_number(which, settings.level, levels, 0, 9), log == 0 ? usual_window_log : log};
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
