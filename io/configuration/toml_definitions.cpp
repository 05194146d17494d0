#include "toml_definitions.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir::detail {

bool toml_definitions::add_header(const key_path& path)
{
    if (!add_parents(path, 1, kind::implied))
        return false;
    kind& found = known_.try_emplace(path, kind::implied).first->second;
    return std::exchange(found, kind::header) == kind::implied;
}

bool toml_definitions::add_array(const key_path& path)
{
    if (!add_parents(path, 1, kind::implied) || known_.try_emplace(path, kind::array).first->second != kind::array)
        return false;
    const auto is_below = [&](const auto& entry) {
        return entry.first.size() > path.size() && std::equal(path.begin(), path.end(), entry.first.begin());
    };
    const auto first = std::next(known_.find(path));
    known_.erase(first, std::find_if_not(first, known_.end(), is_below));
    return true;
}

bool toml_definitions::add_value(const key_path& path, std::size_t base)
{
    return add_parents(path, base + 1, kind::dotted) && known_.try_emplace(path, kind::value).second;
}

bool toml_definitions::add_parents(const key_path& path, std::size_t first, kind how)
{
    for (std::size_t parts = first; parts < path.size(); ++parts) {
        const key_path parent(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(parts));
        kind& found = known_.try_emplace(parent, how).first->second;
        if (how == kind::dotted && found == kind::implied)
            found = kind::dotted;
        if (found == kind::value || (how == kind::dotted && found != kind::dotted))
            return false;
    }
    return true;
}

} // namespace weir::detail
