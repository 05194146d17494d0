#pragma once
// Short names for compressed tar archives.

#include <weir/codec.hpp>

#include <array>
#include <string_view>

namespace weir::codecs {

struct tar_ending {
    std::string_view text; ///< in place of ".tar" and the codec's suffix
    codec which;
};

inline constexpr std::array tar_endings = {
    tar_ending{".tgz", codec::gzip}, tar_ending{".taz", codec::gzip}, tar_ending{".tzst", codec::zstd},
    tar_ending{".txz", codec::xz},   tar_ending{".tlz", codec::lzma}, tar_ending{".tlz4", codec::lz4},
};

} // namespace weir::codecs
