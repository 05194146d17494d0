#pragma once
// One stream, encoded piece by piece by several threads.

#include <weir/codec_settings.hpp>
#include <weir/export.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace weir {

class codec_pool;

struct parallel_options {
    std::size_t threads = 0; ///< that encode, the caller's among them. 0: `default_worker_count()`; at most 1024
    /// Content of a piece, 16 KiB to 1 GiB; lz4: 64 KiB, 256 KiB, 1 MiB or 4 MiB. 0: as codec and level have it, see
    /// `piece_bytes_of`.
    std::size_t piece_bytes = 0;
    codec_pool* contexts = nullptr; ///< null: `codec_pool::common()`
};

/// The size of pieces where none is said: gzip, zlib and deflate 512 KiB, lz4 4 MiB; zstd four windows, at least 32 MiB
/// where the window is 4 MiB or more; xz three dictionaries; both at least 1 MiB.
/// \throws weir::error  as `encode_parallel`
[[nodiscard]] WEIR_API std::size_t piece_bytes_of(codec which, const encoder_settings& settings = {});

/// The most memory that such an encoding takes, in bytes: of each thread its library's and two pieces, one before and
/// one after it is encoded, and half as many pieces again that wait for those before them.
/// \throws weir::error  as `encode_parallel`
[[nodiscard]] WEIR_API std::size_t parallel_memory(codec which, const encoder_settings& settings,
                                                   const parallel_options& options);

/// Fills what it gets with the next bytes of the content.
/// \returns  how many; fewer than there is room for only at the end
using content_reader = std::function<std::size_t(std::span<std::byte>)>;
/// Takes the next bytes of the stream.
using stream_writer = std::function<void(std::span<const std::byte>)>;

struct parallel_totals {
    std::uint64_t consumed = 0; ///< bytes of content
    std::uint64_t produced = 0; ///< bytes of the stream
};

/// Encodes a stream by several threads; waits for its end.
///
/// The stream depends on the size of the pieces, and not on the number of threads. gzip, zlib and deflate give one
/// stream, xz one of several blocks, lz4 one frame of independent blocks, zstd a frame for each piece; any decoder
/// reads them. Raw LZMA and identity have no pieces.
/// \param read, write  called from any of the threads, each by one at a time
/// \throws weir::error  `errc::bad_configuration` names the setting; `errc::codec_unavailable`; of the library; the
///                      first of these, or of what `read` and `write` throw, which ends the others
/// \par Cost
/// Starts and ends `threads - 1` threads. For a service's many streams there are `encoding_source` and `encoding_sink`.
WEIR_API parallel_totals encode_parallel(codec which, const encoder_settings& settings, const parallel_options& options,
                                         const content_reader& read, const stream_writer& write);

/// Is told of each part of the content, in order, when it is not needed any more.
using content_release = std::function<void(std::span<const std::byte>)>;

/// The same of content that is all there, and is not copied.
/// \param content  does not change until the end: its bytes are looked at more than once, and a stream whose checksum is of
///                 other bytes is what no decoder takes. So it is nothing for a map of a file that others may write to
/// \param release  called as `write` is; may be empty
WEIR_API parallel_totals encode_parallel(codec which, const encoder_settings& settings, const parallel_options& options,
                                         std::span<const std::byte> content, const stream_writer& write,
                                         const content_release& release = {});

} // namespace weir
