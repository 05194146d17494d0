#pragma once
// What every library's encoder and decoder look like from above, and how each is found.

#include <weir/codec_settings.hpp>
#include <weir/error.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>

namespace weir::codecs {

/// Why a stream cannot be decoded; the decoder adds codec and offset.
struct failure {
    errc code;
    const char* why;
};

/// Memory for a C library: each piece knows its size, so that it can go back to its resource. Counts what is held.
/// The libraries' own threads may use it.
class library_memory {
public:
    explicit library_memory(std::pmr::memory_resource& from) noexcept : from_(from) {}
    library_memory(const library_memory&) = delete;
    library_memory& operator=(const library_memory&) = delete;

    /// Null where there is none: libraries know no exceptions.
    [[nodiscard]] void* take(std::size_t bytes) noexcept;
    void give_back(void* memory) noexcept;
    /// Of a piece that was taken.
    [[nodiscard]] static std::size_t size_of(const void* memory) noexcept;

    [[nodiscard]] std::size_t held_bytes() const noexcept { return held_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::pmr::memory_resource& resource() const noexcept { return from_; }

private:
    std::pmr::memory_resource& from_;
    std::atomic<std::size_t> held_ = 0;
};

/// One direction of one codec, with its settings.
class context {
public:
    explicit context(std::pmr::memory_resource& from) noexcept : memory_(from) {}
    context(const context&) = delete;
    context& operator=(const context&) = delete;
    virtual ~context();

    /// Begins a stream, whatever was before.
    virtual void start() = 0;

    /// The stream that begins will have so much content: an encoder may say so in front.
    virtual void expect(std::uint64_t /*size*/) {}

    /// Works until `output` is full or `input` is used up and nothing more can be given; cuts off from both what it
    /// used. `last`: nothing follows `input`.
    /// \returns  whether the stream is whole
    /// \throws failure
    virtual bool run(std::span<const std::byte>& input, std::span<std::byte>& output, bool last) = 0;

    [[nodiscard]] virtual std::size_t held_bytes() const noexcept { return memory_.held_bytes(); }

protected:
    library_memory memory_;
};

/// Begins a stream of `which`.
/// \throws weir::error  what the library says against it
void start(context& stream, codec which);
/// Tells it of its content.
/// \throws weir::error  what the library says against it
void expect(context& stream, codec which, std::uint64_t size);

/// What a library offers for one codec.
struct implementation {
    std::string (*version)();
    std::unique_ptr<context> (*make_encoder)(const encoder_settings&, std::pmr::memory_resource&);
    std::unique_ptr<context> (*make_decoder)(const decoder_settings&, std::pmr::memory_resource&);
    std::size_t (*encoder_memory)(const encoder_settings&);
    std::size_t (*decoder_memory)(const decoder_settings&);
    std::size_t (*bound)(std::size_t size, const encoder_settings&);
};

/// \throws weir::error  `errc::codec_unavailable`
[[nodiscard]] const implementation& find_implementation(codec which);

extern const implementation identity_implementation;
extern const implementation zstd_implementation;
extern const implementation lz4_implementation;
extern const implementation gzip_implementation;
extern const implementation zlib_implementation;
extern const implementation deflate_implementation;
extern const implementation xz_implementation;
extern const implementation lzma_implementation;

/// The number of a level: of `by_name`, or the codec's own if it is within `least` and `most`.
/// \throws weir::error  `errc::bad_configuration`
[[nodiscard]] int level_number(codec which, codec_level level, const int (&by_name)[4], int least, int most);

/// The logarithm of `window_bytes`; 0 for 0.
/// \throws weir::error  `errc::bad_configuration`: no power of two, or out of bounds
[[nodiscard]] unsigned window_log(codec which, std::size_t window_bytes, unsigned least, unsigned most);

/// \throws weir::error  `errc::bad_configuration`, where the codec has no such thing and the settings want it
void refuse_window(codec which, const encoder_settings& settings);
void refuse_threads(codec which, const encoder_settings& settings);
void refuse_dictionary(codec which, const dictionary& given);

[[noreturn]] void refuse_setting(codec which, const char* setting, const std::string& why);

inline std::byte take_front(std::span<const std::byte>& input) noexcept
{
    const std::byte first = input.front();
    input = input.subspan(1);
    return first;
}

} // namespace weir::codecs
