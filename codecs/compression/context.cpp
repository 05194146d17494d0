#include "compression/context.hpp"

#include "weir_config.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace weir::codecs {
namespace {

constexpr std::size_t prefix_bytes = 16; // holds the size, and keeps what follows aligned
static_assert(prefix_bytes >= sizeof(std::size_t) && prefix_bytes % alignof(std::max_align_t) == 0);

const implementation* const implementations[] = { // by the codec's number
    &identity_implementation,
#if WEIR_HAVE_ZSTD
    &zstd_implementation,
#else
    nullptr,
#endif
#if WEIR_HAVE_LZ4
    &lz4_implementation,
#else
    nullptr,
#endif
#if WEIR_HAVE_ZLIB
    &gzip_implementation,
    &zlib_implementation,
    &deflate_implementation,
#else
    nullptr,
    nullptr,
    nullptr,
#endif
#if WEIR_HAVE_LZMA
    &xz_implementation,
    &lzma_implementation,
#else
    nullptr,
    nullptr,
#endif
};

} // namespace

context::~context() = default;

namespace {

template <class Call> void begin(codec which, Call call)
{
    try {
        call();
    }
    catch (const failure& why) {
        throw error(why.code, "begin", to_string(which), std::nullopt, why.why);
    }
}

} // namespace

void start(context& stream, codec which)
{
    begin(which, [&] { stream.start(); });
}

void expect(context& stream, codec which, std::uint64_t size)
{
    begin(which, [&] { stream.expect(size); });
}

void* library_memory::take(std::size_t bytes) noexcept
{
    if (bytes > SIZE_MAX - prefix_bytes)
        return nullptr;
    try {
        void* const whole = from_.allocate(bytes + prefix_bytes, prefix_bytes);
        std::memcpy(whole, &bytes, sizeof bytes);
        held_.fetch_add(bytes, std::memory_order_relaxed);
        return static_cast<std::byte*>(whole) + prefix_bytes;
    }
    catch (...) {
        return nullptr;
    }
}

void library_memory::give_back(void* memory) noexcept
{
    if (!memory)
        return;
    void* const whole = static_cast<std::byte*>(memory) - prefix_bytes;
    const std::size_t bytes = size_of(memory);
    held_.fetch_sub(bytes, std::memory_order_relaxed);
    from_.deallocate(whole, bytes + prefix_bytes, prefix_bytes);
}

std::size_t library_memory::size_of(const void* memory) noexcept
{
    std::size_t bytes = 0;
    std::memcpy(&bytes, static_cast<const std::byte*>(memory) - prefix_bytes, sizeof bytes);
    return bytes;
}

const implementation& find_implementation(codec which)
{
    const implementation* const found = implementations[static_cast<std::size_t>(which)];
    if (!found)
        throw error(errc::codec_unavailable, "use", to_string(which));
    return *found;
}

void refuse_setting(codec which, const char* setting, const std::string& why)
{
    throw error(errc::bad_configuration, "set", setting, std::nullopt, std::string(to_string(which)) + ": " + why);
}

int level_number(codec which, codec_level level, const int (&by_name)[4], int least, int most)
{
    if (!level.is_number())
        return by_name[level.name()];
    if (level.number() < least || level.number() > most)
        refuse_setting(which, "level",
                       std::to_string(level.number()) + "; " + std::to_string(least) + " to " + std::to_string(most)
                           + " are possible");
    return level.number();
}

unsigned window_log(codec which, std::size_t window_bytes, unsigned least, unsigned most)
{
    if (window_bytes == 0)
        return 0;
    const auto log = static_cast<unsigned>(std::countr_zero(window_bytes));
    if (!std::has_single_bit(window_bytes) || log < least || log > most)
        refuse_setting(which, "window",
                       std::to_string(window_bytes) + " bytes; a power of two from "
                           + std::to_string(std::size_t{1} << least) + " to " + std::to_string(std::size_t{1} << most)
                           + " is possible");
    return log;
}

void refuse_window(codec which, const encoder_settings& settings)
{
    if (settings.window_bytes != 0)
        refuse_setting(which, "window", "it has none to set");
}

void refuse_threads(codec which, const encoder_settings& settings)
{
    if (settings.threads != 0)
        refuse_setting(which, "threads", "its library has none");
}

void refuse_dictionary(codec which, const dictionary& given)
{
    if (!given.empty())
        refuse_setting(which, "dictionary", "only zstd takes one");
}

} // namespace weir::codecs

namespace weir {

bool is_built_in(codec which) noexcept
{
    return codecs::implementations[static_cast<std::size_t>(which)] != nullptr;
}

std::string implementation_of(codec which)
{
    return is_built_in(which) ? codecs::find_implementation(which).version() : std::string();
}

std::size_t max_compressed_size(codec which, std::size_t size, const encoder_settings& settings)
{
    return codecs::find_implementation(which).bound(size, settings);
}

std::size_t encoder_memory(codec which, const encoder_settings& settings)
{
    return codecs::find_implementation(which).encoder_memory(settings);
}

std::size_t decoder_memory(codec which, const decoder_settings& settings)
{
    return codecs::find_implementation(which).decoder_memory(settings);
}

codec_preset low_memory_preset() { return {codec::lz4, {}, std::size_t{4} << 10}; }
codec_preset balanced_preset() { return {codec::zstd, {.level = 6}, std::size_t{128} << 10}; }
codec_preset high_ratio_preset() { return {codec::xz, {.level = codec_level::best}, std::size_t{512} << 10}; }

} // namespace weir
