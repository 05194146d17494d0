#include "coded_names.hpp"

#include "archives/tar_endings.hpp"
#include "base/ascii.hpp"

#include <algorithm>
#include <array>

namespace tool {
namespace {

struct name_end {
    std::string_view text;
    weir::codec which;
    std::string_view plain; ///< what stands there in the name of the content
};

/// Whether `path` ends so, in capitals or not, and has more than that in its last part.
bool ends_with(std::string_view path, std::string_view end) noexcept
{
    return !end.empty() && path.size() > end.size() && weir::ascii::ends_with_in_any_case(path, end)
        && path[path.size() - end.size() - 1] != '/';
}

std::optional<name_end> end_of(std::string_view path) noexcept
{
    for (const weir::codec which : weir::all_codecs())
        if (ends_with(path, weir::suffix_of(which)))
            return name_end{weir::suffix_of(which), which, ""};
    for (const weir::codecs::tar_ending& each : weir::codecs::tar_endings)
        if (ends_with(path, each.text))
            return name_end{each.text, each.which, ".tar"};
    return std::nullopt;
}

} // namespace

std::optional<weir::codec> codec_of_name(std::string_view path) noexcept
{
    const std::optional<name_end> end = end_of(path);
    return end ? std::optional(end->which) : std::nullopt;
}

std::optional<std::string> plain_name(std::string_view path)
{
    const std::optional<name_end> end = end_of(path);
    if (!end)
        return std::nullopt;
    path.remove_suffix(end->text.size());
    return std::string(path).append(end->plain);
}

bool names_archive(std::string_view path, std::uint64_t compressions)
{
    constexpr std::array<std::string_view, 5> endings = {".zip", ".tar", ".tar.bz2", ".tbz2", ".tar.Z"};
    for (std::optional<std::string> inside = std::string(path); inside; --compressions) {
        if (std::ranges::any_of(endings, [&](std::string_view end) { return ends_with(*inside, end); }))
            return true;
        if (compressions == 0)
            break;
        inside = plain_name(*inside); // of a.tar.gz, and a.tgz
    }
    return false;
}

} // namespace tool
