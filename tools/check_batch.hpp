#pragma once
// Lines of a list that are compared with their files together, by one worker.

#include "contained_files.hpp"
#include "list.hpp"

#include <weir/file_handle.hpp>
#include <weir/merkle_tree.hpp>
#include <weir/multi_hasher.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tool {

/// What a list has said of one file so far.
struct checked_file {
    std::optional<weir::merkle_tree> tree; ///< over the listed digests
    std::uint64_t chunks = 0;
    std::uint64_t end = 0; ///< of the last chunk
    std::string failure;   ///< the first that was found
    contained_file content; ///< that is gathered, of what lies in another file
    std::string archive; ///< of the first chunk; and its codec
    std::optional<weir::codec> codec;

    [[nodiscard]] bool lies_where(const listed_origin& line) const
    {
        return line.archive == archive && line.codec == codec;
    }
};

/// One line, and what came of it.
struct checked_line {
    std::variant<listed_chunk, listed_file> line;
    std::shared_ptr<checked_file> file;
    std::string failure; ///< before `run`: nothing is to be read; after it: why it is not as listed
};

/// Filled by who reads the list, worked off by a worker, looked at by the former again; then filled anew, so that its
/// memory is used again.
class check_batch {
public:
    /// Whether `line` may join: the chunks of a batch have one hash, and their bytes a limit.
    [[nodiscard]] bool takes(const listed_chunk& line) const noexcept;
    [[nodiscard]] bool full() const noexcept;
    [[nodiscard]] std::size_t bytes_read() const noexcept { return bytes_read_; } ///< of its chunks

    /// A chunk to be read from its file. Of one that comes from standard input the bytes are read now: they are to be
    /// had once.
    void add(checked_line chunk, std::uint64_t& stream_position);
    /// The end of a file; that of standard input is sought at once, while it can be read.
    void add(checked_line file);

    /// Reads and compares. Blocks on the file system.
    void run();

    [[nodiscard]] std::vector<checked_line>& lines() noexcept { return lines_; }
    void clear() noexcept;

private:
    struct piece {
        std::size_t line = 0; // in lines_
        std::size_t start = 0; // in memory_
        weir::digest digest;
    };

    [[nodiscard]] std::string read_all(const piece& from);
    [[nodiscard]] std::string read_stream(const piece& from, std::uint64_t& stream_position);
    [[nodiscard]] std::string open(const std::string& path);
    [[nodiscard]] std::string compare_end(const listed_file& line);
    [[nodiscard]] std::string compare_whole(const listed_file& line);
    void digest_pieces();
    [[nodiscard]] const listed_chunk& chunk_of(const piece& one) const { return std::get<listed_chunk>(lines_[one.line].line); }

    std::vector<checked_line> lines_;
    std::vector<piece> pieces_; // the chunks that are to be read
    std::size_t bytes_ = 0;     // of them
    std::size_t bytes_read_ = 0;
    std::shared_ptr<std::vector<std::byte>> memory_ = std::make_shared<std::vector<std::byte>>();
    std::optional<weir::multi_hasher> hasher_;
    std::vector<weir::slice> slices_;
    std::string open_path_; // of file_
    weir::file_handle file_;
};

} // namespace tool
