#pragma once
// Average chunk sizes by the size of the file.

#include <weir/export.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace weir {

/// Which average chunk size a file of a given size gets. Thresholds are exclusive upper bounds, in bytes.
///
/// Deduplication between versions of a file wants one average: a file that grows over a threshold is cut anew
/// everywhere. Where versions are what is stored, use one size for all.
struct chunk_size_table {
    std::size_t small_file_chunk_size = 256 * 1024;
    std::uint64_t small_file_threshold = std::uint64_t{1} << 20;
    std::size_t medium_file_chunk_size = 1024 * 1024;
    std::uint64_t medium_file_threshold = std::uint64_t{100} << 20;
    std::size_t large_file_chunk_size = 512 * 1024;
    std::uint64_t huge_file_threshold = std::uint64_t{1} << 30;
    std::size_t huge_file_chunk_size = 2 * 1024 * 1024;

    /// The average for a file of `file_size` bytes; the one of large files when the size is not known.
    [[nodiscard]] WEIR_API std::size_t average_for(std::optional<std::uint64_t> file_size) const noexcept;

    /// \throws weir::error `errc::bad_configuration`: the thresholds do not rise. `errc::bad_chunk_sizes`: a chunk size
    ///   is none that a chunker takes as its average.
    WEIR_API void validate() const;

    friend bool operator==(const chunk_size_table&, const chunk_size_table&) = default;
};

} // namespace weir
