#pragma once
// Sockets that this process has open: what a test begins with is what it must end with.

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace test {

inline std::size_t open_sockets()
{
    std::size_t count = 0;
    for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const std::string target = std::filesystem::read_symlink(each.path(), gone).string();
        count += std::string_view(target).starts_with("socket:") ? 1 : 0;
    }
    return count;
}

} // namespace test
