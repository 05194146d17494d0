#pragma once
// What a header of a zip archive says of its entry, and whether the content can be given.

#include "archives/zip_format.hpp"

#include <weir/archive.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::codecs::zip {

/// Where the content of an entry is, and what it has to come to: `archive_entry::place` of those of `open_zip`.
struct content_place {
    std::uint64_t header_at = 0; ///< of the local header in the input
    std::uint64_t limit = 0;     ///< offset of what comes next in the input
    std::uint64_t compressed = 0;
    std::uint64_t size = 0;
    std::uint32_t crc = 0;
    std::uint16_t flags = 0;
    std::uint16_t method = 0;
    std::string name; ///< as the header has it
};

/// The name of the entry of a header: a field of it may give another than its own.
[[nodiscard]] std::string told_name(const header& from);

/// The entry of a header; `offset`, `place` and `link_target` are left as they are. A local header knows neither types
/// but directories, nor modes.
[[nodiscard]] archive_entry entry_of(const header& from);

/// Why the content of such an entry is not given, as far as its header says it.
/// \param archive  name for messages
/// \param sized    whether the header's sizes are known
[[nodiscard]] std::exception_ptr refusal_of(const header& from, const archive_entry& entry, bool sized,
                                            const archive_options& options, std::string_view archive);

/// The codec of a method: `identity` for what is stored; nothing for those that are not read.
[[nodiscard]] std::optional<codec> codec_of(std::uint16_t which) noexcept;

/// The most bytes that a content may have.
[[nodiscard]] std::uint64_t most_content_bytes(const archive_options& options) noexcept;

/// \param which  the limit that it passes
[[nodiscard]] std::exception_ptr refusal_by_limit(std::string_view archive, std::string_view entry, std::string_view which);

} // namespace weir::codecs::zip
