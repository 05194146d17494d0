#pragma once
// One stream, decoded piece by piece by several threads.

#include <weir/codec_settings.hpp>
#include <weir/export.hpp>
#include <weir/parallel_encoding.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace weir {

struct parallel_decoding_options {
    std::size_t threads = 0; ///< that decode, the caller's among them. 0: `default_worker_count()`; at most 1024
    /// The most content of a piece, in bytes; at least 64 KiB. Half as many pieces again as there are threads are in
    /// memory at a time, each with its content and a copy of its bytes (at most twice that, and 1 MiB), and a decoder
    /// for each thread, to which the limit of memory of the settings holds. A stream with larger pieces is decoded by
    /// one thread.
    std::size_t max_piece_bytes = std::size_t{64} << 20;
    codec_pool* contexts = nullptr; ///< null: `codec_pool::common()`
    std::string subject = {};       ///< what errors name instead of the codec: a path
};

/// Decodes a stream that is all there by several threads, where it is made of pieces that do not need each other; else
/// by the calling one. Waits for its end.
///
/// Such are: zstd of several frames that say how large their content is (`weir compress`, `pzstd`); xz of several blocks
/// with sizes in front (`weir compress`, `xz -T`); lz4 of independent blocks, as most is; gzip in BGZF's members, which
/// say how large they are (`bgzip`, and all of genomics: the SAM/BAM format specification, section 4.1).
///
/// What is given, and what is refused, how and at which offset, is that of `decoder` with these settings. At the first
/// thing that is not as it should be, one thread decodes all again up to there, which gives what is missing and says
/// what is wrong; so the memory of `content` is read twice then. It is copied before a library sees it: a file that is
/// mapped may change meanwhile, which gives other content or an error, and does no other harm.
/// \param write    called from any of the threads, by one at a time
/// \param release  told of what of `content` was decoded, in order, as `write` is called; may be empty. It may be read
///                 again after that.
/// \throws weir::error  as `decoder::pull`; `errc::bad_configuration` names the setting; or what `write` throws, which
///                      ends it
/// \par Cost
/// Starts and ends `threads - 1` threads.
WEIR_API parallel_totals decode_parallel(codec which, const decoder_settings& settings,
                                         const parallel_decoding_options& options, std::span<const std::byte> content,
                                         const stream_writer& write, const content_release& release = {});

} // namespace weir
