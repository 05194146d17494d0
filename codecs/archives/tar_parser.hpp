#pragma once
// The headers of a tar archive, one entry after the other; no I/O.
//
//   [x, g, L, K: header + text]*  header  [S: blocks of the map]  content, padded to 512  ...  zeros
//
// It says how many bytes it wants, and gets them in one piece. Contents are not shown to it, but the map with which a
// sparse file of pax begins.

#include "archives/tar_pax.hpp"
#include "archives/tar_sparse.hpp"

#include <weir/archive.hpp>
#include <weir/error.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir::codecs::tar {

class tar_parser {
public:
    /// Of all headers of an entry that are not maps.
    static constexpr std::size_t max_header_bytes = std::size_t{1} << 20;
    static constexpr std::size_t max_name_bytes = std::size_t{64} << 10;
    /// Of an old map, even if each tells of one place only.
    static constexpr std::size_t max_map_blocks = sparse_map::max_extents;

    enum class outcome : std::uint8_t { more, entry, end };

    /// \param archive  its name, for messages
    tar_parser(std::string archive, const archive_limits& limits, bool refuse_unsafe_names);

    /// How many bytes the next `take` is to get.
    [[nodiscard]] std::size_t wanted() const noexcept { return wanted_; }
    /// Whether the archive may end here, though its end is not marked.
    [[nodiscard]] bool may_end() const noexcept { return state_ == state::header && !first_offset_; }

    /// \param piece   the next `wanted()` bytes; after an entry, those after its content
    /// \param offset  of the piece in the archive
    /// \throws weir::error  with the archive's name and that offset
    ///   `errc::checksum_mismatch`: a header is none.
    ///   `errc::corrupt_data`: it breaks the format.
    ///   `errc::limit_exceeded`: too many entries, or headers that are too long.
    outcome take(std::span<const std::byte> piece, std::uint64_t offset);

    /// What the last header said, for one entry.
    [[nodiscard]] archive_entry take_entry() noexcept { return std::move(entry_); }
    /// That lie in the archive from here on.
    [[nodiscard]] std::uint64_t content_bytes() const noexcept { return content_bytes_; }
    [[nodiscard]] std::uint64_t padding_bytes() const noexcept { return -content_bytes_ % block_bytes; }
    /// Of the content that is given.
    [[nodiscard]] std::uint64_t file_bytes() const noexcept { return file_bytes_; }
    /// Where the content lies in the file; valid until the next `take`.
    [[nodiscard]] std::span<const extent> extents() const noexcept { return map_.extents(); }
    [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; } ///< so far

private:
    enum class state : std::uint8_t { header, text, old_map, pax_map };

    outcome take_header(block header);
    outcome begin_text(char type, std::uint64_t bytes);
    outcome take_text(std::string_view padded);
    outcome begin_entry(block header, char type);
    outcome begin_old_sparse(block header);
    outcome begin_pax_sparse();
    outcome take_old_map(block part);
    outcome take_pax_map(block part);
    outcome finish_entry();
    void name_entry(block header);
    void refuse_what_is_not_read(char type, dialect which);
    void check_map();
    void refuse(errc code, std::string_view why);
    [[nodiscard]] std::uint64_t size_of(block header) const;
    [[nodiscard]] std::string checked_name(std::string_view name) const;
    [[noreturn]] void fail(errc code, std::string_view why) const;

    const std::string archive_;
    const archive_limits limits_;
    const bool refuse_unsafe_names_;

    state state_ = state::header;
    std::size_t wanted_ = block_bytes;
    std::uint64_t offset_ = 0;     ///< of the piece that is taken
    std::size_t header_bytes_ = 0; ///< of this entry so far
    std::uint64_t entries_ = 0;

    char text_type_ = 0;
    std::size_t text_bytes_ = 0;                ///< without the padding
    std::optional<std::uint64_t> first_offset_; ///< of the headers of this entry, of which there are some
    bool is_pax_ = false; ///< there was an extended header, and nothing of another dialect since
    pax_attributes global_;
    pax_attributes attributes_; ///< those, and this entry's own
    std::optional<std::string> long_name_;
    std::optional<std::string> long_link_;

    archive_entry entry_;
    std::uint64_t content_bytes_ = 0;
    std::uint64_t file_bytes_ = 0;
    bool is_sparse_ = false;
    sparse_map map_;
    std::size_t map_blocks_ = 0; ///< of an old map, behind its header
    sparse_map_reader map_reader_;
};

} // namespace weir::codecs::tar
