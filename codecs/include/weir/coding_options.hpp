#pragma once
// How the sources and sinks that encode or decode do so.

#include <weir/codec_settings.hpp>
#include <weir/export.hpp>

#include <cstddef>
#include <optional>

namespace weir {

class codec_pool;

struct encoding_options {
    weir::codec codec = weir::codec::zstd;
    encoder_settings settings = {}; ///< without `threads`: the engine's workers do the work
    codec_pool* contexts = nullptr; ///< null: `codec_pool::common()`; outlives what is made with it
    /// Of a source, what it reads at a time, of a sink, what it writes: it takes two such buffers. 0: as the engine has
    /// its blocks.
    std::size_t buffer_bytes = 0;
};

struct decoding_options {
    /// Nothing: by the first bytes of the stream, see `detect_codec`.
    std::optional<weir::codec> codec = std::nullopt;
    decoder_settings settings = {};
    /// Where no format is detected: whether the stream is passed on as it is, else it is `errc::bad_format`.
    bool pass_unknown = false;
    /// With `codec::zlib`: a stream that does not begin like zlib's is taken for raw deflate, as browsers do.
    bool raw_deflate_too = false;
    /// Without `settings.concatenated`: whether `decoding_source::take_unused` gives what was read and not used.
    bool keep_unused = false;
    codec_pool* contexts = nullptr; ///< null: `codec_pool::common()`; outlives what is made with it
    std::size_t buffer_bytes = 0;   ///< as that of `encoding_options`
};

} // namespace weir
