#include "base/cgroup.hpp"

#include <algorithm>
#include <fstream>
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

/// The least of what `limit_2` finds in groups of version 2 and `limit_1` in those of version 1 that have the controller.
template <class Limit>
Limit least_limit(const fs::path& root, const std::string& controller, Limit (*limit_2)(const fs::path&),
                  Limit (*limit_1)(const fs::path&))
{
    Limit least;
    const auto look = [&](const fs::path& mount, fs::path group, Limit (*limit_of)(const fs::path&)) {
        for (bool any = true; any; group = group.parent_path()) {
            any = !group.empty();
            if (const Limit found = limit_of(mount / group))
                least = std::min(*found, least.value_or(*found));
        }
    };
    const fs::path mounts = root / "sys/fs/cgroup";
    std::ifstream self(root / "proc/self/cgroup");
    for (std::string line; std::getline(self, line);) {
        // hierarchy:controllers:/group; the hierarchy of version 2 has no controllers in its name.
        const std::size_t first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos)
            continue;
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
        const fs::path group = fs::path(line.substr(second + 1)).relative_path();
        if (controllers == ",,")
            look(mounts, group, limit_2);
        else if (controllers.find("," + controller + ",") != std::string::npos) // who share a mount have a link each to it
            look(mounts / controller, group, limit_1);
    }
    return least;
}

std::optional<double> share(std::optional<double> quota, std::optional<double> period)
{
    return quota && period ? std::optional(*quota / *period) : std::nullopt;
}

std::optional<double> cores_2(const fs::path& group)
{
    std::ifstream file(group / "cpu.max");
    const auto quota = read_limit<double>(file), period = read_limit<double>(file);
    return share(quota, period);
}

std::optional<double> cores_1(const fs::path& group)
{
    return share(read_limit<double>(group / "cpu.cfs_quota_us"), read_limit<double>(group / "cpu.cfs_period_us"));
}

std::optional<std::uint64_t> memory_2(const fs::path& group) { return read_limit<std::uint64_t>(group / "memory.max"); }

std::optional<std::uint64_t> memory_1(const fs::path& group)
{
    return read_limit<std::uint64_t>(group / "memory.limit_in_bytes");
}

} // namespace

std::optional<double> cgroup_cores(const fs::path& root) { return least_limit(root, "cpu", cores_2, cores_1); }

std::optional<std::uint64_t> cgroup_memory_bytes(const fs::path& root)
{
    return least_limit(root, "memory", memory_2, memory_1);
}

} // namespace weir::detail
