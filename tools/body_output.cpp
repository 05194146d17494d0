#include "body_output.hpp"

#include "output.hpp"

#include <weir/detail/run_on.hpp>

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <limits>
#include <string>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace tool {
namespace {

/// As much of `content` as one call takes, and no more than `most` bytes.
class gathered {
public:
    gathered(const weir::bytes& content, std::size_t most)
    {
        for (const weir::slice& each : content) {
            const std::size_t size = std::min(each.size(), most);
            if (count_ == parts_.size() || size == 0)
                break;
            parts_[count_++] = {const_cast<std::byte*>(each.data()), size}; // writing changes nothing
            most -= size;
        }
    }
    [[nodiscard]] const iovec* data() const noexcept { return parts_.data(); }
    [[nodiscard]] int count() const noexcept { return static_cast<int>(count_); }

private:
    std::array<iovec, 16> parts_{};
    std::size_t count_ = 0;
};

/// \returns  what was taken; 0 if there is no room now and the caller may wait for it
std::size_t write_some(int descriptor, const weir::bytes& content, std::size_t most, bool may_wait)
{
    const gathered parts(content, most);
    for (;;) {
        const ssize_t count = ::writev(descriptor, parts.data(), parts.count());
        if (count >= 0)
            return static_cast<std::size_t>(count);
        if (errno == EAGAIN && may_wait)
            return 0;
        if (errno != EINTR)
            throw output_error(std::error_code(errno, std::system_category()));
    }
}

asio::awaitable<void> write_whole(int descriptor, weir::bytes content)
{
    while (!content.empty())
        (void)content.take_front(write_some(descriptor, content, content.size(), false));
    co_return;
}

bool is_pipe_or_socket(mode_t mode) { return S_ISFIFO(mode) || S_ISSOCK(mode); }

} // namespace

body_output::body_output(const asio::any_io_executor& executor, asio::any_io_executor workers, int descriptor)
    : workers_(std::move(workers)), descriptor_(descriptor)
{
    struct stat status {};
    if (::fstat(descriptor, &status) != 0)
        return; // the write says why
    if (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode))
        way_ = way::by_worker;
    else if (is_pipe_or_socket(status.st_mode) || ::isatty(descriptor) == 1)
        open_own(executor, descriptor);
}

void body_output::open_own(const asio::any_io_executor& executor, int descriptor)
{
    const std::string path = fmt::format("/proc/self/fd/{}", descriptor);
    int own = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    way_ = way::without_waiting;
    if (own < 0) {
        own = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
        way_ = way::after_waiting;
    }
    if (own < 0)
        throw output_error(std::error_code(errno, std::system_category()));
    own_.emplace(executor, own);
    descriptor_ = own;
}

asio::awaitable<void> body_output::write(weir::bytes content)
{
    if (way_ == way::by_worker)
        co_await weir::detail::run_on(workers_, write_whole(descriptor_, std::move(content)));
    else
        co_await write_here(std::move(content));
}

asio::awaitable<void> body_output::write_here(weir::bytes content)
{
    // For so much, writable means that write does not wait.
    const std::size_t most = way_ == way::after_waiting ? PIPE_BUF : std::numeric_limits<std::size_t>::max();
    while (!content.empty()) {
        if (way_ == way::after_waiting)
            co_await own_->async_wait(asio::posix::descriptor_base::wait_write, asio::use_awaitable);
        const std::size_t taken = write_some(descriptor_, content, most, own_.has_value());
        (void)content.take_front(taken);
        if (taken == 0)
            co_await own_->async_wait(asio::posix::descriptor_base::wait_write, asio::use_awaitable);
    }
}

} // namespace tool
