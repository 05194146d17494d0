#pragma once
// A descriptor that others share, written to without waiting in the call, and without a change to its mode.

#include "files/descriptor_watch.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <weir/file_handle.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <sys/uio.h>
#include <utility>

namespace tool {

namespace asio = boost::asio;

/// Pipes, sockets and terminals get what they have room for and no more. A file has always room, and may take long.
///
/// A pipe or a terminal is opened once more, for a mode of its own; where that is not allowed it is asked for room first.
/// A socket is told with each call not to wait.
/// \par Thread-safety
/// One thread: that of the executor.
class nonblocking_writer {
public:
    /// \param descriptor  stays open, and the caller's
    /// \throws output_error  no descriptor can be had to wait at it
    nonblocking_writer(const asio::any_io_executor& executor, int descriptor);

    /// Whether there may be no room.
    [[nodiscard]] bool may_lack_room() const noexcept { return watch_.has_value(); }

    /// Writes some of `parts`.
    /// \returns  how much was taken; 0 without a failure: there is no room now, and `async_room` waits for it
    [[nodiscard]] std::size_t write_some(std::span<const iovec> parts, std::error_code& failure) noexcept;
    [[nodiscard]] std::size_t write_some(std::string_view text, std::error_code& failure) noexcept;

    /// Waits until there may be room. Completes with `void(boost::system::error_code)`.
    /// \pre `may_lack_room()`
    /// \par Cancellation
    /// terminal, partial, total, and by `cancel`.
    template <class Token> auto async_room(Token&& token) { return watch_->async_wait(std::forward<Token>(token)); }
    void cancel();

private:
    enum class way { direct, by_mode, by_flag, after_looking };

    [[nodiscard]] ssize_t write_once(std::span<const iovec> parts) const noexcept;
    [[nodiscard]] bool has_room() const noexcept;

    int descriptor_; // what is written to
    way way_ = way::direct;
    weir::file_handle own_; // that is, if it was opened once more
    std::optional<weir::detail::descriptor_watch> watch_;
};

} // namespace tool
