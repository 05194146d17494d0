#include "new_file.hpp"

#include "output.hpp"
#include "signals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <random>
#include <unistd.h>

namespace tool {
namespace {

// For the signal handler: what is to be removed, if anything is.
std::array<char, PATH_MAX> unfinished_path;
std::atomic<bool> is_unfinished = false;
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void remove_and_end(int signal)
{
    if (is_unfinished.load(std::memory_order_acquire))
        ::unlink(unfinished_path.data());
    ::_exit(exit_code_of_signal(signal));
}

/// From here on a signal removes it. A name that is not there yet, or no longer, does no harm: nobody else has it.
/// \returns  false if no system call would take so long a name
bool watch(const std::string& path)
{
    if (path.size() >= unfinished_path.size())
        return false;
    unfinished_path[static_cast<std::size_t>(std::ranges::copy(path, unfinished_path.begin()).out
                                             - unfinished_path.begin())] = '\0';
    is_unfinished.store(true, std::memory_order_release);
    return true;
}

std::string name_beside(const std::string& path)
{
    std::random_device random;
    const std::string folder = path.substr(0, path.rfind('/') + 1); // npos + 1 is 0: none
    return fmt::format("{}.weir-{:08x}{:08x}", folder, random(), random());
}

/// What everybody may do, for the group too: it is another group than the one that the permissions were meant for.
mode_t without_group(mode_t mode) { return (mode & ~mode_t{070}) | (mode & ((mode & 07) << 3)); }

} // namespace

void end_cleanly_on_signals()
{
    struct sigaction action {};
    action.sa_handler = &remove_and_end;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before {};
        if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
            ::sigaction(signal, &action, nullptr);
    }
}

new_file::new_file(std::string path, mode_t mode) : path_(std::move(path)), temporary_(name_beside(path_))
{
    errno = ENAMETOOLONG;
    if (watch(temporary_))
        file_ = weir::file_handle(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, mode));
    if (!file_) {
        const int why = errno;
        is_unfinished = false;
        errno = why;
        fail("create");
    }
}

new_file::~new_file()
{
    if (!kept_)
        ::unlink(temporary_.c_str());
    is_unfinished = false;
}

void new_file::fail(const char* operation) const
{
    throw output_error(std::error_code(errno, std::system_category()), operation, path_);
}

void new_file::take_over(const struct stat& other)
{
    // Before the permissions: a change of owner may take some away.
    const bool has_group = ::fchown(descriptor(), other.st_uid, other.st_gid) == 0
        || ::fchown(descriptor(), static_cast<uid_t>(-1), other.st_gid) == 0;
    const mode_t mode = other.st_mode & mode_t{0777};
    if (::fchmod(descriptor(), has_group ? mode : without_group(mode)) != 0)
        fail("set the permissions of");
    const std::array<timespec, 2> times = {other.st_atim, other.st_mtim};
    (void)::futimens(descriptor(), times.data()); // some file systems have no such times
}

void new_file::keep(existing what_is_there, bool durably)
{
    if (durably && ::fsync(descriptor()) != 0)
        fail("sync");
    // Some file systems say only now that there was no room.
    if (::close(file_.release()) != 0 && errno != EINTR)
        fail("close");
    if (what_is_there == existing::keep)
        rename_to_new();
    else if (::rename(temporary_.c_str(), path_.c_str()) != 0)
        fail("rename to");
    kept_ = true;
    is_unfinished = false;
    if (durably)
        sync_folder();
}

void new_file::sync_folder() const
{
    const std::size_t slash = path_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    const weir::file_handle opened = weir::file_handle::open(folder, weir::open_flags::directory);
    if (::fsync(opened.descriptor()) != 0 && errno != EINVAL) // some file systems have nothing to sync there
        fail("sync the directory of");
}

void new_file::rename_to_new() const
{
    if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0)
        return;
    if (errno != EINVAL && errno != ENOSYS)
        fail("rename to");
    // The file system (NFS) has no such call.
    if (::link(temporary_.c_str(), path_.c_str()) != 0)
        fail("link to");
    ::unlink(temporary_.c_str());
}

} // namespace tool
