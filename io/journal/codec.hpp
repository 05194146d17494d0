#pragma once
// The bytes of a journal, without files. See <weir/journal.hpp> for the format.

#include <weir/hasher.hpp>
#include <weir/journal.hpp>

namespace weir::detail {

inline constexpr std::size_t journal_head_bytes = 48;
inline constexpr std::size_t journal_record_head_bytes = 24;

using journal_id = std::array<std::byte, 16>;

/// The id in the head of a journal, of whose start `bytes` are the first 48, or all.
/// \returns  nothing if nothing was ever written whole: the file is empty, ends in the head, or is zeros
/// \throws weir::error, with `subject`  `errc::damaged`, `errc::newer_version`
[[nodiscard]] std::optional<journal_id> read_journal_head(std::span<const std::byte> bytes, std::string_view subject);

[[nodiscard]] std::array<std::byte, journal_head_bytes> make_journal_head(const journal_id& id);

/// Reads and writes the records of one journal.
class journal_codec {
public:
    explicit journal_codec(const journal_id& id) : id_(id), hasher_(hash_algorithm::xxh3_128) {}

    [[nodiscard]] const journal_id& id() const noexcept { return id_; }

    /// The record at the start of `bytes`, which stand at `position` in the file; nothing if it is not whole or not
    /// right.
    [[nodiscard]] std::optional<journal_record> read(std::uint64_t position, std::span<const std::byte> bytes);
    /// Appends to `out` what the record is at `position`.
    void write(std::uint64_t position, const journal_record& record, std::vector<std::byte>& out);

private:
    [[nodiscard]] digest checksum(std::uint64_t position, std::span<const std::byte> head,
                                  std::span<const std::byte> content);

    journal_id id_;
    hasher hasher_;
};

/// Of a record, in the file.
[[nodiscard]] inline std::size_t journal_record_bytes(const journal_record& record) noexcept
{
    return journal_record_head_bytes + record.content.size();
}

} // namespace weir::detail
