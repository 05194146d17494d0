#include "files/descriptor_watch.hpp"

#include "base/event_loop.hpp"

#include <weir/file_handle.hpp>

#include <cerrno>

#include <fcntl.h>

#if __has_include(<sys/epoll.h>)
#    include <sys/epoll.h>
#    define WEIR_HAVE_EPOLL 1
#else
#    define WEIR_HAVE_EPOLL 0
#endif

namespace weir::detail {
namespace {

std::error_code last_error() { return {errno, std::system_category()}; }

/// What Asio waits at.
file_handle watcher_of([[maybe_unused]] int descriptor, [[maybe_unused]] descriptor_watch::event what, std::error_code& failure)
{
#if WEIR_HAVE_EPOLL
    file_handle watcher(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event wanted{};
    wanted.events = what == descriptor_watch::event::readable ? EPOLLIN : EPOLLOUT;
    if (!watcher || ::epoll_ctl(watcher.descriptor(), EPOLL_CTL_ADD, descriptor, &wanted) != 0)
        failure = last_error();
#else
    file_handle watcher(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    if (!watcher)
        failure = last_error();
#endif
    return watcher;
}

} // namespace

descriptor_watch::descriptor_watch(const boost::asio::any_io_executor& executor, int descriptor, event what,
                                   std::error_code& failure)
    : watched_(with_event_loop(executor))
{
    failure.clear();
    file_handle watcher = watcher_of(descriptor, what, failure);
    if (failure)
        return;
    boost::system::error_code refused;
    watched_.assign(watcher.descriptor(), refused);
    if (refused)
        failure = refused;
    else
        (void)watcher.release();
    if (!WEIR_HAVE_EPOLL && what == event::writable)
        asked_ = boost::asio::posix::descriptor_base::wait_write;
}

void descriptor_watch::cancel()
{
    boost::system::error_code ignored; // it is open, or nothing waits
    watched_.cancel(ignored);
}

} // namespace weir::detail
