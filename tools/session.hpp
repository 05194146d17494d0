#pragma once
// One run of a command that works for a while: its loop, its output, and the ways it ends.

#include "output.hpp"
#include "progress_display.hpp"
#include "signals.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <exception>
#include <functional>

namespace tool {

/// The loop on which a command's work runs, and what belongs to every such run: both outputs without blocking,
/// progress, signals.
///
/// A signal, or output that fails, cancels the work. If it has not ended 80 ms later (a read may be stuck in a device),
/// the process ends without it.
/// \par Thread-safety
/// One thread, but for what `notices` gives.
class session {
public:
    /// Prints what there is to say at the end; `interrupted` if a signal ended the work.
    using closing_words = std::function<void(bool interrupted)>;

    session(progress_mode progress, std::function<work_done()> look);

    [[nodiscard]] asio::io_context& context() noexcept { return context_; }
    [[nodiscard]] output& out() noexcept { return out_; }
    [[nodiscard]] progress_display& progress() noexcept { return progress_; }
    /// Says lines on standard error, from any thread. \param quiet  there is none to say them
    [[nodiscard]] std::function<void(std::string_view)> notices(bool quiet);
    /// Waits while much of either output is unread.
    /// \throws output_error  standard output could not be written
    [[nodiscard]] asio::awaitable<void> room();

    /// Runs `work`, lets `close` speak, and writes all of it out.
    /// \returns  when the work has ended by itself. After a signal the process has exited.
    /// \throws output_error; what `work` threw
    void run(asio::awaitable<void> work, closing_words close);

private:
    void end_early();
    void give_up();
    void speak_last();
    [[nodiscard]] asio::awaitable<void> finish();
    [[nodiscard]] int early_exit_code() const;

    asio::io_context context_;
    asio::cancellation_signal cancel_;
    output out_;
    interruption interruption_;
    progress_display progress_;
    asio::steady_timer patience_;
    closing_words close_;
    bool spoken_ = false;
    std::exception_ptr failure_; // what the work threw
};

} // namespace tool
