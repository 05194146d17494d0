#pragma once
// Compares files with what a list says of them, chunk by chunk.

#include "list.hpp"

#include <weir/file_handle.hpp>
#include <weir/hasher.hpp>
#include <weir/merkle_tree.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tool {

/// What came of one file.
struct verdict {
    std::string path;
    std::string failure; ///< why it failed; empty: it is as listed
};

/// Takes the lines of a list in order; chunks of several files may interleave, as in the list.
///
/// The chunks' places come from the list, so that it does not matter how they were cut. A file is as listed if every
/// chunk has its digest, the chunks are the whole file, and their root is the listed one. Memory follows the number of
/// files that interleave.
/// \par Thread-safety
/// One call at a time. It blocks on the file system.
class verifier {
public:
    /// Reads the chunk's range and compares.
    void chunk(const listed_chunk& line);
    /// Says how the file compares, now that all its chunks were seen.
    [[nodiscard]] verdict file(const listed_file& line);
    /// Files whose chunks were seen, but not their end: the list was cut off, or the file failed when it was made.
    [[nodiscard]] std::vector<verdict> rest();
    /// Forgets what was seen of a file that had failed when the list was made.
    void forget(const std::string& path) { files_.erase(path); }

private:
    struct state {
        std::optional<weir::merkle_tree> tree; // over the listed digests
        std::uint64_t chunks = 0;
        std::uint64_t end = 0; // of the last chunk
        std::string failure;   // the first
    };

    /// The chunk's bytes into buffer_; why they could not be read, or nothing.
    [[nodiscard]] std::string read(const listed_chunk& line);
    [[nodiscard]] std::string open(const std::string& path);
    [[nodiscard]] std::string compare_whole(const listed_file& line);
    [[nodiscard]] std::string compare_file(state& seen, const listed_file& line);
    [[nodiscard]] std::string compare_root(state& seen, const listed_file& line) const;
    [[nodiscard]] weir::digest digest_of_buffer(weir::hash_algorithm hash);

    std::map<std::string, state, std::less<>> files_;
    std::string open_path_;             // of file_
    weir::file_handle file_;            // the file of the last chunk
    std::uint64_t stream_position_ = 0; // in standard input, which has no other
    std::vector<std::byte> buffer_;
    std::optional<weir::hasher> hasher_;
};

} // namespace tool
