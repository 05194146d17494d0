#pragma once
// The lines that `weir ingest --json` prints, read again.

#include <weir/codec.hpp>
#include <weir/digest.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace tool {

struct listed_digest {
    weir::hash_algorithm hash = weir::hash_algorithm::sha256;
    weir::digest value;
};

/// Which content it is that a line tells of.
struct listed_origin {
    std::string path;
    std::string archive; ///< of an entry: what its path begins with, before a slash; else empty
    std::optional<weir::codec> codec; ///< that was undone

    /// Whether it lies in the file that is on the disk, and is not that file itself.
    [[nodiscard]] bool is_contained() const noexcept { return !archive.empty() || codec; }
};

struct listed_chunk : listed_origin {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    listed_digest digest;
};

struct listed_file : listed_origin {
    std::uint64_t size = 0;
    std::uint64_t chunks = 0;
    weir::digest root;
    std::optional<listed_digest> whole;
};

/// A file that could not be read when the list was made.
struct listed_error {
    std::string path;
};

struct listed_summary {
    bool interrupted = false;
    std::uint64_t files = 0;
    std::uint64_t chunks = 0;
    std::uint64_t bytes = 0;
};

/// A line of a type that is not known here: a later release may have written it.
struct listed_other {};

using listed = std::variant<listed_chunk, listed_file, listed_error, listed_summary, listed_other>;

/// \param line  one line, without its end
/// \throws weir::error `errc::bad_format`: no such line; the message says why
[[nodiscard]] listed parse_listed(std::string_view line);

} // namespace tool
