#pragma once
// Files whose parts are sources: what an archive with a directory is read from.

#include <weir/archive.hpp>
#include <weir/engine.hpp>
#include <weir/export.hpp>
#include <weir/file_handle.hpp>
#include <weir/file_source.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace weir {

/// Opens a regular file for sources of any of its parts, several at a time. All share one descriptor, and are read as
/// `open_file` reads a file, but always through the page cache: parts begin anywhere, where direct reads cannot.
///
/// The size is that of the opening; what is written behind it later is not seen. The engine outlives the sources.
/// \throws weir::error, with the path
///   `errc::not_seekable`: no regular file.
///   `errc::backend_unavailable`, system category: as `open_file`.
///
/// Sources throw what those of `open_file` do; the offset is that in the file.
[[nodiscard]] WEIR_API std::shared_ptr<random_access_input>
open_random_access(engine& owner, const std::filesystem::path& path, const file_source_options& options = {});
/// The same for a file that is open already. `name` is for messages.
[[nodiscard]] WEIR_API std::shared_ptr<random_access_input>
open_random_access(engine& owner, file_handle file, std::string name, const file_source_options& options = {});

} // namespace weir
