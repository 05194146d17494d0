#pragma once
// SIGINT and SIGTERM: the first asks the command to end in order, the second ends it.

#include <weir/file_handle.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <csignal>
#include <functional>
#include <utility>

namespace tool {

namespace asio = boost::asio;

/// While it lives, the first SIGINT or SIGTERM calls `asked`; one more ends the process at once, even where the loop
/// is busy, and has not yet heard of the first. Signals that are ignored stay so.
///
/// One at a time: handlers belong to the process.
class interruption {
public:
    /// \param asked  called on the executor
    /// \throws weir::error  there is no descriptor left
    interruption(asio::any_io_executor executor, std::function<void()> asked);
    interruption(const interruption&) = delete;
    interruption& operator=(const interruption&) = delete;
    ~interruption();

    /// The first signal that came, or 0; also before `asked` is called.
    [[nodiscard]] int signal() const noexcept;
    /// Stops listening, so that the loop can end. Signals do what they did before.
    void stop();

private:
    struct handled {
        int signal;
        bool is_taken = false;
        struct sigaction before {};
    };

    static void take(handled& one);
    void give_back();

    std::array<handled, 2> handled_ = {handled{SIGINT}, handled{SIGTERM}};
    weir::file_handle bell_;
    asio::posix::stream_descriptor heard_;
    std::function<void()> asked_;
};

/// What a process that a signal ended exits with: 130 for SIGINT, 143 for SIGTERM.
[[nodiscard]] constexpr int exit_code_of_signal(int signal) noexcept { return 128 + signal; }

} // namespace tool
