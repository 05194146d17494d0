#include "known_files.hpp"

#include <chrono>

namespace weir::detail {
namespace {

// Beside the pool, whose limit is not to be passed by much.
constexpr std::size_t most_known_bytes = std::size_t{4} << 20;
constexpr std::int64_t settled_after = 2'000'000'000; // nanoseconds

std::int64_t now_in_nanoseconds()
{
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970).count();
}

std::size_t bytes_of(std::size_t chunks) noexcept { return sizeof(known_file) + chunks * sizeof(chunk_record); }

} // namespace

known_files::known_files(std::size_t most) : off_(most == 0), files_({.max_count = most, .max_bytes = most_known_bytes})
{}

std::optional<file_stamp> known_files::stamp(const file_info& info) const noexcept
{
    if (off_ || info.type != file_type::regular || info.links < 2)
        return std::nullopt;
    const bool settled = info.modified <= now_in_nanoseconds() - settled_after;
    return file_stamp{info.device, info.inode, info.size, info.modified, info.changed, settled};
}

std::optional<file_stamp> known_files::stamp(const file_handle& file) const noexcept
{
    std::error_code failure;
    const file_info info = file.info(failure);
    return failure ? std::nullopt : stamp(info);
}

std::shared_ptr<const known_file> known_files::find(const file_stamp& stamp)
{
    const std::optional<entry> known = files_.find({stamp.device, stamp.inode});
    return known && known->stamp == stamp ? known->found : nullptr;
}

bool known_files::has_room(std::size_t chunks) const noexcept { return bytes_of(chunks) <= most_known_bytes / 16; }

void known_files::put(const file_stamp& before, const std::optional<file_stamp>& now, known_file found)
{
    if (now != before || !before.settled || !has_room(found.chunks.size()) || found.file.size != before.size)
        return;
    const std::size_t bytes = bytes_of(found.chunks.size());
    files_.put({before.device, before.inode}, {before, std::make_shared<const known_file>(std::move(found))}, bytes);
}

} // namespace weir::detail
