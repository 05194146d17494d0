#pragma once
// How to encode and how far to trust what is decoded.

#include <weir/codec.hpp>
#include <weir/dictionary.hpp>
#include <weir/export.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace weir {

/// How hard an encoder tries: by name, or by the codec's own number.
class codec_level {
public:
    enum named : std::uint8_t {
        fastest,  ///< zstd -5, lz4 -8, deflate 1, xz 0
        fast,     ///< zstd 1, lz4 1, deflate 3, xz 2
        standard, ///< zstd 3, lz4 1, deflate 6, xz 6: what their tools do unasked
        best,     ///< zstd 19, lz4 12, deflate 9, xz 9 "extreme"
    };

    constexpr codec_level(named name) noexcept : name_(name) {}
    /// zstd: -131072 to 22; lz4: -65537 to 12, below 0 faster still; deflate, gzip, zlib, xz, lzma: 0 to 9;
    /// identity: none.
    constexpr codec_level(int number) noexcept : number_(number), is_number_(true) {}

    [[nodiscard]] constexpr bool is_number() const noexcept { return is_number_; }
    [[nodiscard]] constexpr named name() const noexcept { return name_; }
    [[nodiscard]] constexpr int number() const noexcept { return number_; }

    friend constexpr bool operator==(const codec_level&, const codec_level&) noexcept = default;

private:
    int number_ = 0;
    named name_ = standard;
    bool is_number_ = false;
};

/// How to encode. What a codec does not have is refused (`errc::bad_configuration`), never ignored, but for the
/// checksum.
struct encoder_settings {
    codec_level level = codec_level::standard;
    /// How far back matches may lie, in bytes: a power of two. 0: as the level has it. zstd 1 KiB to 128 MiB (more
    /// needs decoders that are told so), deflate 512 to 32 KiB, xz and lzma 4 KiB to 1 GiB; not for lz4.
    std::size_t window_bytes = 0;
    /// Threads of the library's own that encode one stream: zstd and xz. 0: none, all is done by the caller's thread.
    /// An encoder with threads waits for them in `pull`, for seconds if need be, and `codec_pool` does not keep its
    /// context; sources and sinks, which share the engine's workers with others, refuse it.
    unsigned threads = 0;
    /// Whether decoders can check the content. gzip and zlib always have a checksum, raw deflate and lzma never.
    bool checksum = true;
    /// zstd: what decoders need too. Others have none here.
    weir::dictionary dictionary = {};

    friend bool operator==(const encoder_settings&, const encoder_settings&) noexcept = default;
};

/// No limit, for those of `decoder_settings`.
inline constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

/// How far to trust what is decoded. Passing a limit is `errc::limit_exceeded`. Of the sizes that a stream declares,
/// that of its window counts for memory; those of its content for nothing.
struct decoder_settings {
    /// The most bytes that a stream may give; exact.
    std::uint64_t max_output_bytes = std::uint64_t{16} << 30;
    /// The most bytes of output for each byte of input, once `ratio_free_bytes` were given. 0: any. Looked at each time
    /// that output was given, 64 KiB apart at most beyond the limit: how far the library has read by then depends on
    /// the cuts, so a stream that just passes the limit may be refused with some cuts and not with others.
    std::uint32_t max_ratio = 1000;
    std::uint64_t ratio_free_bytes = std::uint64_t{64} << 20;
    /// zstd: the largest window; lz4: of blocks; xz and lzma: the memory of their decoders.
    std::uint64_t max_memory_bytes = std::uint64_t{128} << 20;
    /// Whether checksums are verified where the stream has them.
    bool verify_checksum = true;
    /// Whether another frame, member or stream may follow the first, as the formats allow. Else the decoder is done
    /// after the first, and leaves what follows.
    bool concatenated = true;
    /// For zstd frames that name it.
    weir::dictionary dictionary = {};

    friend bool operator==(const decoder_settings&, const decoder_settings&) noexcept = default;
};

/// A codec with settings, and the size of buffer that goes well with it: `encoding_options` have a place for each.
struct codec_preset {
    weir::codec codec = weir::codec::identity;
    encoder_settings settings = {};
    std::size_t buffer_bytes = 0;
};

[[nodiscard]] WEIR_API codec_preset low_memory_preset();  ///< lz4, 4 KiB
[[nodiscard]] WEIR_API codec_preset balanced_preset();    ///< zstd 6, 128 KiB
[[nodiscard]] WEIR_API codec_preset high_ratio_preset();  ///< xz at its best, 512 KiB

/// The most that `size` bytes become when they are encoded with these settings in one go.
/// \throws weir::error  `errc::codec_unavailable`; `errc::bad_configuration` names the setting
[[nodiscard]] WEIR_API std::size_t max_compressed_size(codec which, std::size_t size,
                                                       const encoder_settings& settings = {});

/// The memory that an encoder with these settings takes, in bytes, as its library reckons it.
/// \throws weir::error  as `max_compressed_size`
[[nodiscard]] WEIR_API std::size_t encoder_memory(codec which, const encoder_settings& settings = {});

/// The most memory that a decoder with these settings may take, in bytes. What a stream asks for is mostly less.
/// \throws weir::error  as `max_compressed_size`
[[nodiscard]] WEIR_API std::size_t decoder_memory(codec which, const decoder_settings& settings = {});

} // namespace weir
