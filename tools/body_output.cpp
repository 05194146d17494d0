#include "body_output.hpp"

#include "output.hpp"

#include <weir/detail/run_on.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace tool {
namespace {

/// As much of `content` as one call takes.
class gathered {
public:
    explicit gathered(const weir::bytes& content)
    {
        for (const weir::slice& each : content) {
            if (count_ == parts_.size())
                break;
            parts_[count_++] = {const_cast<std::byte*>(each.data()), each.size()}; // writing changes nothing
        }
    }
    [[nodiscard]] std::span<const iovec> parts() const noexcept { return std::span(parts_).first(count_); }

private:
    std::array<iovec, 16> parts_{};
    std::size_t count_ = 0;
};

[[noreturn]] void fail(std::error_code code, const std::string& name) { throw output_error(code, "write", name); }

/// \returns  what was taken
std::size_t write_some(int descriptor, const weir::bytes& content, const std::string& name)
{
    const gathered all(content);
    for (;;) {
        const ssize_t count = ::writev(descriptor, all.parts().data(), static_cast<int>(all.parts().size()));
        if (count >= 0)
            return static_cast<std::size_t>(count);
        if (errno != EINTR)
            fail(std::error_code(errno, std::system_category()), name);
    }
}

asio::awaitable<void> write_whole(int descriptor, weir::bytes content, std::string name)
{
    while (!content.empty())
        (void)content.take_front(write_some(descriptor, content, name));
    co_return;
}

bool may_take_long(int descriptor)
{
    struct stat status {};
    return ::fstat(descriptor, &status) == 0 && (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode));
}

} // namespace

body_output::body_output(const asio::any_io_executor& executor, asio::any_io_executor workers, int descriptor,
                         std::string name)
    : workers_(std::move(workers)), descriptor_(descriptor), name_(std::move(name))
{
    if (!may_take_long(descriptor))
        writer_.emplace(executor, descriptor);
}

asio::awaitable<void> body_output::write(weir::bytes content)
{
    if (writer_)
        co_await write_here(std::move(content));
    else
        co_await weir::detail::run_on(workers_, write_whole(descriptor_, std::move(content), name_));
}

asio::awaitable<void> body_output::write_here(weir::bytes content)
{
    while (!content.empty()) {
        std::error_code failure;
        const std::size_t taken = writer_->write_some(gathered(content).parts(), failure);
        if (failure)
            fail(failure, name_);
        (void)content.take_front(taken);
        if (taken == 0)
            co_await writer_->async_room(asio::use_awaitable);
    }
}

} // namespace tool
