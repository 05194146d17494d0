#pragma once
// What streams of zlib's have in common: those of encoders, whole or in pieces, and of its decoder.

#include "compression/context.hpp"

#include <zlib.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <span>

namespace weir::codecs {

struct deflate_parameters {
    int level;
    int window_log;
};

constexpr int deflate_memory_level = 8;
constexpr int usual_window_log = 15;

/// \throws weir::error  `errc::bad_configuration` names the setting
[[nodiscard]] deflate_parameters deflate_parameters_of(codec which, const encoder_settings& settings);

/// What the library wants for the logarithm of the window, by format.
[[nodiscard]] inline int window_bits(codec which, int log) noexcept
{
    return which == codec::gzip ? log + 16 : which == codec::zlib ? log : -log;
}

/// Has the library take its memory from there.
void use_memory(z_stream& stream, library_memory& from) noexcept;

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

} // namespace weir::codecs
