#pragma once
// Files that have one user at a time, and that others find again after a crash.

#include <weir/file_handle.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <system_error>

#include <sys/types.h>

namespace weir::detail {

/// Opens `path` for reading and writing, or makes it, and locks it (flock(2)) for as long as it is open. What others do to
/// the name meanwhile is seen: the file is the one that has the name now.
/// \param mode   of a new file, before the umask
/// \param check  is shown each file, with the path, before it is locked; what it throws ends the opening
/// \throws weir::error, with the path
///   `errc::in_use`: it is locked
///   what the system reports: `ELOOP` for a link, `EACCES`, `ENOSPC` ...
[[nodiscard]] file_handle open_locked(const std::filesystem::path& path, mode_t mode,
                                      void (*check)(const file_handle&, const std::filesystem::path&));

/// Reads until `into` is full or the file ends.
/// \returns  how many bytes there were, up to a failure
[[nodiscard]] std::size_t read_at(const file_handle& file, std::uint64_t offset, std::span<std::byte> into,
                                  std::error_code& failure) noexcept;

/// Writes all of it, or up to a failure.
void write_at(const file_handle& file, std::uint64_t offset, std::span<const std::byte> content,
              std::error_code& failure) noexcept;

/// A name is on the disk when its directory is. Best effort: some file systems refuse it.
void sync_directory_of(const std::filesystem::path& path);

} // namespace weir::detail
