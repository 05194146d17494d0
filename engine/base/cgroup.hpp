#pragma once
// Limits of the control groups that this process runs in, of version 2 and of version 1.
//
// The least limit counts, of the process's own group and of all above it. A process in a container sees its own group as
// the root. What cannot be read limits nothing. \see cgroups(7)

#include <cstdint>
#include <filesystem>
#include <optional>

namespace weir::detail {

/// The quota of CPU time by its period.
/// \param root  of the file system; tests have their own
std::optional<double> cgroup_cores(const std::filesystem::path& root = "/");

/// \param root  of the file system; tests have their own
std::optional<std::uint64_t> cgroup_memory_bytes(const std::filesystem::path& root = "/");

} // namespace weir::detail
