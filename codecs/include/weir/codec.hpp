#pragma once
// The compressed formats that weir reads and writes, by name, file suffix and magic bytes.

#include <weir/export.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir {

/// A compressed format.
enum class codec : std::uint8_t {
    identity, ///< the bytes themselves
    zstd,     ///< \see RFC 8878
    lz4,      ///< the frame format of LZ4 (not its legacy format, nor bare blocks)
    gzip,     ///< \see RFC 1952
    zlib,     ///< \see RFC 1950; "deflate" as an HTTP content coding
    deflate,  ///< the bare stream of RFC 1951, as inside of ZIP archives
    xz,       ///< the .xz format
    lzma,     ///< the older .lzma format, "LZMA alone"
};

/// "zstd", "lz4" ...
[[nodiscard]] WEIR_API std::string_view to_string(codec which) noexcept;

/// The codec of a name as `to_string` gives it; nothing for another text.
[[nodiscard]] WEIR_API std::optional<codec> parse_codec(std::string_view name) noexcept;

/// How names of files end that hold it, the dot included: ".zst". Empty for `identity`.
[[nodiscard]] WEIR_API std::string_view suffix_of(codec which) noexcept;

/// All of them, whether they are built in or not.
[[nodiscard]] WEIR_API std::span<const codec> all_codecs() noexcept;

/// Whether its library was there when weir was built. What is not fails with `errc::codec_unavailable`.
[[nodiscard]] WEIR_API bool is_built_in(codec which) noexcept;

/// What does its work, with the version that runs: "libzstd 1.5.4". Empty where it is not built in.
[[nodiscard]] WEIR_API std::string implementation_of(codec which);

/// How many bytes at the start of a stream `detect_codec` looks at, where no skippable frame does.
inline constexpr std::size_t codec_magic_bytes = 6;
/// How many it looks at where the stream begins with skippable frames, which zstd and lz4 have both.
inline constexpr std::size_t codec_start_bytes = std::size_t{64} << 10;

/// How many bytes of a stream `detect_codec` wants to see, as far as the first of them tell: `codec_magic_bytes`, or up
/// to `codec_start_bytes` where skippable frames have to be passed. To be asked again with so many.
[[nodiscard]] WEIR_API std::size_t bytes_to_detect_codec(std::span<const std::byte> start) noexcept;

/// Tells a format by the first bytes of a stream.
///
/// Raw deflate and LZMA alone have no magic number: they are never found, and have to be named. Of zlib the four
/// headers are known that a window of 32 KiB and no dictionary give. What is found may still not be built in. Skippable
/// frames count as what follows them, and as zstd where that is further away than `start` and `codec_start_bytes` go;
/// legacy streams of lz4 and of zstd before 0.8 as lz4 and zstd, whose decoders refuse them by name.
/// \param start  the first `bytes_to_detect_codec` bytes, or all there are; what is beyond counts for nothing
/// \returns  nothing where no format begins like this
[[nodiscard]] WEIR_API std::optional<codec> detect_codec(std::span<const std::byte> start) noexcept;

} // namespace weir
