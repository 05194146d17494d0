#pragma once
// What the records of a transfer's journal mean, without a file. The order is: one subject; then, once something is
// kept, its version, the digests that were stated of it, and chunks in the order of the object, with states of SHA-256
// between them.
//
//   kind  what      content
//      1  subject   two sealed digests of 32 bytes, of the object and of the settings; the URL as shown
//      2  version   its length (8 bytes); its entity tag, or an empty text; whether there is a date (1) and the date of
//                   modification in seconds since 1970 (8); its content codings, a text each
//      3  stated    algorithm (1); value; the field that it came in
//      4  chunk     its length (8); its digest
//      5  sha256    of all before it: eight words of state (4 each), what is left of a block
//
// Texts and values have their length (4 bytes) before them. Journals of before there were codings in them end at the date, and
// are read as of an object without any.

#include "hashing/resumable_sha256.hpp"

#include <weir/digest.hpp>
#include <weir/http/digest_fields.hpp>
#include <weir/http/range_answer.hpp>
#include <weir/http/url.hpp>
#include <weir/ingest.hpp>
#include <weir/journal.hpp>

#include <optional>
#include <string>
#include <vector>

namespace weir::http {

namespace record_kind {
inline constexpr std::uint32_t subject = 1, version = 2, stated = 3, chunk = 4, sha256 = 5;
}

struct subject_record {
    digest object;   ///< sealed
    digest settings; ///< sealed
    std::string shown;
};

/// Whether a journal can hold it: it is strong, and the length is known.
[[nodiscard]] bool can_be_kept(const known_version& version) noexcept;

[[nodiscard]] std::vector<std::byte> pack(const subject_record& record);
[[nodiscard]] std::vector<std::byte> pack(const known_version& version); ///< \pre `can_be_kept(version)`
[[nodiscard]] std::vector<std::byte> pack(const stated_digest& digest);
[[nodiscard]] std::vector<std::byte> pack_chunk(std::uint64_t length, const digest& digest);
[[nodiscard]] std::vector<std::byte> pack(const hashing::sha256_state& state);

/// What the records so far say, checked against each other.
class transfer_outline {
public:
    /// \returns  false if no journal of ours has such a record, or has it here; nothing has changed then
    [[nodiscard]] bool take(const journal_record& record);
    /// Takes the last chunk back. \pre it was the last record
    void drop_chunk() noexcept { kept_bytes_ = chunk_.offset; }

    [[nodiscard]] const std::optional<subject_record>& subject() const noexcept { return subject_; }
    [[nodiscard]] const std::optional<known_version>& version() const noexcept { return version_; }
    [[nodiscard]] const std::vector<stated_digest>& stated() const noexcept { return stated_; }
    [[nodiscard]] std::uint64_t kept_bytes() const noexcept { return kept_bytes_; }
    /// The last one that was there.
    [[nodiscard]] const std::optional<hashing::sha256_state>& sha256() const noexcept { return sha256_; }
    /// The last one that was taken; its length is 0 where none was.
    [[nodiscard]] const chunk_record& chunk() const noexcept { return chunk_; }

private:
    [[nodiscard]] bool take_subject(std::span<const std::byte> content);
    [[nodiscard]] bool take_version(std::span<const std::byte> content);
    [[nodiscard]] bool take_stated(std::span<const std::byte> content);
    [[nodiscard]] bool take_chunk(std::span<const std::byte> content);
    [[nodiscard]] bool take_sha256(std::span<const std::byte> content);

    std::optional<subject_record> subject_;
    std::optional<known_version> version_;
    std::vector<stated_digest> stated_;
    std::uint64_t kept_bytes_ = 0;
    std::optional<hashing::sha256_state> sha256_;
    chunk_record chunk_;
};

/// The object's name, to compare by: without who asks, and without parameters that only sign this request for it, so that
/// a URL that is signed anew is still the same object's.
[[nodiscard]] std::string identity_of(const url& object);

} // namespace weir::http
