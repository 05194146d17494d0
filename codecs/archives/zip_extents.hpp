#pragma once
// Which bytes of a zip archive belong to which entry, so that no two entries share any: that is what a bomb is made of.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::codecs::zip {

/// 8 bytes an entry where they lie in the order of their directory, else 16.
class zip_extents {
public:
    /// Forgets what it has. `in_order`: the entries are expected to follow each other.
    void start(bool in_order, std::size_t entries);

    /// One entry: from its header to the end of its content, as far as the directory tells.
    /// \returns  false where it does not follow the one before, though that was expected: start again
    [[nodiscard]] bool add(std::uint64_t begin, std::uint64_t end);

    /// All were added; nothing of them lies behind `limit`.
    void settle(std::uint64_t limit);

    /// Whether an entry that was added shares bytes with another one.
    [[nodiscard]] bool overlaps(std::uint64_t begin, std::uint64_t end) const noexcept;
    /// Where the entry behind this place begins; the limit behind the last.
    [[nodiscard]] std::uint64_t next_after(std::uint64_t begin) const noexcept;

private:
    struct extent {
        std::uint64_t begin;
        std::uint64_t end; ///< once settled: the largest of this one and all before it
    };

    bool in_order_ = true;
    std::uint64_t limit_ = 0;
    std::uint64_t end_ = 0;             ///< of the last, in order
    std::vector<std::uint64_t> begins_; ///< in order
    std::vector<extent> extents_;       ///< else; sorted once settled
};

} // namespace weir::codecs::zip
