#pragma once
// Archives: what is in them, entry by entry, each a source of its own.
//
// Nothing here creates, follows or overwrites anything: names and links are told as the archive has them, and said to
// be unsafe where they are. See docs/archives.md.

#include <weir/codec_pool.hpp>
#include <weir/codec_settings.hpp>
#include <weir/export.hpp>
#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir {

class engine;

enum class archive_format : std::uint8_t { tar, zip };

/// `tar`, `zip`.
[[nodiscard]] WEIR_API std::string_view to_string(archive_format which) noexcept;

enum class archive_entry_type : std::uint8_t {
    file,
    directory,
    symbolic_link,
    hard_link, ///< pax may have given it a content of its own
    other, ///< a device or a FIFO
};

/// What an archive says of one of its entries. None of it is to be trusted but what `refusal` was made of.
struct archive_entry {
    std::string name; ///< any bytes but NUL, separated by slashes; that of a directory may end in one
    archive_entry_type type = archive_entry_type::file;
    /// Bytes of the content, as declared. Nothing where a zip stream tells it only after the content.
    std::optional<std::uint64_t> size = 0;
    std::uint64_t stored_bytes = 0; ///< that the content has in the archive; 0 where it is not told before it
    std::string method = "stored";  ///< how the content is compressed: "stored", "deflate", "zstd", "method 97" ...
    std::optional<std::uint32_t> mode = std::nullopt; ///< permission bits, up to 07777, where the archive has any
    /// UTC where the archive says so; else the local time of who made it, taken for UTC.
    std::optional<std::chrono::sys_time<std::chrono::nanoseconds>> modified = std::nullopt;
    std::string link_target;  ///< of a link, as it is
    std::uint64_t offset = 0; ///< of its header in the archive, in bytes
    /// Why its content is not given, a `weir::error`: it is encrypted, of an unknown method, past a limit, it overlaps
    /// another, its header contradicts the directory, or its name is unsafe. Null: `archive::open` may be tried.
    std::exception_ptr refusal = nullptr;
    std::shared_ptr<const void> place = nullptr; ///< for the archive that gave it
};

/// Whether a name stays below the directory that it would be put into: it is relative, and has no part "..".
[[nodiscard]] WEIR_API bool is_safe_name(std::string_view name) noexcept;

/// A name as users type it: without the "./" that tar writes before it, and the slash behind a directory.
[[nodiscard]] WEIR_API std::string_view plain_entry_name(std::string_view name) noexcept;

/// How far to trust archives. Passing a limit is `errc::limit_exceeded`: of an entry that one's, which is refused, the
/// others of the archive's. `unlimited` switches one off.
struct archive_limits {
    std::uint64_t max_archive_bytes = std::uint64_t{4} << 30; ///< of a zip archive
    std::uint64_t max_entry_bytes = std::uint64_t{1} << 30;   ///< of one content, declared or found
    /// Of all contents together, holes included, as `next` told or else as given, if that is more than the archive has
    /// bytes itself. The entry that passes it is refused, and those after it; what declared nothing ends the archive.
    std::uint64_t max_content_bytes = std::uint64_t{16} << 30;
    std::uint64_t max_entries = 1'000'000;
    /// Compressions that an archive may lie in, one around the other: 1 for a.tar.gz. Never more than 16, for each has a
    /// decoder, and streams exist that decode to themselves. An archive within an archive is a file in any case.
    std::uint64_t max_nesting = 1;
};

struct archive_options {
    archive_limits limits = {};
    /// Of entries, and of archives that are compressed as a whole: ratio, memory, the whole output. The ratio holds for
    /// all contents together too, to the bytes of the archive up to there (a zip archive's by its directory: to all of
    /// them): `ratio_free_bytes` are free once, and holes count. It is passed as `max_content_bytes` is.
    decoder_settings decoder = {};
    /// Whether entries with unsafe names are refused. Off: for who has looked at `is_safe_name`, or puts nothing anywhere.
    bool refuse_unsafe_names = true;
    codec_pool* contexts = nullptr; ///< null: `codec_pool::common()`; outlives the archive and its sources
};

/// Something with bytes at any place: a file, memory, an object behind ranges. Users implement it too.
///
/// \par Thread-safety
/// Any threads: the sources that it opens are read at the same time.
class WEIR_API random_access_input {
public:
    random_access_input() = default;
    random_access_input(const random_access_input&) = delete;
    random_access_input& operator=(const random_access_input&) = delete;
    virtual ~random_access_input();

    [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;        ///< in bytes
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;     ///< path or URL, for messages
    /// Bytes `offset` to `offset` + `length`, as a source that may outlive this object. \pre within `size()`
    /// \throws weir::error  what opening reports
    [[nodiscard]] virtual std::unique_ptr<source> open(std::uint64_t offset, std::uint64_t length) = 0;
};

/// An archive that is read, entry by entry.
///
/// \par Thread-safety
/// One call at a time. Where `reads_in_any_order()`, `open` may be called at any time on any thread, also while `next` is
/// under way, and sources of distinct entries are independent. Archive and engine outlive them.
class WEIR_API archive {
public:
    archive() = default;
    archive(const archive&) = delete;
    archive& operator=(const archive&) = delete;
    virtual ~archive();

    [[nodiscard]] virtual archive_format format() const noexcept = 0;
    /// Whether entries can be opened in any order, and several at a time; else only the one that `next` gave last, once.
    [[nodiscard]] virtual bool reads_in_any_order() const noexcept = 0;

    /// The next entry, in the archive's order; passes over what was not read of the one before, whose source gives
    /// `errc::closed` from then on where entries have an order.
    ///
    /// \returns  nothing at the end; then the archive is whole, and checked as far as it can be
    /// \throws weir::error  with the archive's name and the offset: what the input reports, `errc::truncated`,
    ///                      `errc::corrupt_data`, `errc::checksum_mismatch`, `errc::unsupported_format`,
    ///                      `errc::limit_exceeded`. The same again at every later call.
    /// \par Cancellation
    /// terminal, partial, total: the next call goes on.
    [[nodiscard]] virtual boost::asio::awaitable<std::optional<archive_entry>> next() = 0;

    /// The content of an entry, decoded, under the name "ARCHIVE/ENTRY". Its end is that of a whole content, whose size
    /// and checksum are right; else `read` throws what `decoder::pull` does, with that name.
    /// \throws weir::error  the entry's `refusal`; `errc::closed`: it is another's turn
    [[nodiscard]] virtual std::unique_ptr<source> open(const archive_entry& which) = 0;

    /// Gives back memory, and closes the input. May be awaited twice.
    /// \throws weir::error  what the input's `source::close` does
    /// \par Cancellation
    /// terminal, partial, total: only the waiting ends.
    [[nodiscard]] virtual boost::asio::awaitable<void> close() = 0;
};

} // namespace weir
