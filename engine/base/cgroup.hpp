#pragma once
// Limits of the control groups that this process runs in.

#include <cstdint>
#include <filesystem>
#include <optional>

namespace weir::detail {

struct cgroup_limits {
    std::optional<double> cores; ///< the quota of CPU time by its period
    std::optional<std::uint64_t> memory_bytes;
};

/// The least limits of the process's own groups and of all above them, of version 2 and of version 1. A process in a
/// container sees its own group as the root. What cannot be read limits nothing.
/// \param root  of the file system; tests have their own
/// \see cgroups(7)
cgroup_limits read_cgroup_limits(const std::filesystem::path& root = "/");

} // namespace weir::detail
