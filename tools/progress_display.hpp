#pragma once
// Standard error while a command works: messages, and progress: a bar on a terminal, lines elsewhere if they are asked for.

#include "options.hpp"
#include "output.hpp"

#include <weir/progress.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

namespace asio = boost::asio;

/// How far the work is.
struct work_done {
    std::uint64_t bytes = 0;
    std::uint64_t files = 0;
    std::optional<std::uint64_t> total_bytes; ///< nothing while it is not known
};

/// One line about the work, without an end of line and at most `width` characters long.
[[nodiscard]] std::string progress_line(const weir::progress_snapshot& snapshot, std::uint64_t files,
                                        std::size_t width);

/// Shows how far the work is, from time to time.
///
/// On a terminal a bar is drawn over itself ten times a second, once the work has lasted a second (at once if progress
/// is always wanted). Elsewhere there is nothing, or a line a second if it is always wanted.
///
/// What nobody reads waits here, never in a call: messages for room, in their order, and progress not at all.
/// \par Thread-safety
/// One thread: that of the executor.
class progress_display {
public:
    /// \param look  asked for the state of the work whenever it is shown
    /// \throws output_error  no descriptor can be had to wait at standard error
    progress_display(asio::any_io_executor executor, progress_mode mode, std::function<work_done()> look);

    void start();
    /// Takes the bar away; a last line is printed where lines are.
    void stop();

    /// Prints a line of another kind without tearing the bar; at once, if there is room. `tool::say` says what of it.
    void say(std::string_view text);

    /// Waits while many messages are unread. Standard error that cannot be written keeps nobody.
    [[nodiscard]] asio::awaitable<void> room();
    /// Waits until all messages are written, or cannot be.
    [[nodiscard]] asio::awaitable<void> drain();
    /// Writes what can be written without waiting; for a process that is about to exit.
    void write_now() { messages_.write_now(); }

    /// Writes what had to wait. Ends after `end`; to be spawned once, and to end before this object does.
    [[nodiscard]] asio::awaitable<void> run() { return messages_.run(); }
    /// What is unwritten stays so: `drain` first.
    void end() { messages_.stop(); }

private:
    void wait(std::chrono::milliseconds time);
    void show();
    void erase_bar();
    void print(std::string_view text);

    output messages_;
    std::function<work_done()> look_;
    asio::steady_timer timer_;
    weir::progress progress_;
    std::uint64_t shown_bytes_ = 0;
    bool terminal_;
    bool wanted_;
    bool at_once_;
    bool bar_drawn_ = false;
};

} // namespace tool
