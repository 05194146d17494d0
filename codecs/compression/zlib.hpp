#pragma once
// What streams of zlib's encoders have in common, whole or in pieces.

#include "compression/context.hpp"

#include <zlib.h>

namespace weir::codecs {

struct deflate_parameters {
    int level;
    int window_log;
};

constexpr int deflate_memory_level = 8;

/// \throws weir::error  `errc::bad_configuration` names the setting
[[nodiscard]] deflate_parameters deflate_parameters_of(codec which, const encoder_settings& settings);

/// What the library wants for the logarithm of the window, by format.
[[nodiscard]] inline int window_bits(codec which, int log) noexcept
{
    return which == codec::gzip ? log + 16 : which == codec::zlib ? log : -log;
}

/// Has the library take its memory from there.
void use_memory(z_stream& stream, library_memory& from) noexcept;

} // namespace weir::codecs
