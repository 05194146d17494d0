#include "output.hpp"

#include "block_io.hpp"

#include <weir/error.hpp>
#include <weir/size.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace tool {
namespace {

using namespace weir::literals;
using std::chrono_literals::operator""ms;

constexpr auto gather_time = 10ms;
constexpr std::size_t worth_a_write = 64_KiB;
constexpr std::size_t limit = 256_KiB;
constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

} // namespace

output_error::output_error(std::error_code code, std::string_view operation, std::string_view subject)
    : std::runtime_error(weir::error(code, operation, subject).what())
{}

void write_all(int descriptor, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t count = ::write(descriptor, text.data(), text.size());
        if (count >= 0)
            text.remove_prefix(static_cast<std::size_t>(count));
        else if (!is_worth_another(descriptor, POLLOUT))
            throw output_error(std::error_code(errno, std::system_category()));
    }
}

output::output(asio::any_io_executor executor, int descriptor, std::function<void()> failed)
    : failed_(std::move(failed)), writer_(executor, descriptor), wake_(executor), written_(executor)
{
    written_.expires_at(clock::time_point::max());
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
    while (!failure_ && !is_idle())
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
            take_pending();
        }
        else {
            wake_.expires_at(pending_.empty() ? clock::time_point::max() : last_write_ + gather_time);
            co_await wake_.async_wait(quietly);
        }
    }
}

void output::take_pending()
{
    writing_.clear();
    position_ = 0;
    std::swap(pending_, writing_);
}

asio::awaitable<void> output::write_some()
{
    if (!try_write())
        co_await writer_.async_room(quietly);
}

/// \returns  false if there is no room
bool output::try_write()
{
    std::error_code failure;
    const std::size_t taken = writer_.write_some(std::string_view(writing_).substr(position_), failure);
    if (failure)
        fail(failure);
    position_ += taken;
    if (position_ == writing_.size()) {
        last_write_ = clock::now();
        written_.cancel();
    }
    return taken != 0 || failure;
}

void output::write_now()
{
    while (!is_idle()) {
        if (position_ == writing_.size())
            take_pending();
        if (!try_write())
            return;
    }
}

void output::fail(std::error_code failure)
{
    failure_ = failure;
    pending_.clear();
    position_ = writing_.size();
    failed_();
}

void output::stop()
{
    stopped_ = true;
    wake_.cancel();
    writer_.cancel();
}

void output::check() const
{
    if (failure_)
        throw output_error(failure_);
}

} // namespace tool
