#pragma once
// How the sources and sinks that encode or decode do so.

#include <weir/codec_settings.hpp>
#include <weir/export.hpp>

#include <optional>

namespace weir {

class codec_pool;

struct encoding_options {
    weir::codec codec = weir::codec::zstd;
    encoder_settings settings = {};
    codec_pool* contexts = nullptr; ///< null: `codec_pool::common()`; outlives what is made with it
};

struct decoding_options {
    /// Nothing: by the first bytes of the stream, see `detect_codec`.
    std::optional<weir::codec> codec = std::nullopt;
    decoder_settings settings = {};
    /// Where no format is detected: whether the stream is passed on as it is, else it is `errc::bad_format`.
    bool pass_unknown = false;
    codec_pool* contexts = nullptr; ///< null: `codec_pool::common()`; outlives what is made with it
};

} // namespace weir
