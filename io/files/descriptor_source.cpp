#include "files/descriptor_source.hpp"

#include "files/fault_injection.hpp"

#include <weir/error.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

/// A pipe of 64 KiB, the usual size, has its two sides wait for each other all the time. Not wider than a block: what
/// a user's pipes may have in all is bounded (pipe-user-pages-soft). Does nothing to what is no pipe, or where the
/// system says no.
void widen_pipe(int descriptor) noexcept
{
#if defined(F_SETPIPE_SZ)
    constexpr int wanted = 256 << 10;
    if (const int size = ::fcntl(descriptor, F_GETPIPE_SZ); size > 0 && size < wanted)
        ::fcntl(descriptor, F_SETPIPE_SZ, wanted);
#endif
}

} // namespace

descriptor_source::descriptor_source(engine& owner, file_handle file, std::string name)
    : executor_(owner.executor()), lot_(parking_lot::of(asio::query(executor_, asio::execution::context))),
      file_(std::move(file)), name_(std::move(name))
{
    entry_ = owner.resources().add({.kind = resource_kind::file, .name = name_});
    widen_pipe(file_.descriptor());
}

// O_NONBLOCK would be seen by whoever shares the open file, a shell's terminal for instance. So look first: what
// poll(2) calls ready has something to give, its end or a failure; what it cannot poll (/dev/zero) never waits.
long descriptor_source::read_now(std::span<std::byte> memory) noexcept
{
    pollfd look{file_.descriptor(), POLLIN, 0};
    if (const int seen = ::poll(&look, 1, 0); seen <= 0)
        return seen == 0 ? -EAGAIN : -errno; // EINTR must not lead to a read that waits
    if (const auto fault = injected_read(file_.descriptor(), position_, memory.size())) {
        if (*fault <= 0)
            return *fault;
        memory = memory.first(std::min(memory.size(), static_cast<std::size_t>(*fault)));
    }
    const auto got = ::read(file_.descriptor(), memory.data(), memory.size());
    return got < 0 ? -errno : static_cast<long>(got);
}

asio::awaitable<bytes> descriptor_source::read(reservation& memory, std::size_t max_bytes)
{
    bytes out;
    while (!ended_ && out.size() < max_bytes) {
        std::span<std::byte> room = filler_.try_spare(memory);
        if (room.empty()) {
            if (!out.empty())
                break;
            room = co_await filler_.spare(memory);
        }
        const long got = read_now(room.first(std::min(room.size(), max_bytes - out.size())));
        if (got > 0) {
            out.append(filler_.commit(static_cast<std::size_t>(got)));
            position_ += static_cast<std::uint64_t>(got);
        } else if (got == -EAGAIN) {
            if (!out.empty())
                break;
            watch();
            co_await watch_->ended.async_wait(asio::use_awaitable);
            watch_->ended.reset(); // before the next look: what comes after it is not lost
        } else if (got != -EINTR) {
            ended_ = true;
            failure_ = std::error_code(static_cast<int>(-got), std::system_category());
        }
    }
    // What was read before a failure is given first.
    if (out.empty() && failure_)
        throw error(failure_, "read", name_, position_);
    co_return out;
}

/// Lies in the reactor's handler: the reader is woken also when the reactor ends, and of a failure; the next look says it.
class descriptor_source::watch_end {
public:
    explicit watch_end(std::shared_ptr<watch_state> of) noexcept : of_(std::move(of)) { of_->under_way = true; }
    watch_end(watch_end&&) noexcept = default;
    watch_end& operator=(watch_end&&) = delete;
    ~watch_end()
    {
        if (!of_)
            return;
        of_->under_way = false;
        of_->ended.set();
    }

private:
    std::shared_ptr<watch_state> of_;
};

void descriptor_source::watch()
{
    if (watch_->under_way)
        return;
    const parking_lot::visit inside(*lot_);
    if (!inside)
        throw error(errc::closed, "read", name_, position_);
    if (!watched_) {
        std::error_code failure;
        watched_.emplace(executor_, file_.descriptor(), descriptor_watch::event::readable, failure);
        if (failure) {
            watched_.reset();
            throw error(failure, "read", name_, position_);
        }
    }
    watched_->async_wait([end = watch_end(watch_)](boost::system::error_code) {});
}

asio::awaitable<void> descriptor_source::close()
{
    ended_ = true;
    watched_.reset();
    filler_.reset();
    file_.close();
    entry_.reset();
    co_return;
}

} // namespace weir::detail
