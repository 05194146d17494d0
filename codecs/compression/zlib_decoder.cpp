// gzip, zlib and raw deflate decoded by zlib.

#include "compression/deflate_decoder.hpp"
#include "compression/zlib.hpp"

#include <new>
#include <string_view>

namespace weir::codecs {
namespace {

errc code_of_message(std::string_view message) noexcept
{
    if (message == "incorrect data check" || message == "incorrect length check" || message == "header crc mismatch")
        return errc::checksum_mismatch;
    if (message == "unknown compression method" || message == "unknown header flags set")
        return errc::unsupported_format;
    return errc::corrupt_data;
}

class zlib_decoder final : public deflate_decoder {
public:
    zlib_decoder(codec which, const decoder_settings& settings, std::pmr::memory_resource& from)
        : deflate_decoder(which, settings, from)
    {
        use_memory(stream_, memory_);
        if (inflateInit2(&stream_, window_bits(which, usual_window_log)) != Z_OK)
            throw std::bad_alloc();
        inflateValidate(&stream_, settings.verify_checksum);
    }
    ~zlib_decoder() override { inflateEnd(&stream_); }

private:
    void begin_member() override { inflateReset(&stream_); }

    bool inflate_member(std::span<const std::byte>& input, std::span<std::byte>& output) override
    {
        const int result = turn(stream_, input, output, [](z_stream& s) { return inflate(&s, Z_NO_FLUSH); });
        switch (result) {
        case Z_STREAM_END: return true;
        case Z_OK:
        case Z_BUF_ERROR: return false;
        case Z_MEM_ERROR: throw std::bad_alloc();
        case Z_NEED_DICT: throw failure{errc::unknown_dictionary, "the stream names one"};
        default: throw failure{code_of_message(stream_.msg ? stream_.msg : ""), stream_.msg ? stream_.msg : "inflate"};
        }
    }

    z_stream stream_ = {};
};

} // namespace

std::unique_ptr<context> make_deflate_decoder(codec which, const decoder_settings& settings,
                                              std::pmr::memory_resource& from)
{
    return std::make_unique<zlib_decoder>(which, settings, from);
}

// As zconf.h reckons, with the state itself.
std::size_t deflate_decoder_memory() noexcept
{
    constexpr std::size_t state = std::size_t{10} << 10;
    return (std::size_t{1} << usual_window_log) + state;
}

std::string deflate_decoder_version() { return std::string("zlib ") + zlibVersion(); }

} // namespace weir::codecs
