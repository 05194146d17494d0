#pragma once
// A zip archive as it comes: by the local headers of its entries, in order, and checked by the directory at its end.

#include <weir/archive.hpp>

#include <memory>

namespace weir {
class engine;
}

namespace weir::codecs {

/// Reads a zip archive from any source. Types other than directories, and modes, are not told: only the directory at
/// the end has them. Nor is the size of a content that is followed by it (a "data descriptor").
///
/// `next` at the end has compared the directory with all entries before it: the same ones, with the same names, places,
/// methods, sizes and checksums. It keeps one sum of digests for that, whatever their number. What is refused and tells
/// no size, so that nobody can say where it ends, ends the archive. An archive begins at the source's first byte.
[[nodiscard]] std::unique_ptr<archive> make_zip_stream(engine& owner, std::unique_ptr<source> input,
                                                       const archive_options& options);

} // namespace weir::codecs
