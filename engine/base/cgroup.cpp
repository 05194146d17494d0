#include "base/cgroup.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

namespace weir::detail {
namespace {

namespace fs = std::filesystem;

/// "max", and the -1 of version 1, are no numbers above zero.
template <class Number> std::optional<Number> read_limit(std::istream& file)
{
    Number value = 0;
    return file >> value && value > 0 ? std::optional(value) : std::nullopt;
}

template <class Number> std::optional<Number> read_limit(const fs::path& path)
{
    std::ifstream file(path);
    return read_limit<Number>(file);
}

template <class Number> void lower(std::optional<Number>& least, std::optional<Number> limit)
{
    if (limit)
        least = std::min(*limit, least.value_or(*limit));
}

void add_version_2(cgroup_limits& least, const fs::path& group)
{
    std::ifstream cpu(group / "cpu.max");
    const auto quota = read_limit<double>(cpu), period = read_limit<double>(cpu);
    if (quota && period)
        lower(least.cores, std::optional(*quota / *period));
    lower(least.memory_bytes, read_limit<std::uint64_t>(group / "memory.max"));
}

void add_version_1(cgroup_limits& least, const fs::path& group)
{
    const auto quota = read_limit<double>(group / "cpu.cfs_quota_us"), period = read_limit<double>(group / "cpu.cfs_period_us");
    if (quota && period)
        lower(least.cores, std::optional(*quota / *period));
    lower(least.memory_bytes, read_limit<std::uint64_t>(group / "memory.limit_in_bytes"));
}

/// \param group  relative, and all above it
void add_groups(cgroup_limits& least, const fs::path& mount, fs::path group, void (*add)(cgroup_limits&, const fs::path&))
{
    for (; !group.empty(); group = group.parent_path())
        add(least, mount / group);
    add(least, mount);
}

} // namespace

cgroup_limits read_cgroup_limits(const fs::path& root)
{
    cgroup_limits least;
    std::ifstream self(root / "proc/self/cgroup");
    for (std::string line; std::getline(self, line);) {
        // hierarchy:controllers:/group; the hierarchy of version 2 has no controllers in its name.
        const std::size_t first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos)
            continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const fs::path group = fs::path(line.substr(second + 1)).relative_path();
        const fs::path mounts = root / "sys/fs/cgroup";
        if (controllers.empty()) {
            add_groups(least, mounts, group, add_version_2);
            continue;
        }
        // Controllers share a mount, under their names in any order; each has a link of its own to it.
        std::istringstream names(controllers);
        for (std::string name; std::getline(names, name, ',');)
            if (name == "cpu" || name == "memory")
                add_groups(least, mounts / name, group, add_version_1);
    }
    return least;
}

} // namespace weir::detail
