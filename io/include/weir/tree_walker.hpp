#pragma once
// The files below one or more paths, found as they are asked for, in memory that does not grow with the tree.

#include <weir/export.hpp>
#include <weir/file_handle.hpp>
#include <weir/glob.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir {

enum class entry_kind : std::uint8_t {
    file,     ///< a regular file
    special,  ///< a FIFO, socket or device that was named as an argument: read as a stream
    skipped,  ///< one that was met in a tree: not read
    error,    ///< what could not be looked at; the rest goes on
};

/// One thing that was found.
struct tree_entry {
    entry_kind kind = entry_kind::file;
    std::uint32_t name_offset = 0;  ///< where in `path` the name begins that `directory` knows
    std::string path;               ///< the argument as typed, a slash, the path below it
    std::error_code error;          ///< for `entry_kind::error`; `ELOOP` for a directory that contains itself
    /// Where to open `name()`; null for an argument, which is opened by its path.
    std::shared_ptr<const file_handle> directory;

    /// Whether a link that has taken the place of the file is followed: an argument's is, and one met in a tree by
    /// `tree_options::follow_links`.
    bool follow_link = true;

    [[nodiscard]] const char* name() const noexcept { return path.c_str() + name_offset; }
    /// Opens what is there by now, however long its path is. It need not be what the walk has seen: a FIFO opens at
    /// once too, and a link that is not followed gives `ELOOP`.
    [[nodiscard]] file_handle open(open_flags flags, std::error_code& failure) const noexcept;
};

struct tree_options {
    bool follow_links = false;     ///< links met in a tree; arguments are followed in any case
    bool one_file_system = false;  ///< stay on the file system of the argument
    std::vector<glob> exclude = {};  ///< by base name, or by the path below the argument; prunes directories
    std::size_t max_open_directories = 32;  ///< levels that stay open at once; at least 2
    std::size_t max_batch_directories = 32; ///< directories that the entries of one batch keep open; at least 1
};

/// What a walk has met so far.
struct tree_counts {
    std::uint64_t files = 0;
    std::uint64_t directories = 0;
    std::uint64_t links = 0;     ///< not followed
    std::uint64_t skipped = 0;   ///< FIFOs, sockets, devices
    std::uint64_t excluded = 0;
    std::uint64_t errors = 0;
};

/// Walks trees depth first, in the order in which the file system lists names.
///
/// A directory is never collected: its entries are given in batches while it is read, so a million of them cost
/// nothing. Deeper than `max_open_directories` the outermost levels are closed, and opened again at the same place.
/// \par Thread-safety
/// One call at a time, from any thread. It blocks on the file system: call it from a worker.
class WEIR_API tree_walker {
public:
    /// What the options have below the least is taken for the least.
    explicit tree_walker(tree_options options = {});
    tree_walker(tree_walker&&) noexcept;
    tree_walker& operator=(tree_walker&&) noexcept;
    ~tree_walker();

    /// Adds an argument, to be walked after those before it; also while the walk goes on. Does not look at it yet.
    void add(std::string path);

    /// Appends up to `max` entries to `out`.
    ///
    /// A batch may end before `max`, also with nothing: so that its entries keep few directories open, long paths little
    /// memory, and a call takes no longer for names of which none is given (links, what is excluded) than for some.
    /// \returns  false when nothing was left to give: every argument is walked.
    /// \throws std::bad_alloc  What the file system reports is an entry, `entry_kind::error`.
    [[nodiscard]] bool next_batch(std::vector<tree_entry>& out, std::size_t max);

    [[nodiscard]] const tree_counts& counts() const noexcept;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

} // namespace weir
