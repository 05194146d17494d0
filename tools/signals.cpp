#include "signals.hpp"

#include <csignal>
#include <unistd.h>

namespace tool {
namespace {

extern "C" void end_at_once(int signal) { ::_exit(exit_code_of_signal(signal)); }

void end_at_once_on(int signal)
{
    struct sigaction action {};
    action.sa_handler = &end_at_once;
    ::sigaction(signal, &action, nullptr);
}

} // namespace

interruption::interruption(asio::any_io_executor executor, std::function<void()> asked)
    : signals_(executor, SIGINT, SIGTERM), asked_(std::move(asked))
{
    signals_.async_wait([this](const boost::system::error_code& failure, int signal) {
        if (failure)
            return;
        signal_ = signal;
        // The set gives the signals back to the system's defaults; ours must not wait for the loop.
        signals_.clear();
        end_at_once_on(SIGINT);
        end_at_once_on(SIGTERM);
        asked_();
    });
}

void interruption::stop() { signals_.cancel(); }

} // namespace tool
