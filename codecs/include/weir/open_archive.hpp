#pragma once
// Archives by what they begin with.

#include <weir/archive.hpp>
#include <weir/export.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace weir {

/// How many bytes at the start of an input `detect_archive` looks at.
inline constexpr std::size_t archive_magic_bytes = 512;

/// Tells a format by the first bytes.
///
/// tar: by its magic, or, as the oldest have none, by a checksum that fits. zip: by the signature of its first entry,
/// or of an archive without any. An archive of nothing that tar writes has only zeros, as other files begin too:
/// that is not looked for here.
/// \param start  the first `archive_magic_bytes` bytes, or all there are
/// \returns  nothing where no archive begins like this; it may still be one that is compressed, see `detect_codec`
[[nodiscard]] WEIR_API std::optional<archive_format> detect_archive(std::span<const std::byte> start) noexcept;

/// How many bytes at the start of an input `judge_archive` wants to see at the most.
inline constexpr std::size_t archive_start_bytes = std::size_t{8} << 20;

/// How many to show it next, where `seen` did not decide: few at first, since nearly all files show there what they are.
[[nodiscard]] constexpr std::size_t next_archive_look(std::size_t seen) noexcept
{
    constexpr std::size_t second = std::size_t{256} << 10;
    if (seen < second)
        return second;
    return seen < archive_start_bytes / 4 ? 4 * seen : archive_start_bytes;
}

enum class archive_verdict : std::uint8_t {
    file,      ///< it is read as it is
    archive,   ///< it is to be opened; `open_archive` may still say why it is none
    undecided, ///< more of it has to be seen
};

/// Whether a file is to be opened as an archive: it is one, compressed or not, by how it begins; or it is compressed,
/// how its content begins cannot be seen, and its name is that of an archive, "a.tar.zst", "a.tgz", in any case. Such a
/// file is damaged, cut off, or compressed more often than `archive_limits::max_nesting`. What is compressed and shows
/// no content in `archive_start_bytes` is to be opened, whatever its name. Whole blocks of tar with nothing but zeros are an
/// archive of nothing where the name says so, "a.tar" too, and where there is none.
/// \param start     the first `archive_magic_bytes` of the file, then as many as `next_archive_look` says, or all there are
/// \param is_whole  it is all there is: never undecided
/// \param name      empty for what has none, as standard input: if it is compressed and cannot be decoded, it is opened
///                  as an archive, so that somebody says why (but for zlib, whose magic number texts begin with)
/// \param options   for the decoder
[[nodiscard]] WEIR_API archive_verdict judge_archive(std::span<const std::byte> start, bool is_whole, std::string_view name,
                                                     const archive_options& options = {});

/// Whether a zip archive ends so, with or without something in front of it, as a program that extracts it: for files
/// that begin as no archive does.
/// \param end   the last `archive_end_bytes` of the file, or all there are
/// \param size  of the file, in bytes
[[nodiscard]] WEIR_API bool is_zip_end(std::span<const std::byte> end, std::uint64_t size);
inline constexpr std::size_t archive_end_bytes = std::size_t{128} << 10;

/// An archive from a stream: tar, or zip by the headers of its entries; compressed or not.
///
/// A codec is found by its magic number, and decoded with `options.decoder`; inside of it has to be an archive, or
/// another codec where `archive_limits::max_nesting` allows it. Entries
/// come as the stream does, one at a time. The engine outlives the archive, and so does what it reads: until `close` has
/// ended a worker may read ahead.
/// \throws weir::error  with the input's name
///   `errc::bad_format`: no known archive begins so.
///   `errc::limit_exceeded`: it is compressed more often than `archive_limits::max_nesting`.
///   `errc::codec_unavailable`; and what the input and its decoder report.
/// \par Cancellation
/// terminal, partial, total: the input is lost.
[[nodiscard]] WEIR_API boost::asio::awaitable<std::unique_ptr<archive>>
open_archive(engine& owner, std::unique_ptr<source> input, const archive_options& options = {});

/// An archive from something with bytes at any place: zip by its directory, whose entries can be read in any order and
/// at the same time, also behind a program that extracts it; everything else as a stream of all its bytes.
/// \throws weir::error  as that one; and what the directory of a zip archive is refused for
/// \par Cancellation
/// terminal, partial, total.
[[nodiscard]] WEIR_API boost::asio::awaitable<std::unique_ptr<archive>>
open_archive(engine& owner, std::shared_ptr<random_access_input> input, const archive_options& options = {});

} // namespace weir
