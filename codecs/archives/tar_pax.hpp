#pragma once
// What the extended headers of pax say of entries.
//
// \see POSIX.1-2017, pax, "pax Extended Header"; the GNU tar manual, "Storing Sparse Files"

#include "archives/tar_sparse.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::codecs::tar {

using file_time = std::chrono::sys_time<std::chrono::nanoseconds>;

/// What an extended header is for.
enum class pax_scope : std::uint8_t { entry, archive };

/// The records of one extended header, or of several, that say something to a reader of contents. Those of other keys
/// are passed over.
struct pax_attributes {
    std::optional<std::string> path;
    std::optional<std::string> link_path;
    std::optional<std::uint64_t> size; ///< of the content in the archive
    std::optional<file_time> modified;
    bool has_modified = false; ///< also where that cannot be told

    // GNU.sparse.*
    std::optional<std::string> sparse_name;
    std::optional<std::uint64_t> sparse_major; ///< 1: the map is at the start of the content
    std::optional<std::uint64_t> sparse_minor;
    std::optional<std::uint64_t> real_size;
    std::optional<sparse_map> map; ///< of the forms 0.0 and 0.1

    bool is_continued = false;      ///< GNU.volume.*: of a file that began in another volume
    bool is_directory_list = false; ///< GNU.dumpdir
    bool is_star_sparse = false;    ///< SCHILY.realsize without a map of GNU's

    /// Adds records, which go before those of an earlier header; an empty value takes one away. Of those for the whole
    /// archive names, sizes and maps are passed over.
    /// \returns  what is wrong with them; empty if nothing is
    [[nodiscard]] std::string_view read(std::string_view records, pax_scope scope);

    [[nodiscard]] bool is_sparse() const noexcept { return map || sparse_major || real_size; }

private:
    std::string_view set(std::string_view key, std::string_view value);
    std::string_view set_sparse(std::string_view key, std::string_view value);
};

/// Seconds since 1970, which may be negative and have a fraction.
/// \returns  nothing of another text, and of a time that 64 bits of nanoseconds cannot tell
[[nodiscard]] std::optional<file_time> parse_time(std::string_view seconds) noexcept;

/// \returns  nothing of a time that 64 bits of nanoseconds cannot tell
[[nodiscard]] std::optional<file_time> time_of(std::int64_t seconds, std::uint32_t nanoseconds = 0) noexcept;

} // namespace weir::codecs::tar
