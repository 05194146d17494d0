#pragma once
// A compressed stream in, its bytes out, piece by piece and within limits.

#include <weir/codec_pool.hpp>
#include <weir/codec_settings.hpp>
#include <weir/detail/context_lease.hpp>
#include <weir/error.hpp>
#include <weir/export.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace weir {

/// Settings for a stream whose codec was found by looking: without a dictionary where that codec has none, for it was
/// given in case that it is needed.
[[nodiscard]] WEIR_API decoder_settings settings_for(codec found, decoder_settings given);

/// Decodes one stream after the other: push a span, pull until there is nothing, push the next, finish, pull the rest.
///
/// The stream is whole when `ended()` says so, and not before: `finish` and a last `pull` find what is missing. As the
/// formats have it, several zstd or lz4 frames (with skippable ones between), gzip members (zeros may follow the last),
/// or xz streams (with padding) are one stream of bytes.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one call at a time.
/// \par Cost
/// As `encoder`. Output does not depend on how the input is cut; see `decoder_settings::max_ratio` for where it ends.
class WEIR_API decoder {
public:
    /// Takes a context of `contexts`, or makes one.
    /// \throws weir::error
    ///   `errc::codec_unavailable`
    ///   `errc::bad_configuration`: a dictionary that is corrupt, or where the codec has none
    explicit decoder(codec which, const decoder_settings& settings = {},
                     codec_pool& contexts = codec_pool::common());
    decoder(decoder&& other) noexcept;
    decoder& operator=(decoder&& other) noexcept;
    /// Gives the context back.
    ~decoder();

    /// As `detect_codec`.
    [[nodiscard]] static std::optional<codec> detect(std::span<const std::byte> start) noexcept
    {
        return detect_codec(start);
    }

    /// Refers to `input`, which must stay until it is used up: `needs_input()` says so. \pre the last is; not finished
    void push(std::span<const std::byte> input) noexcept { lease_.push(input); }

    /// Nothing more is pushed.
    void finish() noexcept { lease_.finish(); }

    /// Writes the next bytes of the content. \pre `output` is not empty
    ///
    /// \returns  how many; 0 when it needs input, or the stream is whole
    /// \throws weir::error  with the name of the codec, and how many bytes of input were taken when it showed. The same
    ///                      again at every later call, until `restart`. First all is given that was decoded in front of
    ///                      what is wrong; it may be damaged too, where only a checksum behind it tells.
    ///   `errc::bad_format`: the input does not begin like such a stream.
    ///   `errc::truncated`: it ends before the stream does.
    ///   `errc::corrupt_data`: it breaks the format.
    ///   `errc::checksum_mismatch`: the content, or a header, is not what its checksum says.
    ///   `errc::unknown_dictionary`: it needs a dictionary that was not given.
    ///   `errc::trailing_data`: something follows the stream that is none.
    ///   `errc::unsupported_format`: a variant that cannot be decoded; the message names it.
    ///   `errc::limit_exceeded`: a limit of the settings; the message names it.
    ///   `std::bad_alloc`
    [[nodiscard]] std::size_t pull(std::span<std::byte> output);

    /// Whether all that was pushed was taken: the span may go. Never after `finish`.
    [[nodiscard]] bool needs_input() const noexcept
    {
        return lease_.place().input.empty() && !lease_.place().finished && !ended();
    }
    /// Whether the stream is whole, and checked.
    [[nodiscard]] bool ended() const noexcept { return lease_.place().ended; }
    /// What of the pushed input was not taken: what follows the first stream without `concatenated`.
    [[nodiscard]] std::span<const std::byte> unused() const noexcept { return lease_.place().input; }
    [[nodiscard]] std::uint64_t consumed() const noexcept { return lease_.place().consumed; } ///< bytes of input
    [[nodiscard]] std::uint64_t produced() const noexcept { return lease_.place().produced; } ///< bytes of output

    /// Begins another stream; forgets the rest of this one.
    void restart();

    [[nodiscard]] codec which() const noexcept { return lease_.which(); }

    /// What errors name instead of the codec: a path, a URL.
    void set_subject(std::string name) noexcept { subject_ = std::move(name); }

private:
    std::size_t decode(std::span<std::byte> output);
    [[nodiscard]] std::size_t permitted() const noexcept;
    void check_ratio() const;
    void check_for_one_more();
    [[nodiscard]] error error_of(errc code, const char* why) const;

    codecs::context_lease<decoder_settings> lease_;
    std::string subject_;
};

} // namespace weir
