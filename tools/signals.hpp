#pragma once
// SIGINT and SIGTERM: the first asks the command to end in order, the second ends it.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/signal_set.hpp>

#include <functional>

namespace tool {

namespace asio = boost::asio;

/// While it lives, the first SIGINT or SIGTERM calls `asked`; one more ends the process at once, even where the loop
/// is busy.
class interruption {
public:
    /// \param asked  called on the executor
    interruption(asio::any_io_executor executor, std::function<void()> asked);

    /// The signal that came, or 0.
    [[nodiscard]] int signal() const noexcept { return signal_; }
    /// Stops listening, so that the loop can end.
    void stop();

private:
    asio::signal_set signals_;
    std::function<void()> asked_;
    int signal_ = 0;
};

/// What a process that a signal ended exits with: 130 for SIGINT, 143 for SIGTERM.
[[nodiscard]] constexpr int exit_code_of_signal(int signal) noexcept { return 128 + signal; }

} // namespace tool
