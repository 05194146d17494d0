#pragma once
// The checksums that servers state about bodies: not names of content as weir::digest is, but guards of a transfer.

#include <weir/export.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace weir::http {

/// What can be computed here, the weakest first. CRCs and MD5 find accidents, not attacks.
enum class checksum_algorithm : std::uint8_t {
    crc32,  ///< of ISO-HDLC, as zip and PNG have it
    crc32c, ///< Castagnoli
    crc64nvme, ///< of NVM Express, which S3 uses
    md5,
    sha1,
    sha256,
    sha512,
};

/// `crc32`, `crc32c`, `crc64nvme`, `md5`, `sha1`, `sha256`, `sha512`.
[[nodiscard]] WEIR_API std::string_view to_string(checksum_algorithm algorithm) noexcept;

/// How many bytes a checksum has: 4 to 64. CRCs are written with the highest byte first.
[[nodiscard]] WEIR_API std::size_t checksum_size(checksum_algorithm algorithm) noexcept;

/// Computes a checksum piece by piece.
/// \par Thread-safety
/// Distinct objects: any threads.
/// \par Cost
/// OpenSSL's speed; CRCs go through tables, eight bytes a step, at about 1 GB/s.
class WEIR_API checksum {
public:
    /// \throws weir::error  `errc::backend_unavailable`: OpenSSL is set up not to give this one (MD5 under FIPS)
    explicit checksum(checksum_algorithm algorithm);
    checksum(checksum&&) noexcept;
    checksum& operator=(checksum&&) noexcept;
    ~checksum();

    void update(std::span<const std::byte> piece);
    /// The checksum of everything since the construction or the last `finish`, which begins a new message.
    [[nodiscard]] std::vector<std::byte> finish();

    class computation;

private:
    std::unique_ptr<computation> computation_;
};

} // namespace weir::http
