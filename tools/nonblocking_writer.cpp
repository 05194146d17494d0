#include "nonblocking_writer.hpp"

#include "output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tool {
namespace {

/// Whether it takes a part of what it is given.
bool is_stream(int socket)
{
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

} // namespace

nonblocking_writer::nonblocking_writer(const asio::any_io_executor& executor, int descriptor) : descriptor_(descriptor)
{
    struct stat status {};
    if (::fstat(descriptor, &status) != 0)
        return; // the write says why
    const bool is_socket = S_ISSOCK(status.st_mode);
    if (!is_socket && !S_ISFIFO(status.st_mode) && ::isatty(descriptor) != 1)
        return;
    way_ = way::after_looking;
    if (is_socket) {
        if (is_stream(descriptor))
            way_ = way::by_flag;
    }
    else {
        const std::string path = fmt::format("/proc/self/fd/{}", descriptor);
        own_ = weir::file_handle(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        if (own_) {
            way_ = way::by_mode;
            descriptor_ = own_.descriptor();
        }
    }
    std::error_code failure;
    watch_.emplace(executor, descriptor_, weir::detail::descriptor_watch::event::writable, failure);
    if (failure)
        throw output_error(failure);
}

std::size_t nonblocking_writer::write_some(std::span<const iovec> parts, std::error_code& failure) noexcept
{
    for (;;) {
        if (way_ == way::after_looking && !has_room())
            return 0;
        const ssize_t count = write_once(parts);
        if (count >= 0)
            return static_cast<std::size_t>(count);
        if (errno == EAGAIN && may_lack_room())
            return 0;
        if (errno != EINTR) {
            failure = std::error_code(errno, std::system_category());
            return 0;
        }
    }
}

std::size_t nonblocking_writer::write_some(std::string_view text, std::error_code& failure) noexcept
{
    const iovec all{const_cast<char*>(text.data()), text.size()}; // writing changes nothing
    return write_some(std::span(&all, 1), failure);
}

ssize_t nonblocking_writer::write_once(std::span<const iovec> parts) const noexcept
{
    if (way_ == way::after_looking) // so much goes into what has room for anything
        return ::write(descriptor_, parts.front().iov_base, std::min<std::size_t>(parts.front().iov_len, PIPE_BUF));
    if (way_ == way::by_flag) {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts.data()); // sending changes nothing
        message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(parts.size());
        return ::sendmsg(descriptor_, &message, MSG_DONTWAIT);
    }
    return ::writev(descriptor_, parts.data(), static_cast<int>(parts.size()));
}

bool nonblocking_writer::has_room() const noexcept
{
    pollfd room{descriptor_, POLLOUT, 0};
    return ::poll(&room, 1, 0) == 1; // an error is for the write to tell
}

void nonblocking_writer::cancel()
{
    if (watch_)
        watch_->cancel();
}

} // namespace tool
