#pragma once
// A tar archive as its input comes: entries in order, the content of one at a time.

#include <weir/archive.hpp>

#include <memory>

namespace weir::codecs {

/// Reads ustar, pax, GNU tar's formats and the one before them; see docs/archives.md. It needs nothing but its input:
/// what is compressed goes through a `decoding_source` first.
/// \param places  the bytes of the input from any place on, where they can be had so: contents that nobody reads are
/// jumped
[[nodiscard]] std::unique_ptr<archive> make_tar_archive(std::unique_ptr<source> input, const archive_options& options,
                                                        std::shared_ptr<random_access_input> places = nullptr);

} // namespace weir::codecs
