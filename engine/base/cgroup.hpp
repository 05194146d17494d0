#pragma once
// Limits of the control group (version 2) that this process runs in.

#include <fstream>
#include <string>
#include <string_view>

namespace weir::detail {

/// Shows `visit` the file `name` of the process's own group and of each above it, as an open stream; one that
/// does not exist fails to read. A process in a container sees its own group as the root.
template <class Visit>
void for_each_cgroup(std::string_view name, Visit visit)
{
    std::string group;
    {
        std::ifstream self("/proc/self/cgroup");
        for (std::string line; std::getline(self, line);)
            if (line.starts_with("0::"))
                group = line.substr(3);
    }
    for (;;) {
        std::ifstream file("/sys/fs/cgroup" + group + "/" + std::string(name));
        visit(file);
        if (group.empty() || group == "/")
            return;
        group.erase(group.find_last_of('/'));
    }
}

} // namespace weir::detail
