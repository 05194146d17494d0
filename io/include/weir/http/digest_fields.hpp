#pragma once
// What an answer says its bytes hash to, in each of the fields that servers use for it.

#include <weir/export.hpp>
#include <weir/http/checksum.hpp>
#include <weir/http/fields.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace weir::http {

/// Which bytes a digest is of.
enum class digest_scope : std::uint8_t {
    content,        ///< of the body of this message, be it a part
    representation, ///< of the whole, as a 200 without a range would have sent it
};

/// A digest that can be checked.
struct stated_digest {
    checksum_algorithm algorithm = checksum_algorithm::sha256;
    digest_scope scope = digest_scope::content;
    std::vector<std::byte> value; ///< `checksum_size(algorithm)` bytes
    std::string field;            ///< for messages: `Repr-Digest: sha-256`

    friend bool operator==(const stated_digest&, const stated_digest&) = default;
};

/// All that an answer states.
struct stated_digests {
    std::vector<stated_digest> checkable;
    /// What was there and is not used, each with the reason, for a log: `Content-Digest: unixsum: not known`.
    std::vector<std::string> ignored;
};

/// Reads, of an answer's head or trailers:
///
/// | field | of | algorithms |
/// |---|---|---|
/// | `Content-Digest` | content | sha-512, sha-256, sha, md5, crc32c |
/// | `Repr-Digest` | representation | the same |
/// | `Content-MD5` | representation | MD5 |
/// | `x-amz-checksum-*` | representation | sha256, sha1, crc64nvme, crc32c, crc32 |
///
/// Ignored, and said so: algorithms that are not in the table (unixsum, adler, xxhash ...), values of the
/// wrong length or that are not valid, and checksums of S3 that are made of those of its parts
/// (`x-amz-checksum-type: COMPOSITE`, or a value that ends in `-3`). `Content-MD5` and S3's come with a part of an
/// object too, and some servers mean the part and others the whole: they count only where `is_whole`.
///
/// \param is_whole  the answer is a 200: its body is the representation
/// \see RFC 9530, sections 2, 3 and 5; RFC 1864; the S3 API, "Checking object integrity"
[[nodiscard]] WEIR_API stated_digests digests_of(const fields& answer, bool is_whole);

/// The algorithms of digests that are announced for a trailer: `Trailer: x-amz-checksum-crc32` names its own;
/// `Content-Digest` and `Repr-Digest` do not say, and may bring any of those that RFC 9530 recommends, sha-256 and sha-512.
/// S3 announces by `x-amz-trailer` too.
[[nodiscard]] WEIR_API std::vector<checksum_algorithm> announced_digests(const fields& head);

/// A value for `Content-Digest` or `Repr-Digest`: `sha-256=:...:`.
/// \returns  empty for CRC32 and CRC64NVME, which RFC 9530 has no name for
/// \pre `value` has the size of the algorithm
[[nodiscard]] WEIR_API std::string digest_field_value(checksum_algorithm algorithm, std::span<const std::byte> value);

} // namespace weir::http
