#include "signals.hpp"

#include <weir/error.hpp>

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace tool {
namespace {

// What the handler may touch: it can run on any thread, in the middle of anything.
std::atomic<int> first_signal = 0;
std::atomic<int> bell = -1; // a pipe's end that does not wait
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int signal)
{
    int none = 0;
    if (!first_signal.compare_exchange_strong(none, signal))
        ::_exit(exit_code_of_signal(signal));
    const int kept = errno;
    [[maybe_unused]] const ssize_t ignored = ::write(bell.load(), "", 1);
    errno = kept;
}

weir::file_handle end_of_pipe(int descriptor)
{
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
    return weir::file_handle(descriptor);
}

} // namespace

interruption::interruption(asio::any_io_executor executor, std::function<void()> asked)
    : heard_(executor), asked_(std::move(asked))
{
    int ends[2];
    if (::pipe(ends) != 0)
        weir::throw_system_error(errno, "open", "a pipe for signals");
    bell_ = end_of_pipe(ends[1]);
    heard_.assign(end_of_pipe(ends[0]).release());
    first_signal = 0;
    bell = bell_.descriptor();
    for (handled& each : handled_)
        take(each);
    heard_.async_wait(asio::posix::descriptor_base::wait_read, [this](const boost::system::error_code& failure) {
        if (!failure)
            asked_();
    });
}

interruption::~interruption()
{
    give_back();
    bell = -1;
}

void interruption::take(handled& one)
{
    // What who started us ignores (`nohup`, a shell's `&`) stays ignored.
    if (::sigaction(one.signal, nullptr, &one.before) != 0 || one.before.sa_handler == SIG_IGN)
        return;
    struct sigaction action {};
    action.sa_handler = &on_signal;
    action.sa_flags = SA_RESTART;
    one.is_taken = ::sigaction(one.signal, &action, nullptr) == 0;
}

void interruption::give_back()
{
    for (handled& each : handled_)
        if (std::exchange(each.is_taken, false))
            ::sigaction(each.signal, &each.before, nullptr);
}

int interruption::signal() const noexcept { return first_signal; }

void interruption::stop()
{
    give_back();
    heard_.cancel();
}

} // namespace tool
