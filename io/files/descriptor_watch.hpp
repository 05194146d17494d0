#pragma once
// When a descriptor that others share can be read or written.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <system_error>
#include <utility>

namespace weir::detail {

/// Waits for a descriptor without a change to it.
///
/// Asio sets O_NONBLOCK on what it waits at. That belongs to the open file, not to the descriptor: a duplicate passes it
/// on to the shell whose terminal it is, and to `cat` before or behind us in a pipe, which then lose data. So the
/// descriptor lies in an epoll instance of ours, and Asio waits until that has something to tell. Where there is no epoll,
/// Asio gets a duplicate, and the mode changes.
/// \par Thread-safety
/// As a stream_descriptor of Asio.
class descriptor_watch {
public:
    enum class event { readable, writable };

    /// \param descriptor  a pipe, a socket, a terminal or another device that is waited at; stays the caller's, and open
    ///                    while this lives
    /// \throws weir::error  there is no event loop to wait by
    /// \param failure     what the system reported: this is of no use then. `EPERM`: nobody waits at such a file
    descriptor_watch(const boost::asio::any_io_executor& executor, int descriptor, event what, std::error_code& failure);

    /// Waits until the event may have come: look again. An end and an error are events too.
    ///
    /// Completes with `void(boost::system::error_code)`, never inline.
    /// \par Cancellation
    /// terminal, partial, total, and by `cancel` and the destructor: `operation_aborted`.
    template <class Token> auto async_wait(Token&& token)
    {
        return watched_.async_wait(asked_, std::forward<Token>(token));
    }
    void cancel();

private:
    boost::asio::posix::stream_descriptor watched_;
    boost::asio::posix::descriptor_base::wait_type asked_ = boost::asio::posix::descriptor_base::wait_read;
};

} // namespace weir::detail
