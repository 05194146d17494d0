#include <weir/file_handle.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir {
namespace {

std::error_code last_error() noexcept { return {errno, std::system_category()}; }

int native(open_flags flags) noexcept
{
    int value = O_RDONLY | O_CLOEXEC | O_NOCTTY;
#if defined(O_DIRECT)
    if (contains(flags, open_flags::direct))
        value |= O_DIRECT;
#endif
    if (contains(flags, open_flags::no_follow))
        value |= O_NOFOLLOW;
    if (contains(flags, open_flags::directory))
        value |= O_DIRECTORY;
    if (contains(flags, open_flags::non_blocking))
        value |= O_NONBLOCK;
    return value;
}

file_handle open_at(int directory, const char* path, open_flags flags, std::error_code& failure) noexcept
{
    int descriptor;
    do
        descriptor = ::openat(directory, path, native(flags));
    while (descriptor < 0 && errno == EINTR);
    failure = descriptor < 0 ? last_error() : std::error_code();
    return file_handle(descriptor);
}

#if defined(O_PATH)
constexpr int to_search = O_PATH | O_DIRECTORY | O_CLOEXEC; // a directory that may not be listed
#else
constexpr int to_search = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
#endif

/// Opens what the system takes no path for: directory by directory, as many of them at a time as it takes.
file_handle open_in_parts(const char* path, open_flags flags, std::error_code& failure) noexcept
{
    std::string_view rest = path;
    std::array<char, PATH_MAX> part;
    file_handle directory;
    while (rest.size() >= part.size()) {
        const std::size_t slash = rest.substr(0, part.size() - 1).rfind('/');
        if (slash == std::string_view::npos) {
            failure = std::make_error_code(std::errc::filename_too_long); // a name alone
            return {};
        }
        std::memcpy(part.data(), rest.data(), slash + 1);
        part[slash + 1] = '\0';
        rest.remove_prefix(slash + 1);
        rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of('/')));
        directory = file_handle(::openat(directory ? directory.descriptor() : AT_FDCWD, part.data(), to_search));
        if (!directory) {
            failure = last_error();
            return {};
        }
    }
    return open_at(directory.descriptor(), rest.empty() ? "." : rest.data(), flags, failure);
}

file_type type_of(mode_t mode) noexcept
{
    switch (mode & S_IFMT) {
    case S_IFREG: return file_type::regular;
    case S_IFDIR: return file_type::directory;
    case S_IFLNK: return file_type::link;
    case S_IFIFO: return file_type::fifo;
    case S_IFSOCK: return file_type::socket;
    case S_IFCHR: return file_type::character_device;
    case S_IFBLK: return file_type::block_device;
    default: return file_type::unknown;
    }
}

std::int64_t nanoseconds(const struct timespec& time) noexcept
{
    return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

file_info convert(const struct stat& from) noexcept
{
    file_info to;
    to.type = type_of(from.st_mode);
    to.size = static_cast<std::uint64_t>(from.st_size);
    to.allocated_bytes = static_cast<std::uint64_t>(from.st_blocks) * 512; // st_blocks counts 512 bytes everywhere
    to.device = static_cast<std::uint64_t>(from.st_dev);
    to.inode = static_cast<std::uint64_t>(from.st_ino);
    to.links = static_cast<std::uint64_t>(from.st_nlink);
    to.modified = nanoseconds(from.st_mtim);
    to.changed = nanoseconds(from.st_ctim);
    return to;
}

} // namespace

file_handle& file_handle::operator=(file_handle&& other) noexcept
{
    if (this != &other) {
        close();
        descriptor_ = std::exchange(other.descriptor_, none);
    }
    return *this;
}

file_handle file_handle::open(const std::filesystem::path& path, open_flags flags)
{
    if (path.native().find('\0') != std::string::npos) // the system would open what stands before it
        throw_system_error(EINVAL, "open", path.native());
    std::error_code failure;
    file_handle file = open(path.c_str(), flags, failure);
    if (failure)
        throw error(failure, "open", path.native());
    return file;
}

file_handle file_handle::open(const char* path, open_flags flags, std::error_code& failure) noexcept
{
    file_handle file = open_at(AT_FDCWD, path, flags, failure);
    if (failure == std::errc::filename_too_long && std::strlen(path) >= PATH_MAX)
        file = open_in_parts(path, flags, failure);
    return file;
}

file_handle file_handle::open_below(const char* name, open_flags flags, std::error_code& failure) const noexcept
{
    return open_at(descriptor_, name, flags, failure);
}

file_handle file_handle::duplicate(std::error_code& failure) const noexcept
{
    const int copy = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
    failure = copy < 0 ? last_error() : std::error_code();
    return file_handle(copy);
}

void file_handle::close() noexcept
{
    // Not again after EINTR: Linux has released the number by then, and another thread may own it.
    if (descriptor_ != none)
        ::close(std::exchange(descriptor_, none));
}

file_info file_handle::info(std::string_view subject) const
{
    std::error_code failure;
    const file_info found = info(failure);
    if (failure)
        throw error(failure, "stat", subject);
    return found;
}

file_info file_handle::info(std::error_code& failure) const noexcept
{
    struct stat found;
    if (::fstat(descriptor_, &found) != 0) {
        failure = last_error();
        return {};
    }
    failure.clear();
    return convert(found);
}

file_info info_below(const file_handle& directory, const char* name, bool follow_link,
                     std::error_code& failure) noexcept
{
    struct stat found;
    const int from = directory ? directory.descriptor() : AT_FDCWD;
    if (::fstatat(from, name, &found, follow_link ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        failure = last_error();
        return {};
    }
    failure.clear();
    return convert(found);
}

} // namespace weir
