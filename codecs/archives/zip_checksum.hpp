#pragma once
// CRC-32 of ISO-HDLC, which zip archives have for contents and for names.

#include "weir_config.h"

#include <cstddef>
#include <cstdint>
#include <span>

#if WEIR_HAVE_ZLIB
#include <zlib.h>
#else
#include "base/crc.hpp"
#endif

namespace weir::codecs::zip {

#if WEIR_HAVE_ZLIB
class checksum {
public:
    void update(std::span<const std::byte> piece) noexcept
    {
        if (!piece.empty())
            value_ = ::crc32_z(value_, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
    }
    [[nodiscard]] std::uint32_t value() const noexcept { return static_cast<std::uint32_t>(value_); }

private:
    uLong value_ = 0;
};
#else
using checksum = crc<std::uint32_t, 0xedb88320>;
#endif

} // namespace weir::codecs::zip
