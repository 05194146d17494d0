#pragma once
// What is kept of one object that is being fetched: its version, and chunk by chunk what came.

#include "transfer_records.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace weir::http {

/// The journal of one transfer, with a cursor: chunks are read from the first one on, and noted behind the last that
/// was read.
///
/// Nothing secret is written: of the URL its path, for people, and a salted digest, to compare with. Calls wait for the
/// disk, as those of `journal` do.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one call at a time.
class transfer_journal {
public:
    /// Opens or makes the journal, and reads it through: the cursor is behind the last chunk.
    /// \param settings  what decides how bytes become chunks; any text
    /// \param of_any    it is about to begin anew: what it is of does not matter
    /// \throws weir::error, with the path
    ///   `errc::other_object`: it has kept something of another URL
    ///   `errc::other_settings`: it has kept something by these
    ///   `errc::damaged`: records that are whole make no sense
    ///   and as the constructor of `journal`
    transfer_journal(std::filesystem::path path, const url& object, std::string_view settings, bool of_any = false);

    /// Whether there was none.
    [[nodiscard]] bool is_new() const noexcept { return is_new_; }
    /// Of what is kept; nothing where nothing is.
    [[nodiscard]] const std::optional<known_version>& version() const noexcept { return outline_.version(); }
    /// Digests of the whole that were stated when it began.
    [[nodiscard]] const std::vector<stated_digest>& stated() const noexcept { return outline_.stated(); }
    /// Up to the cursor.
    [[nodiscard]] std::uint64_t kept_bytes() const noexcept { return outline_.kept_bytes(); }

    /// Back to the first chunk.
    void rewind();
    /// The next chunk; nothing behind the last.
    [[nodiscard]] std::optional<chunk_record> next();
    /// Forgets the chunk that `next` gave last, and all behind it, at once.
    void drop_last();
    /// Forgets, from the first chunk on that ends behind `offset`. The cursor is behind those that stay. \pre all is flushed
    void drop_behind(std::uint64_t offset);
    /// Of the bytes before the cursor, which goes back to where there was one last.
    /// \returns  nothing if there is none; the cursor is before the first chunk then
    [[nodiscard]] std::optional<hashing::sha256_state> back_to_sha256();

    /// Begins anew: nothing is kept, of this version. \pre `can_be_kept(version)`
    void begin(const known_version& version, std::span<const stated_digest> stated);
    /// Begins anew, with no version, and at once: what was kept is forgotten for good.
    void clear();
    /// Notes the next chunk of the object; what followed the cursor is forgotten. Written by `flush`.
    /// \pre there is a version, which has so many bytes more
    void add(std::uint64_t length, const digest& digest);
    /// Notes the state of all before the cursor. \pre it is of so many bytes
    void add(const hashing::sha256_state& state);
    void flush() { log_.flush(); }
    void sync() { log_.sync(); }
    /// Takes the file away. Only destruction may follow.
    void remove() { log_.remove(); }

private:
    void check_subject() const;
    void note_subject();
    [[nodiscard]] bool read_record();
    void append(std::uint32_t kind, std::span<const std::byte> content);

    const url object_;
    const std::string settings_;
    journal log_;
    const std::uint64_t start_;     ///< of the first record
    transfer_outline outline_;      ///< of what is before the cursor
    bool is_new_ = false;
    std::uint64_t before_last_ = 0; ///< where the record stands that was read last
};

} // namespace weir::http
