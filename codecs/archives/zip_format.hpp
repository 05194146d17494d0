#pragma once
// The records of a zip archive taken apart, without any I/O. Sections are those of PKWARE's APPNOTE.TXT 6.3.10.
//
//   { local header  content  [descriptor] }*  { directory header }*  [zip64 end, its locator]  end of directory
//
// All numbers are little-endian.

#include <weir/error.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace weir::codecs::zip {

/// Why an archive is refused as a whole, and where in it that shows.
struct fault {
    errc code;
    const char* why;
    std::uint64_t offset;

    /// \param archive  its name
    [[nodiscard]] error as_error(std::string_view archive) const { return {code, "read", archive, offset, why}; }
};

enum signature : std::uint32_t {
    local_signature = 0x04034b50,
    descriptor_signature = 0x08074b50,
    directory_signature = 0x02014b50,
    digital_signature = 0x05054b50,
    extra_data_signature = 0x08064b50, ///< before an encrypted directory
    end64_signature = 0x06064b50,
    locator_signature = 0x07064b50,
    end_signature = 0x06054b50,
    one_segment_signature = 0x30304b50, ///< at the start of what could have been split, and was not
};

inline constexpr std::size_t signature_bytes = 4;
inline constexpr std::size_t local_header_bytes = 30;     ///< without name and extra fields
inline constexpr std::size_t directory_header_bytes = 46; ///< without name, extra fields and comment
inline constexpr std::size_t end64_bytes = 56;            ///< without extensible data
inline constexpr std::size_t end64_size_bytes = 12;       ///< its signature and its size, which does not count them
inline constexpr std::size_t locator_bytes = 20;
inline constexpr std::size_t end_bytes = 22; ///< without the comment
inline constexpr std::size_t most_comment_bytes = 0xffff;
inline constexpr std::size_t most_end64_data_bytes = 0xffff; ///< of extensible data
/// Of zeros behind the end, as programs write them that write whole blocks: bsdtar to a pipe up to 10 KiB.
inline constexpr std::size_t most_padding_bytes = std::size_t{32} << 10;
/// As many bytes at the end of an archive are enough to find its directory.
inline constexpr std::size_t tail_bytes =
    end64_bytes + locator_bytes + end_bytes + most_comment_bytes + most_padding_bytes;

/// Section 4.4.4.
enum flag : std::uint16_t {
    encrypted_flag = 1u << 0,
    lzma_marker_flag = 1u << 1, ///< of method 14: the stream says where it ends
    descriptor_flag = 1u << 3,  ///< checksum and sizes follow the content
    patch_flag = 1u << 5,
    strong_encryption_flag = 1u << 6,
    utf8_flag = 1u << 11, ///< of name and comment
    masked_flag = 1u << 13,
};

/// Those in which the headers of an entry have to agree: they say how to read it. The others are of the compression.
inline constexpr std::uint16_t compared_flags = encrypted_flag | descriptor_flag | patch_flag | strong_encryption_flag
    | utf8_flag | masked_flag;

/// Section 4.4.5; those that are decoded, or refused by name.
enum method : std::uint16_t {
    stored_method = 0,
    deflate_method = 8,
    deflate64_method = 9,
    bzip2_method = 12,
    lzma_method = 14,
    zstd_method = 93,
    xz_method = 95,
    ppmd_method = 98,
    aes_method = 99,
};

/// Of either kind, with what zip64 says put in its place. Text and extra fields lie in the record's memory.
struct header {
    std::uint16_t made_by = 0; ///< the system, in the upper half; of a directory header, as are the three at the end
    std::uint16_t flags = 0;
    std::uint16_t method = 0;
    std::uint16_t time = 0; ///< as MS-DOS has it
    std::uint16_t date = 0;
    std::uint32_t crc = 0;
    std::uint64_t compressed = 0;
    std::uint64_t size = 0;
    std::string_view name;
    std::span<const std::byte> extra;
    std::uint32_t disk = 0;
    std::uint32_t attributes = 0;
    std::uint64_t offset = 0;      ///< of its local header, as written
    const char* fault = nullptr;   ///< what is wrong with its sizes

    [[nodiscard]] bool has(flag which) const noexcept { return (flags & which) != 0; }
};

/// Whether these are zeros.
[[nodiscard]] bool is_padding(std::span<const std::byte> bytes) noexcept;

/// The number at the start of a record.
[[nodiscard]] std::uint32_t signature_of(std::span<const std::byte> record) noexcept;

/// How long the record is that begins with these `local_header_bytes` or `directory_header_bytes`.
[[nodiscard]] std::size_t size_of_local_header(std::span<const std::byte> start) noexcept;
[[nodiscard]] std::size_t size_of_directory_header(std::span<const std::byte> start) noexcept;

/// Sections 4.3.7 and 4.3.12. \pre the whole record, with its signature
[[nodiscard]] header parse_local_header(std::span<const std::byte> record) noexcept;
[[nodiscard]] header parse_directory_header(std::span<const std::byte> record) noexcept;

/// The first extra field with that number. Fields behind one that is longer than what is left do not exist.
[[nodiscard]] std::optional<std::span<const std::byte>> find_extra(std::span<const std::byte> extra,
                                                                   std::uint16_t number) noexcept;

/// The end of the directory, as the last record and that of zip64 have it together.
struct directory_end {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;  ///< of the directory
    std::uint64_t offset = 0; ///< of the directory, as written
};

/// What the end record alone says. \pre `end_bytes` of it, with its signature
/// \throws fault  more than one disk
[[nodiscard]] directory_end parse_end(std::span<const std::byte> record, std::uint64_t at);
/// How long a comment follows the end record.
[[nodiscard]] std::size_t comment_bytes(std::span<const std::byte> end_record) noexcept;

/// Puts what a zip64 end record says in place of the numbers that `end` has no room for. \pre `end64_bytes` of it
/// \throws fault  more than one disk; the two say different things
[[nodiscard]] directory_end widen_end(directory_end end, std::span<const std::byte> record, std::uint64_t at);

/// Where the zip64 end record is, says its locator. \pre `locator_bytes` of it, with its signature
/// \throws fault  more than one disk
[[nodiscard]] std::uint64_t parse_locator(std::span<const std::byte> record, std::uint64_t at);

/// Where a directory is.
struct directory_place {
    std::uint64_t entries = 0;
    std::uint64_t offset = 0; ///< in the input
    std::uint64_t bytes = 0;
    std::uint64_t prefix = 0; ///< bytes before the archive, to be added to each offset
};

/// Finds the directory by the archive's last bytes: at least `tail_bytes` of them, or all.
///
/// Bytes before the archive (a program that unpacks it) are the difference between where the directory is and where it
/// says that it is.
/// \param tail_at  offset of `tail` in the input
/// \throws fault  `errc::bad_format`: there is no end record that reaches to the end of the input, or to its padding;
///                `errc::corrupt_data`: there are two, or what they say is impossible; `errc::unsupported_format`
[[nodiscard]] directory_place find_directory(std::span<const std::byte> tail, std::uint64_t tail_at);

} // namespace weir::codecs::zip
