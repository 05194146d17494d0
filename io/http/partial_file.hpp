#pragma once
// FILE.part with its journal. Every call may wait for the disk.

#include "digest_checker.hpp"
#include "transfer_journal.hpp"

#include <weir/bytes.hpp>
#include <weir/file_handle.hpp>
#include <weir/hasher.hpp>

#include <chrono>
#include <filesystem>
#include <optional>

namespace weir::http {

/// \par Thread-safety
/// One call at a time.
class partial_file {
public:
    /// \param resume  what is kept counts, and what comes is kept. Else the journal says no more than whose the file is
    /// \throws weir::error  as the constructor of `file_download`
    partial_file(std::filesystem::path to, const url& what, bool resume, std::chrono::milliseconds sync_interval);
    partial_file(const partial_file&) = delete;
    partial_file& operator=(const partial_file&) = delete;
    ~partial_file();

    /// Of what the journal says that there is, if that counts. \pre it is read from its start on, by `check_some`
    [[nodiscard]] const transfer_journal* journal() const noexcept { return resume_ ? &*journal_ : nullptr; }

    /// Compares the next bytes that are kept with the journal, and gives them to `whole`. Cuts off what is wrong.
    /// \returns  false when there are no more
    [[nodiscard]] bool check_some(digest_checker& whole);
    /// What is there and right.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    /// An answer has come, before which nothing is thrown away: what is not kept goes. \param version  of what comes now
    void begin(const known_version& version, std::span<const stated_digest> stated);
    /// Begins anew, with what is kept forgotten for good.
    void forget();
    /// Puts what came behind what is there.
    void write(const bytes& content);
    /// What was put behind `offset` is wrong, and not kept; where there is no journal, nothing is.
    void give_up(std::uint64_t offset);
    /// The file gets its name.
    void commit();
    /// Nothing stays.
    void discard() noexcept;

private:
    void open_journal(const url& what);
    [[nodiscard]] bool is_there(const chunk_record& chunk);
    void cut();
    void take(std::span<const std::byte> piece);
    void note_chunk();
    void sync_if_due();
    [[noreturn]] void fail(std::string_view operation) const;

    const std::filesystem::path to_;
    const std::filesystem::path part_;
    const bool resume_;
    const std::chrono::milliseconds sync_interval_;
    file_handle file_;
    const bool was_empty_;
    std::optional<transfer_journal> journal_; ///< always there
    bool begun_ = false;            ///< what was found is no longer as it was
    bool keeps_ = false;            ///< chunks are noted
    bool ended_ = false;            ///< there is nothing left to keep or to throw away
    std::uint64_t size_ = 0;
    hasher chunk_;                  ///< of the chunk begun
    std::uint64_t chunk_bytes_ = 0; ///< that it has
    std::vector<std::byte> checked_;
    std::chrono::steady_clock::time_point synced_;
};

} // namespace weir::http
