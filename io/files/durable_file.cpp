#include "files/durable_file.hpp"

#include <weir/error.hpp>

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace weir::detail {
namespace {

bool is_named(const file_handle& file, const std::filesystem::path& path)
{
    std::error_code failure;
    const file_info named = info_below(file_handle(), path.c_str(), false, failure);
    const file_info opened = file.info(path.native());
    return !failure && named.device == opened.device && named.inode == opened.inode;
}

void lock(const file_handle& file, const std::filesystem::path& path)
{
    if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0)
        return;
    if (errno != EWOULDBLOCK)
        throw_system_error(errno, "lock", path.native());
    throw error(errc::in_use, "open", path.native());
}

} // namespace

file_handle open_locked(const std::filesystem::path& path, mode_t mode,
                        void (*check)(const file_handle&, const std::filesystem::path&))
{
    constexpr int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    for (;;) {
        file_handle file(::open(path.c_str(), flags, mode));
        if (!file)
            throw_system_error(errno, "open", path.native());
        check(file, path);
        lock(file, path);
        if (is_named(file, path)) // else the one who had it before has renamed it or taken it away
            return file;
    }
}

std::size_t read_at(const file_handle& file, std::uint64_t offset, std::span<std::byte> into,
                    std::error_code& failure) noexcept
{
    std::size_t filled = 0;
    while (filled < into.size()) {
        const ssize_t got = ::pread(file.descriptor(), into.data() + filled, into.size() - filled,
                                    static_cast<off_t>(offset + filled));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            failure = std::error_code(errno, std::system_category());
        if (got <= 0)
            break;
        filled += static_cast<std::size_t>(got);
    }
    return filled;
}

void write_at(const file_handle& file, std::uint64_t offset, std::span<const std::byte> content,
              std::error_code& failure) noexcept
{
    while (!content.empty()) {
        const ssize_t count = ::pwrite(file.descriptor(), content.data(), content.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            failure = std::error_code(errno, std::system_category());
            break;
        }
        offset += static_cast<std::uint64_t>(count);
        content = content.subspan(static_cast<std::size_t>(count));
    }
}

void sync_directory_of(const std::filesystem::path& path)
{
    const std::filesystem::path directory = path.has_parent_path() ? path.parent_path() : ".";
    std::error_code failure;
    if (const file_handle opened = file_handle::open(directory.c_str(), open_flags::directory, failure))
        ::fsync(opened.descriptor());
}

} // namespace weir::detail
