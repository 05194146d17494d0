#pragma once
// Goes through archives, and what is compressed, and compares what a list says of their contents.

#include "contained_files.hpp"
#include "opened_container.hpp"
#include "verdict.hpp"

#include <weir/archive.hpp>
#include <weir/detail/async_event.hpp>
#include <weir/detail/run_on.hpp>
#include <weir/engine.hpp>
#include <weir/reservation.hpp>

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace tool {

namespace asio = boost::asio;

/// Works on containers with all workers of an engine: one of them goes through each, so that every entry is read once,
/// in the order of the archive; where that can be read in any order, several read entries of one.
///
/// An entry is as listed if one of its name in the archive is: some have several. What is behind the last that is listed
/// is not read.
/// \par Thread-safety
/// One call at a time. The engine outlives it.
class contained_check {
public:
    /// \param options  how far archives are trusted; the settings of its decoder are also those for what is compressed
    contained_check(weir::engine& on, weir::archive_options options);
    contained_check(const contained_check&) = delete;
    contained_check& operator=(const contained_check&) = delete;
    /// \pre nothing was given, or `stop` has ended
    ~contained_check();

    /// Has it worked on.
    void give(container what);
    /// Nothing more will be given.
    void close();
    /// The memory of what was given and is not done with.
    [[nodiscard]] std::size_t bytes_held() const noexcept { return bytes_held_; }
    /// Bytes of contents that were read. Any thread.
    [[nodiscard]] std::uint64_t bytes_read() const noexcept { return bytes_read_; }

    /// How the files of a container compare that is done with, in the order of the list; nothing where none is.
    /// \throws what no file can be blamed for
    [[nodiscard]] std::optional<std::vector<verdict>> try_next();
    /// The same, waited for.
    /// \returns  nothing when all that was given is done with, after `close`
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost.
    [[nodiscard]] asio::awaitable<std::optional<std::vector<verdict>>> next();

    /// Ends the work, wherever it is, and waits for that. Nothing is given after it.
    [[nodiscard]] asio::awaitable<void> stop();

private:
    struct shared_container;
    struct task;

    void start();
    void lane_ended(std::exception_ptr failure) noexcept;
    [[nodiscard]] asio::awaitable<void> work();
    [[nodiscard]] asio::awaitable<std::optional<task>> take();
    [[nodiscard]] asio::awaitable<void> run(const task& one, weir::reservation& memory);
    [[nodiscard]] bool try_add(const std::shared_ptr<shared_container>& of, std::vector<weir::archive_entry>& entries);
    void finish(const task& done);

    weir::engine& engine_;
    const container_settings settings_;
    std::atomic<std::size_t> bytes_held_ = 0;
    std::atomic<std::uint64_t> bytes_read_ = 0;

    std::mutex mutex_; // of what follows, up to the events
    std::deque<task> tasks_;
    std::size_t running_ = 0; // tasks that are worked on: they may add some
    std::size_t unfinished_ = 0; // containers
    bool closed_ = false;
    std::deque<std::vector<verdict>> done_;
    std::size_t lanes_ = 0; // that have not ended
    std::exception_ptr failure_; // of the first that should not have

    weir::detail::async_event changed_;  // there is a task, or there will be none
    weir::detail::async_event finished_; // a container, or a lane
    std::vector<std::shared_ptr<weir::detail::child_control>> controls_;
};

} // namespace tool
