#pragma once
// Files with several names (hard links): what one ingest found in them, so that it reads each once.
//
// A file counts as unchanged if device, inode, size, and both times of change are the same to the nanosecond, and its
// content was not modified in the last two seconds before it was read: the clock of a file system may stand still for
// some milliseconds, in which a change is not to be seen. Whatever escapes even that (writes through a map are dated
// late) did so during one run, whose result is then what the file was at another moment of that run. That is why
// nothing is remembered from one job to the next.

#include <weir/cache.hpp>
#include <weir/file_handle.hpp>
#include <weir/ingest.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace weir::detail {

struct known_file {
    std::vector<chunk_record> chunks;
    file_record file; ///< without a path
    bool complete = false;
};

/// Which file, in which state.
struct file_stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t modified = 0;
    std::int64_t changed = 0;
    bool settled = false; ///< it was not modified just before it was looked at
    bool operator==(const file_stamp&) const = default;
};

/// \par Thread-safety
/// All members from any thread.
class known_files {
public:
    /// \param most  how many files are remembered; 0: none
    explicit known_files(std::size_t most);

    /// What to compare, for a regular file that has another name; nothing for all others, and where none is remembered.
    [[nodiscard]] std::optional<file_stamp> stamp(const file_info& info) const noexcept;
    [[nodiscard]] std::optional<file_stamp> stamp(const file_handle& file) const noexcept;

    /// Null if it is not known in this state.
    [[nodiscard]] std::shared_ptr<const known_file> find(const file_stamp& stamp);

    /// Whether so many chunks can be remembered at all.
    [[nodiscard]] bool has_room(std::size_t chunks) const noexcept;

    /// Remembers what was found in a file that had `before` when it was opened, if `now`, after the reading, it still has.
    void put(const file_stamp& before, const std::optional<file_stamp>& now, known_file found);

private:
    using identity = std::pair<std::uint64_t, std::uint64_t>; // device and inode
    struct hash {
        std::size_t operator()(const identity& of) const noexcept
        {
            return std::hash<std::uint64_t>()(of.second * 31 + of.first);
        }
    };
    struct entry {
        file_stamp stamp;
        std::shared_ptr<const known_file> found;
    };

    bool off_;
    cache<identity, entry, hash> files_;
};

} // namespace weir::detail
