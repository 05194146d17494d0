#pragma once
// How much output there may be of so much input.

#include <weir/codec_settings.hpp>

#include <algorithm>
#include <cstdint>

namespace weir::codecs {

[[nodiscard]] inline std::uint64_t ratio_allows(const decoder_settings& settings, std::uint64_t consumed) noexcept
{
    if (settings.max_ratio == 0 || consumed > unlimited / settings.max_ratio)
        return unlimited;
    return std::max(settings.ratio_free_bytes, consumed * settings.max_ratio);
}

} // namespace weir::codecs
