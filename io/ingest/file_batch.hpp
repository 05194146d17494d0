#pragma once
// Files that lie whole in memory, cut and digested together: what makes many small files as fast as one large.

#include "known_files.hpp"
#include "report.hpp"

#include <weir/bytes.hpp>
#include <weir/chunker.hpp>
#include <weir/hasher.hpp>
#include <weir/ingest.hpp>
#include <weir/merkle_tree.hpp>
#include <weir/multi_hasher.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace weir::detail {

/// Filled with `add`, worked on with `start` and `run`, emptied into a report; then filled again.
class file_batch {
public:
    explicit file_batch(const ingest_options& options);

    /// Cuts one whole file.
    /// \param stamp  where it is to be remembered
    void add(content_name name, const bytes& content, const std::optional<file_stamp>& stamp = {});

    [[nodiscard]] bool empty() const noexcept { return files_.empty(); }
    /// Whether the chunks of a file are few enough: what is known of each takes memory beside the pool.
    [[nodiscard]] bool has_room_for(std::uint64_t bytes) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return size_; } ///< in bytes
    [[nodiscard]] std::size_t chunks() const noexcept { return pieces_.size(); }

    void start_digests();
    /// Digests about `max_bytes`; true when all is done.
    [[nodiscard]] bool run(std::size_t max_bytes) { return hasher_.run(max_bytes); }
    /// Appends the files with their chunks to `out`, in the order in which they were added, tells `known` of those with
    /// a stamp, and drops the content.
    void move_to(report& out, known_files& known);
    void clear() noexcept;

private:
    struct file {
        content_name name;
        std::uint64_t size = 0;
        std::size_t chunks = 0; ///< the next ones in `pieces_`
        std::optional<digest> whole;
        std::optional<file_stamp> stamp;
    };
    struct piece {
        std::uint64_t offset = 0;
        bytes content;
        weir::digest digest;
    };

    [[nodiscard]] std::size_t average_for(std::uint64_t size) const noexcept;
    chunker& chunker_of(std::uint64_t size);

    const ingest_options& options_;
    std::vector<std::pair<std::size_t, chunker>> chunkers_; ///< by average
    multi_hasher hasher_;
    std::optional<hasher> whole_;
    std::vector<std::uint64_t> ends_;
    std::vector<file> files_;
    std::vector<piece> pieces_;
    std::vector<multi_hasher::message> messages_;
    std::size_t size_ = 0;
};

} // namespace weir::detail
