#pragma once
// A zip archive by its central directory, which is the truth: entries can be read in any order, several at a time.

#include <weir/archive.hpp>

#include <boost/asio/awaitable.hpp>

#include <memory>

namespace weir {
class engine;
}

namespace weir::codecs {

/// Finds and reads the directory once, from its start to its end: then the number of entries, the size and the place of
/// the directory agree, and it is known which entries share bytes.
///
/// \throws weir::error  with the input's name and the offset
///   `errc::bad_format`: nothing ends like a zip archive; `errc::truncated`
///   `errc::corrupt_data`: a part of the directory contradicts another, or there is more than one way to read it.
///   `errc::unsupported_format`: an archive of several disks.
///   `errc::encrypted`: the directory is.
///   `errc::limit_exceeded`: the size of the archive, or the number of entries.
/// \par Cancellation
/// terminal, partial, total.
/// \par Cost
/// Up to 64 KiB are read at the end, then the directory. 8 bytes are kept for each entry, 16 where they are not in the
/// order of the directory, and 256 KiB besides until the walk has ended, 16 KiB more where there are links: no block of
/// the engine's.
[[nodiscard]] boost::asio::awaitable<std::unique_ptr<archive>>
open_zip(engine& owner, std::shared_ptr<random_access_input> input, const archive_options& options);

} // namespace weir::codecs
