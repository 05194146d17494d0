// Which source reads which kind of file.

#include <weir/file_source.hpp>

#include "files/descriptor_source.hpp"
#include "files/mapped_source.hpp"
#include "files/regular_source.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace weir {
namespace {

bool set_flag(const file_handle& file, int flag, bool on) noexcept
{
    const int flags = ::fcntl(file.descriptor(), F_GETFL);
    return flags >= 0 && ::fcntl(file.descriptor(), F_SETFL, on ? flags | flag : flags & ~flag) == 0;
}

bool make_direct([[maybe_unused]] const file_handle& file) noexcept
{
#if defined(O_DIRECT)
    return set_flag(file, O_DIRECT, true);
#else
    return false;
#endif
}

// Not what has no size (of /proc, devices), nor what claims to have one and cannot be mapped (of /sys).
bool can_be_mapped(const file_handle& file, const file_info& info) noexcept
{
    if (info.type != file_type::regular || info.size == 0)
        return false;
    void* const first = ::mmap(nullptr, 1, PROT_READ, MAP_SHARED, file.descriptor(), 0);
    if (first == MAP_FAILED)
        return errno != ENODEV;
    ::munmap(first, 1);
    return true;
}

std::unique_ptr<source> open_from(engine& owner, file_handle file, std::string name, file_source_options options,
                                  std::uint64_t start)
{
    if (options.backend == backend::mmap) {
        if (can_be_mapped(file, file.info(name)))
            return std::make_unique<detail::mapped_source>(owner, std::move(file), std::move(name), options, start);
        options.backend = backend::auto_;
    }
    const bool direct = options.direct && make_direct(file);
    if (options.direct && !direct)
        ++detail::find_threads(owner.executor()).counters().direct_refused;
    return std::make_unique<detail::regular_source>(owner, std::move(file), std::move(name), options, start, direct);
}

bool has_positions(file_type type) noexcept
{
    return type == file_type::regular || type == file_type::block_device;
}

/// To whoever listens at a socket that has a name; it gives what that sends.
file_handle connect_to(const std::filesystem::path& path)
{
    const std::string& name = path.native();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.size() >= sizeof address.sun_path)
        throw_system_error(ENAMETOOLONG, "connect to", name);
    name.copy(address.sun_path, name.size());
    file_handle made(::socket(AF_UNIX, SOCK_STREAM, 0));
    if (!made || ::fcntl(made.descriptor(), F_SETFD, FD_CLOEXEC) != 0 || !set_flag(made, O_NONBLOCK, true)
        || ::connect(made.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw_system_error(errno, "connect to", name);
    return made;
}

} // namespace

std::unique_ptr<source> open_file(engine& owner, const std::filesystem::path& path, const file_source_options& options)
{
    // A FIFO opens at once, so that waiting for its writer can be cancelled.
    const auto open = [&] {
        try {
            return file_handle::open(path, open_flags::non_blocking);
        }
        catch (const error& failure) {
            std::error_code unknown;
            if (failure.code() != std::errc::no_such_device_or_address || !std::filesystem::is_socket(path, unknown))
                throw;
        }
        return connect_to(path);
    };
    return open_file(owner, open(), path.native(), options);
}

std::unique_ptr<source> open_file(engine& owner, file_handle file, std::string name, const file_source_options& options)
{
    owner.ensure_accepting("open", name);
    const file_type type = file.info(name).type;
    if (type == file_type::directory)
        throw_system_error(EISDIR, "read", name);
    if (!has_positions(type))
        return std::make_unique<detail::descriptor_source>(owner, std::move(file), std::move(name));
    set_flag(file, O_NONBLOCK, false);
    return open_from(owner, std::move(file), std::move(name), options, 0);
}

std::unique_ptr<source> open_descriptor(engine& owner, int descriptor, std::string name, const file_source_options& options)
{
    owner.ensure_accepting("open", name);
    file_handle copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    if (!copy)
        throw_system_error(errno, "open", name);
    const file_type type = copy.info(name).type;
    if (type == file_type::directory)
        throw_system_error(EISDIR, "read", name);
    if (!has_positions(type))
        return std::make_unique<detail::descriptor_source>(owner, std::move(copy), std::move(name));
    const auto start = static_cast<std::uint64_t>(std::max<off_t>(::lseek(descriptor, 0, SEEK_CUR), 0));
    // Opened anew where that is possible: flags and position of the copy are shared with other processes.
    const std::string itself = "/proc/self/fd/" + std::to_string(descriptor);
    std::error_code failure;
    if (file_handle own = file_handle::open(itself.c_str(), open_flags::none, failure); own)
        copy = std::move(own);
    return open_from(owner, std::move(copy), std::move(name), options, start);
}

} // namespace weir
