#pragma once
// The records of a zip archive that is read as a stream: in what order they come, and whether the directory at the end
// tells what came before it. Sections are those of PKWARE's APPNOTE.TXT 6.3.10.

#include "archives/zip_format.hpp"
#include "archives/zip_tally.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weir::codecs::zip {

/// How much of the record that begins so has to be there: all of it, or what tells how much that is.
/// \pre its signature is there, of a kind that `record_sequence::require` lets pass
[[nodiscard]] std::size_t size_of_record(std::span<const std::byte> start) noexcept;

/// Both names that a header makes of its entry. What is told has no NUL.
[[nodiscard]] std::string names_of(const header& from);

class record_sequence {
public:
    /// Whether a record of this kind may come next: section 4.3.6.
    /// \param at  where the reader is, for the fault
    /// \throws fault  it may not
    void require(std::uint32_t kind, std::uint64_t at) const;

    /// Takes a whole record, which is the next.
    /// \param at  where it begins
    /// \throws fault  it contradicts those before it
    void take(std::span<const std::byte> record, std::uint64_t at);

    /// An entry of those before the directory, once its numbers are known.
    void find(const entry_numbers& entry, std::string_view names) { tally_.find(entry, names); }
    [[nodiscard]] std::uint64_t entries_found() const noexcept { return tally_.found(); }

    [[nodiscard]] bool has_begun() const noexcept { return last_ != 0; }
    [[nodiscard]] bool at_end() const noexcept { return last_ == end_signature; }

private:
    void take_directory_header(std::span<const std::byte> record, std::uint64_t at);
    void take_locator(std::span<const std::byte> record, std::uint64_t at) const;
    void take_end(std::span<const std::byte> record, std::uint64_t at) const;

    std::uint32_t last_ = 0; ///< the signature of the record before
    zip_tally tally_;
    std::uint64_t directory_at_ = 0;
    std::uint64_t end64_at_ = 0;
    std::optional<std::vector<std::byte>> end64_;
};

} // namespace weir::codecs::zip
