#include "output.hpp"

#include <weir/error.hpp>
#include <weir/size.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tool {
namespace {

using namespace weir::literals;
using std::chrono_literals::operator""ms;

constexpr auto gather_time = 10ms;
constexpr std::size_t worth_a_write = 64_KiB;
constexpr std::size_t limit = 256_KiB;
constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

/// Whether `write` may have to wait for a reader.
bool may_block(int descriptor)
{
    struct stat status {};
    return ::fstat(descriptor, &status) == 0
        && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || ::isatty(descriptor) == 1);
}

} // namespace

output_error::output_error(std::error_code code, std::string_view operation, std::string_view subject)
    : std::runtime_error(weir::error(code, operation, subject).what())
{}

void write_all(int descriptor, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t count = ::write(descriptor, text.data(), text.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw output_error(std::error_code(errno, std::system_category()));
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

output::output(asio::any_io_executor executor, int descriptor, std::function<void()> failed)
    : failed_(std::move(failed)), descriptor_(descriptor), wake_(executor), written_(executor)
{
    written_.expires_at(clock::time_point::max());
    if (!may_block(descriptor))
        return;
    // A descriptor of our own to wait at: closing it leaves the caller's open.
    if (const int own = ::dup(descriptor); own >= 0)
        waits_.emplace(executor, own);
}

void output::appended()
{
    if (failure_)
        pending_.clear();
    // The writer sleeps until told while it has nothing; afterwards it watches the time itself.
    if (due() || wake_.expiry() == clock::time_point::max())
        wake_.cancel();
}

bool output::due() const
{
    return !pending_.empty()
        && (drain_asked_ || pending_.size() >= worth_a_write || clock::now() >= last_write_ + gather_time);
}

asio::awaitable<void> output::room()
{
    while (!failure_ && pending_.size() >= limit)
        co_await written_.async_wait(quietly);
    check();
}

asio::awaitable<void> output::drain()
{
    drain_asked_ = true;
    wake_.cancel();
    while (!failure_ && (!pending_.empty() || position_ != writing_.size()))
        co_await written_.async_wait(quietly);
    drain_asked_ = false;
    check();
}

asio::awaitable<void> output::run()
{
    while (!stopped_) {
        if (position_ != writing_.size()) {
            co_await write_some();
        }
        else if (due()) {
            writing_.clear();
            position_ = 0;
            std::swap(pending_, writing_);
        }
        else {
            wake_.expires_at(pending_.empty() ? clock::time_point::max() : last_write_ + gather_time);
            co_await wake_.async_wait(quietly);
        }
    }
}

asio::awaitable<void> output::write_some()
{
    std::size_t most = writing_.size() - position_;
    if (waits_) {
        co_await waits_->async_wait(asio::posix::descriptor_base::wait_write, quietly);
        if (stopped_)
            co_return;
        most = std::min<std::size_t>(most, PIPE_BUF); // for so much, writable means that write does not wait
    }
    const ssize_t count = ::write(descriptor_, writing_.data() + position_, most);
    if (count < 0 && errno != EINTR && errno != EAGAIN)
        fail(errno);
    else if (count > 0)
        position_ += static_cast<std::size_t>(count);
    if (position_ == writing_.size()) {
        last_write_ = clock::now();
        written_.cancel();
    }
}

void output::write_now() noexcept
{
    const auto write_room = [&](const std::string& text, std::size_t from) {
        while (from < text.size()) {
            pollfd room{descriptor_, POLLOUT, 0};
            if (waits_ && ::poll(&room, 1, 0) != 1)
                return;
            const std::size_t most = waits_ ? std::min<std::size_t>(text.size() - from, PIPE_BUF) : text.size() - from;
            const ssize_t count = ::write(descriptor_, text.data() + from, most);
            if (count <= 0)
                return;
            from += static_cast<std::size_t>(count);
        }
    };
    write_room(writing_, position_);
    write_room(pending_, 0);
}

void output::fail(int number)
{
    failure_ = std::error_code(number, std::system_category());
    pending_.clear();
    position_ = writing_.size();
    failed_();
}

void output::stop()
{
    stopped_ = true;
    wake_.cancel();
    if (waits_)
        waits_->cancel();
}

void output::check() const
{
    if (failure_)
        throw output_error(failure_);
}

} // namespace tool
