#include "archives/content_budget.hpp"

#include <algorithm>

namespace weir::codecs {

bool passes_ratio(std::uint64_t output, std::uint64_t input, const decoder_settings& limits) noexcept
{
    if (limits.max_ratio == 0 || output <= limits.ratio_free_bytes)
        return false;
    const std::uint64_t least = output / limits.max_ratio + (output % limits.max_ratio != 0 ? 1 : 0);
    return input < least;
}

const char* content_budget::add(std::uint64_t bytes, std::uint64_t archive_bytes) noexcept
{
    if (bytes == 0)
        return nullptr;
    sum_ += std::min(bytes, unlimited - sum_);
    if (sum_ > max_bytes_ && sum_ > archive_bytes) // what is there as it is needs no trust
        return "the contents of the archive together";
    return passes_ratio(sum_, archive_bytes, ratio_) ? "the ratio of the contents together to the archive" : nullptr;
}

} // namespace weir::codecs
