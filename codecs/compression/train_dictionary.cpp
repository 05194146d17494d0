#include <weir/dictionary.hpp>
#include <weir/error.hpp>

#include "weir_config.h"

#if WEIR_HAVE_ZSTD
#    include <zdict.h>
#endif

#include <algorithm>
#include <string>

namespace weir {

#if WEIR_HAVE_ZSTD

dictionary train_dictionary(std::span<const std::span<const std::byte>> samples, std::size_t max_bytes)
{
    std::vector<std::byte> joined;
    std::vector<std::size_t> sizes;
    for (const std::span<const std::byte> each : samples) {
        joined.insert(joined.end(), each.begin(), each.end());
        sizes.push_back(each.size());
    }
    // What it holds are pieces of the samples, behind tables that are far smaller than this.
    constexpr std::size_t most_of_tables = std::size_t{64} << 10;
    std::vector<std::byte> out(std::min(max_bytes, joined.size() + most_of_tables));
    const std::size_t size = ZDICT_trainFromBuffer(out.data(), out.size(), joined.data(), sizes.data(),
                                                   static_cast<unsigned>(sizes.size()));
    if (ZDICT_isError(size))
        throw error(errc::bad_configuration, "train", "dictionary", std::nullopt,
                    "the samples may be too few or too small: " + std::string(ZDICT_getErrorName(size)));
    return dictionary(std::span(out).first(size));
}

#else

dictionary train_dictionary(std::span<const std::span<const std::byte>>, std::size_t)
{
    throw error(errc::codec_unavailable, "train", "dictionary", std::nullopt, "zstd");
}

#endif

} // namespace weir
