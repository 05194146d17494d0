#pragma once
// CRC-32 of ISO-HDLC, which zip archives have for contents and for names.

#include "weir_config.h"

#include <cstddef>
#include <cstdint>
#include <span>

#if WEIR_HAVE_ZLIB
#include <zlib.h>
#else
#include <boost/crc.hpp>
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
class checksum { // a quarter of zlib's speed
public:
    void update(std::span<const std::byte> piece) { value_.process_bytes(piece.data(), piece.size()); }
    [[nodiscard]] std::uint32_t value() const noexcept { return value_.checksum(); }

private:
    boost::crc_32_type value_;
};
#endif

} // namespace weir::codecs::zip
