#pragma once
// Where the data of a sparse file lie, in the four forms in which tar archives tell it.
//
// \see GNU tar manual, "Storing Sparse Files": old GNU (type 'S'), PAX formats 0.0, 0.1 and 1.0

#include "archives/tar_block.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace weir::codecs::tar {

/// Data of a file, all the rest of which are zeros.
struct extent {
    std::uint64_t offset = 0; ///< in the file
    std::uint64_t bytes = 0;
};

/// Extents in the order of the file.
class sparse_map {
public:
    static constexpr std::size_t max_extents = 65'536; ///< 1 MiB of memory

    enum class state : std::uint8_t { good, malformed, too_long };

    /// Adds numbers as they come: an offset, its size, an offset, its size ...
    void add(std::optional<std::uint64_t> number);
    /// Adds decimal numbers between commas, the form 0.1.
    void add_list(std::string_view numbers);
    void clear() noexcept;

    /// Whether the extents lie in order in a file of `file_bytes`, and have `stored_bytes` together.
    [[nodiscard]] bool fits(std::uint64_t file_bytes, std::uint64_t stored_bytes) const noexcept;

    [[nodiscard]] state condition() const noexcept { return state_; }
    [[nodiscard]] std::span<const extent> extents() const noexcept { return extents_; }

private:
    std::vector<extent> extents_;
    std::optional<std::uint64_t> offset_; ///< whose size is awaited
    state state_ = state::good;
};

/// Reads the map of an old GNU header, or of a block that continues one.
struct old_sparse_area {
    std::size_t extents; ///< how many there is room for, from `offset`
    std::size_t offset;
    std::size_t continues; ///< the place of the flag that says that another block follows

    /// \returns  whether another block follows
    bool read(block from, sparse_map& into) const;
};

inline constexpr old_sparse_area old_sparse_header{4, 386, 482};
inline constexpr old_sparse_area old_sparse_block{21, 0, 504};
inline constexpr field old_sparse_size{483, 12}; ///< of the file

/// Reads the form 1.0: lines of decimal digits in the first blocks of the content, how many extents, then these.
class sparse_map_reader {
public:
    void restart() noexcept { *this = {}; }
    /// \returns  whether the map is whole, or can be nothing any more; the rest of the block is padding
    bool read(block from, sparse_map& into);

private:
    bool take_line(sparse_map& into);

    std::uint64_t value_ = 0;
    std::size_t digits_ = 0;
    std::optional<std::uint64_t> numbers_left_; ///< nothing before the first line
};

/// Where a reader of a content is: in a hole or in data.
class sparse_cursor {
public:
    /// The extents must live as long as it is used.
    void start(std::span<const extent> extents, std::uint64_t file_bytes) noexcept;

    [[nodiscard]] bool at_end() const noexcept { return position_ == file_bytes_; }
    [[nodiscard]] std::uint64_t hole() const noexcept; ///< zeros from here on
    [[nodiscard]] std::uint64_t data() const noexcept; ///< bytes of data from here on, 0 in a hole
    /// \pre `count` is not beyond the hole or the data
    void advance(std::uint64_t count) noexcept;

private:
    void drop_past() noexcept;

    std::span<const extent> extents_; ///< that are not past
    std::uint64_t position_ = 0;
    std::uint64_t file_bytes_ = 0;
};

} // namespace weir::codecs::tar
