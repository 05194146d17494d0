#include "archives/tar_pax.hpp"

#include "archives/tar_number.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace weir::codecs::tar {
namespace {

constexpr std::string_view good = {};

struct record {
    std::string_view key;
    std::string_view value;
};

/// Takes "LENGTH KEY=VALUE\n" off `rest`; the length is that of all of it.
std::optional<record> take_record(std::string_view& rest)
{
    const std::size_t blank = rest.find(' ');
    if (blank == rest.npos)
        return std::nullopt;
    const std::optional<std::uint64_t> length = decimal(rest.substr(0, blank));
    if (!length || *length > rest.size() || *length < blank + 2 || rest[*length - 1] != '\n')
        return std::nullopt;
    const std::string_view body = rest.substr(blank + 1, *length - blank - 2);
    rest.remove_prefix(*length);
    const std::size_t equals = body.find('=');
    if (equals == body.npos || equals == 0)
        return std::nullopt;
    return record{body.substr(0, equals), body.substr(equals + 1)};
}

std::string_view set_text(std::optional<std::string>& target, std::string_view value)
{
    if (value.find('\0') != value.npos)
        return "a name with a NUL in an extended header";
    target.reset();
    if (!value.empty())
        target.emplace(value);
    return good;
}

std::string_view set_number(std::optional<std::uint64_t>& target, std::string_view value)
{
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    target = decimal(value);
    if (!value.empty() && (!target || *target > most))
        return "a size in an extended header is no number";
    return good;
}

/// What no two entries share: a map of many extents would be every entry's anew.
bool is_of_one_entry(std::string_view key) noexcept
{
    return key == "path" || key == "linkpath" || key == "size" || key.starts_with("GNU.sparse.");
}

} // namespace

std::string_view pax_attributes::read(std::string_view records, pax_scope scope)
{
    while (!records.empty()) {
        const std::optional<record> next = take_record(records);
        if (!next)
            return "a malformed record in an extended header";
        if (scope == pax_scope::archive && is_of_one_entry(next->key))
            continue;
        if (const std::string_view wrong = set(next->key, next->value); !wrong.empty())
            return wrong;
    }
    return good;
}

std::string_view pax_attributes::set(std::string_view key, std::string_view value)
{
    if (key == "path")
        return set_text(path, value);
    if (key == "linkpath")
        return set_text(link_path, value);
    if (key == "size")
        return set_number(size, value);
    if (key == "mtime") {
        modified = parse_time(value);
        has_modified = !value.empty();
    }
    else if (key.starts_with("GNU.sparse."))
        return set_sparse(key.substr(11), value);
    else if (key == "SCHILY.realsize")
        is_star_sparse = true;
    else if (key == "GNU.dumpdir")
        is_directory_list = true;
    else if (key.starts_with("GNU.volume.") && key != "GNU.volume.label")
        is_continued = true;
    return good;
}

std::string_view pax_attributes::set_sparse(std::string_view key, std::string_view value)
{
    if (key == "name")
        return set_text(sparse_name, value);
    if (key == "major")
        return set_number(sparse_major, value);
    if (key == "minor")
        return set_number(sparse_minor, value);
    if (key == "realsize" || key == "size")
        return set_number(real_size, value);
    if (key == "numblocks")
        map.emplace(); // those that follow are its extents
    else if (key == "map")
        map.emplace().add_list(value);
    else if ((key == "offset" || key == "numbytes") && map)
        map->add(decimal(value));
    return good;
}

std::optional<file_time> time_of(std::int64_t seconds, std::uint32_t nanoseconds) noexcept
{
    constexpr std::int64_t second = 1'000'000'000;
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / second - 1;
    if (seconds > most || seconds < -most)
        return std::nullopt;
    return file_time(std::chrono::nanoseconds(seconds * second + nanoseconds));
}

std::optional<file_time> parse_time(std::string_view seconds) noexcept
{
    const bool is_negative = seconds.starts_with('-');
    if (is_negative)
        seconds.remove_prefix(1);
    const std::size_t point = std::min(seconds.find('.'), seconds.size());
    const std::optional<std::uint64_t> whole = decimal(seconds.substr(0, point));
    if (!whole || !std::in_range<std::int64_t>(*whole))
        return std::nullopt;
    std::uint64_t nanoseconds = 0;
    seconds.remove_prefix(std::min(point + 1, seconds.size()));
    for (std::size_t i = 0; i < 9; ++i)
        if (!append_digit(nanoseconds, i < seconds.size() ? seconds[i] : '0'))
            return std::nullopt;
    const std::optional<file_time> size =
        time_of(static_cast<std::int64_t>(*whole), static_cast<std::uint32_t>(nanoseconds));
    if (!size || !is_negative)
        return size;
    return file_time(-size->time_since_epoch());
}

} // namespace weir::codecs::tar
