#pragma once
// A file of records that outlives the process that writes it, so that another can go on where that one was killed.
//
//   offset  bytes  of the file
//        0      8  "weirjnl\n"
//        8      4  version of the format: 1
//       12      4  0
//       16     16  the journal's own random number, its id
//       32     16  XXH3-128 of what is before
//       48         records, one behind the other:
//
//        0      4  bytes of content, at most 65,536
//        4      4  kind: what the content means to whoever wrote it
//        8     16  XXH3-128 of the id, the record's place in the file (8 bytes), the 8 bytes above and the content
//       24         content
//
// Numbers are little-endian. A record counts if its checksum is right for this journal and this place, and the first
// that does not ends the journal: what a power loss leaves there (zeros, half a record, what the disk held before) is
// cut off, and is no error. The checksum finds accidents; who may write to the file can make it say anything, so a file
// that others may write to, or own, is refused.

#include <weir/digest.hpp>
#include <weir/export.hpp>
#include <weir/file_handle.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace weir {

namespace detail {
class journal_codec;
}

/// One record of a journal.
struct journal_record {
    std::uint32_t kind = 0;
    std::span<const std::byte> content;
};

/// An open journal: first read from its start, then written on behind the last record that was read.
///
/// What `flush` has written survives the death of the process; what `sync` has, a loss of power too. Every call may wait
/// for the disk. Nobody else can open the file while this object lives.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one call at a time.
class WEIR_API journal {
public:
    static constexpr std::size_t most_content_bytes = 64 * 1024;

    /// Opens `path`, or makes it, for its user alone (mode 0600). A file that is empty, or was torn in the first write of
    /// all, is a new journal.
    /// \throws weir::error, with the path
    ///   `errc::in_use`: it is open as a journal elsewhere
    ///   `errc::damaged`: it is no journal, or its head is broken; nothing was changed
    ///   `errc::newer_version`: a later weir wrote it
    ///   `EPERM`: it belongs to another user, or others may write to it
    ///   what the system reports: `ELOOP` for a link, `EACCES`, `ENOSPC` ...
    explicit journal(std::filesystem::path path);
    journal(const journal&) = delete;
    journal& operator=(const journal&) = delete;
    /// What was not flushed is lost.
    ~journal();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    /// The next record, valid until the next call; nothing behind the last that is whole.
    /// \throws weir::error  what the system reports
    [[nodiscard]] std::optional<journal_record> next();

    /// Where the record stands that `next` gives next.
    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
    /// Reads on there. \pre `position` gave it, since the last `clear`
    void seek(std::uint64_t position) noexcept { position_ = position; }

    /// Forgets what stands behind the record that `next` has given last, at once. \pre nothing waits for `flush`
    /// \throws weir::error  what the system reports
    void drop_rest();

    /// Adds a record behind the one that `next` has given last; what stood there is forgotten. Kept in memory until
    /// `flush`.
    /// \pre `content` has at most `most_content_bytes`
    void append(std::uint32_t kind, std::span<const std::byte> content);

    /// Hands what was appended to the system.
    /// \throws weir::error  what the system reports: `ENOSPC`, `EFBIG` ... What was not written whole does not count, and
    ///   is not tried again.
    void flush();

    /// `flush`, and waits until the disk has it.
    void sync();

    /// Forgets every record: the journal is a new one, with another id.
    void clear();

    /// Takes the file away. Only destruction may follow.
    void remove();

    /// SHA-256 of this journal's id, `label` and `text`: to compare with, without saying, what may hold a secret.
    [[nodiscard]] digest seal(std::string_view label, std::string_view text) const;

private:
    void check_owner() const;
    void read_head();
    void look_at(std::uint64_t position);
    void cut();
    void write_at(std::uint64_t offset, std::span<const std::byte> content);
    [[noreturn]] void fail(std::string_view operation, int number) const;

    const std::filesystem::path path_;
    file_handle file_;
    std::unique_ptr<detail::journal_codec> codec_;
    std::uint64_t position_ = 0;
    std::uint64_t file_bytes_ = 0;  ///< may be behind what is appended
    std::vector<std::byte> window_; ///< what was read of the file
    std::uint64_t window_start_ = 0;
    std::vector<std::byte> pending_; ///< appended, not yet written; goes to where it starts
    std::uint64_t pending_start_ = 0;
};

} // namespace weir
