#pragma once
// What a command prints, written by a coroutine of its own: a slow reader delays the work, never the loop.

#include "nonblocking_writer.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace tool {

namespace asio = boost::asio;

/// Results could not be written.
class output_error : public std::runtime_error {
public:
    explicit output_error(std::error_code code, std::string_view operation = "write",
                          std::string_view subject = "standard output");
};

/// Writes all of `text` to a descriptor before it returns, whatever its mode; for commands that print once.
/// \throws output_error  what `write` reported
void write_all(int descriptor, std::string_view text);

/// Lines on their way to a descriptor.
///
/// They are gathered while more come, for at most 10 ms, and written when none do. Pipes, sockets and terminals get
/// what they have room for and no more, so that the loop never waits in `write`.
/// \par Thread-safety
/// One thread: that of the executor.
class output {
public:
    /// \param descriptor  stays open, and the caller's
    /// \param failed      called once when a write has failed; what waits then throws the reason
    /// \throws output_error  no descriptor can be had to wait at it
    output(asio::any_io_executor executor, int descriptor, std::function<void()> failed);
    output(const output&) = delete;
    output& operator=(const output&) = delete;

    /// Where lines are appended; `appended` follows.
    [[nodiscard]] std::string& lines() noexcept { return pending_; }
    void appended();

    /// Waits while much is unwritten.
    /// \throws output_error  what the write reported that failed
    [[nodiscard]] asio::awaitable<void> room();

    /// Waits until everything is written.
    /// \throws output_error  what the write reported that failed
    [[nodiscard]] asio::awaitable<void> drain();

    /// Writes what can be written without waiting: for messages, and for a process that is about to exit.
    void write_now();
    /// Whether nothing is left to write.
    [[nodiscard]] bool is_idle() const noexcept { return pending_.empty() && position_ == writing_.size(); }

    /// The writer. Ends when `stop` was called, or never; to be spawned once, and to end before this object does.
    [[nodiscard]] asio::awaitable<void> run();
    /// What is unwritten stays so: `drain` first.
    void stop();

    [[nodiscard]] std::error_code failure() const noexcept { return failure_; }
    /// \throws output_error  what the write reported that failed
    void check() const;

private:
    using clock = std::chrono::steady_clock;

    [[nodiscard]] bool due() const;
    [[nodiscard]] asio::awaitable<void> write_some();
    void take_pending();
    [[nodiscard]] bool try_write();
    void fail(std::error_code failure);

    std::string pending_; // appended, not yet taken by the writer
    std::string writing_; // being written, from position_ on
    std::size_t position_ = 0;
    bool stopped_ = false;
    bool drain_asked_ = false;
    std::error_code failure_;
    std::function<void()> failed_;

    nonblocking_writer writer_;
    clock::time_point last_write_{};
    asio::steady_timer wake_;    // the writer waits here
    asio::steady_timer written_; // room and drain wait here
};

} // namespace tool
