#pragma once
// Compares files with what a list says of them: reads the list in order, and has its parts worked off side by side.

#include "check_batch.hpp"
#include "contained_files.hpp"
#include "verdict.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tool {

/// Takes the lines of a list in order; chunks of several files may interleave, as in the list.
///
///   add(line) ... next_batch()  -->  batch->run(), on any thread, batches side by side  -->  finish(batch), in order
///
/// The chunks' places come from the list, so that it does not matter how they were cut. A file is as listed if every
/// chunk has its digest, the chunks are the whole file, and their root is the listed one. Memory follows the number of
/// files that interleave.
///
/// A file that was reached twice in one run may interleave with itself: a chunk at 0 begins another reading of it, and one
/// further on continues a reading that ends there.
/// \par Thread-safety
/// One call at a time. `add` blocks on standard input, if the list is of that.
class verifier {
public:
    /// \param has_input  whether standard input can be read: it holds no list
    explicit verifier(bool has_input) : has_input_(has_input) {}

    /// \returns  whether a batch is ready: call `next_batch`
    [[nodiscard]] bool add(const listed_chunk& line);
    [[nodiscard]] bool add(const listed_file& line);
    /// Forgets what was seen of a file that had failed when the list was made.
    void forget(const std::string& path);

    /// Files that lie in others, and are listed whole: they are compared by who takes them from here.
    [[nodiscard]] contained_files& contained() noexcept { return contained_; }

    /// What was added since the last call; null if nothing was.
    [[nodiscard]] std::shared_ptr<check_batch> next_batch();

    /// Says how the files compare that end in a batch that has run, and takes it back. Batches come in the order in
    /// which they were given.
    [[nodiscard]] std::vector<verdict> finish(std::shared_ptr<check_batch> done);

    /// Files whose chunks were seen, but not their end: the list was cut off, or the file failed when it was made.
    [[nodiscard]] std::vector<verdict> rest();

private:
    /// What was seen of one path, and has not ended.
    struct open_readings {
        std::vector<std::shared_ptr<checked_file>> all; // the oldest first
        std::size_t failed = 0; // of them; which is not known
    };

    [[nodiscard]] check_batch& open_batch();
    [[nodiscard]] std::shared_ptr<checked_file> reading_of(const listed_chunk& line);
    [[nodiscard]] std::shared_ptr<checked_file> take_reading(const listed_file& line);
    [[nodiscard]] std::string why_unread(const listed_origin& line) const;
    void gather(checked_file& into, const listed_chunk& line, const std::string& failure);

    bool has_input_;
    std::map<std::string, open_readings, std::less<>> files_;
    contained_files contained_;
    std::shared_ptr<check_batch> open_;
    std::shared_ptr<check_batch> closed_;            // before the open one: a line did not fit into it
    std::vector<std::shared_ptr<check_batch>> idle_; // their memory is used again
    std::uint64_t stream_position_ = 0;              // in standard input, which has no other
};

} // namespace tool
