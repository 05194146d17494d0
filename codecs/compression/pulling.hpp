#pragma once
// What a coder gives, into memory that is there: for content of a known size, or a bound.

#include <cstddef>
#include <span>

namespace weir::codecs {

/// Pulls until `output` is full, or nothing more comes of what was pushed.
/// \returns  how much came
template <class Coder> std::size_t fill(Coder& coder, std::span<std::byte> output)
{
    std::size_t filled = 0;
    while (filled < output.size() && !coder.ended()) {
        const std::size_t count = coder.pull(output.subspan(filled));
        if (count == 0)
            break;
        filled += count;
    }
    return filled;
}

/// Whether nothing more comes: where the output is full, some formats have yet to read their end.
template <class Coder> bool is_whole(Coder& coder)
{
    std::byte one_more;
    return coder.ended() || coder.pull({&one_more, 1}) == 0;
}

} // namespace weir::codecs
