#include <weir/archive.hpp>

namespace weir {

archive::~archive() = default;
random_access_input::~random_access_input() = default;

std::string_view to_string(archive_format which) noexcept
{
    return which == archive_format::tar ? "tar" : "zip";
}

bool is_safe_name(std::string_view name) noexcept
{
    if (name.empty() || name.front() == '/' || name.find('\0') != name.npos)
        return false;
    while (!name.empty()) {
        const std::size_t end = name.find('/');
        if (name.substr(0, end) == "..")
            return false;
        name.remove_prefix(end == name.npos ? name.size() : end + 1);
    }
    return true;
}

std::string_view plain_entry_name(std::string_view name) noexcept
{
    while (name.starts_with("./"))
        name.remove_prefix(2);
    if (name.size() > 1 && name.ends_with('/'))
        name.remove_suffix(1);
    return name;
}

} // namespace weir
