#pragma once
// Content in bulk on its way to a descriptor: pooled blocks are written as they are.

#include "nonblocking_writer.hpp"

#include <weir/bytes.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string>

namespace tool {

namespace asio = boost::asio;

/// Writes without keeping the loop: timers and sockets go on while a reader sleeps or a disk is busy.
///
/// A pipe, a socket or a terminal gets what it has room for. A file has always room, and may take long: it is written by
/// a worker.
/// \par Thread-safety
/// One thread: that of the executor.
class body_output {
public:
    /// \param workers     where files are written
    /// \param descriptor  stays open, and the caller's
    /// \param name        of the descriptor, for messages
    /// \throws output_error  no descriptor can be had to wait at it
    body_output(const asio::any_io_executor& executor, asio::any_io_executor workers, int descriptor, std::string name);

    /// \returns  when all of it was taken
    /// \throws output_error  what the write reported
    /// \par Cancellation
    /// terminal, partial, total: a part may have been written. A worker's write is waited for.
    [[nodiscard]] asio::awaitable<void> write(weir::bytes content);

private:
    [[nodiscard]] asio::awaitable<void> write_here(weir::bytes content);

    asio::any_io_executor workers_;
    int descriptor_;
    const std::string name_;
    std::optional<nonblocking_writer> writer_; // none: by a worker
};

} // namespace tool
