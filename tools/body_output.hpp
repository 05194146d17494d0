#pragma once
// Content in bulk on its way to a descriptor: pooled blocks are written as they are.

#include <weir/bytes.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstddef>
#include <optional>

namespace tool {

namespace asio = boost::asio;

/// Writes without keeping the loop: timers and sockets go on while a reader sleeps or a disk is busy.
///
/// A pipe or a terminal is opened once more, for a mode of its own, because the mode of the descriptor is shared with
/// other processes; where that is not allowed, and for sockets, it is asked for room first. A file has always room, and
/// may take long: it is written by a worker.
/// \par Thread-safety
/// One thread: that of the executor.
class body_output {
public:
    /// \param workers     where files are written
    /// \param descriptor  stays open, and the caller's
    body_output(const asio::any_io_executor& executor, asio::any_io_executor workers, int descriptor);

    /// \returns  when all of it was taken
    /// \throws output_error  what the write reported
    /// \par Cancellation
    /// terminal, partial, total: a part may have been written. A worker's write is waited for.
    [[nodiscard]] asio::awaitable<void> write(weir::bytes content);

private:
    enum class way { direct, without_waiting, after_waiting, by_worker };

    void open_own(const asio::any_io_executor& executor, int descriptor);
    [[nodiscard]] asio::awaitable<void> write_here(weir::bytes content);

    asio::any_io_executor workers_;
    int descriptor_;
    way way_ = way::direct;
    std::optional<asio::posix::stream_descriptor> own_; // where room is waited for
};

} // namespace tool
