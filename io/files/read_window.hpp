#pragma once
// The reads of one file that are with a back end, in the order of the file.

#include "files/read_service.hpp"

#include <weir/buffer.hpp>
#include <weir/bytes.hpp>
#include <weir/detail/async_event.hpp>
#include <weir/file_handle.hpp>

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

namespace weir::detail {

/// One read, and the block that it fills.
struct window_piece {
    buffer memory;                  // untouched while `!done`
    std::size_t wanted = 0;
    std::size_t given = 0;          // of the filled part of `memory`
    bool booked = false;            // `memory` says how much is filled
    std::uint64_t id = 0;
    std::atomic<bool> done = false; // the read has ended; then these say how:
    std::error_code failure;
    std::size_t count = 0;
};

/// \par Thread-safety
/// One strand; the back end completes on any thread.
class read_window {
public:
    read_window() = default;
    /// Cancels what it can and forgets the rest: the back end keeps the blocks until they are free.
    ~read_window() { cancel(); }

    [[nodiscard]] bool empty() const noexcept { return pieces_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return pieces_.size(); }
    [[nodiscard]] window_piece& front() noexcept { return *pieces_.front(); }
    void pop_front() noexcept { pieces_.pop_front(); }

    /// Lends the spare part of `memory` for `wanted` bytes at `offset`, behind the pieces that are there.
    /// The file stays open until the read has ended, whatever becomes of this object.
    void push(read_service& service, std::shared_ptr<const file_handle> file, buffer memory, std::uint64_t offset,
              std::size_t wanted, bool may_be_cached);
    /// Sleeps until some read has ended since the last call, or at once if one has.
    [[nodiscard]] boost::asio::awaitable<void> wait();
    void cancel() noexcept;
    /// Forgets all pieces; what is under way is cancelled and comes to nothing.
    void clear() noexcept;
    /// Whether nothing is under way, of what was forgotten too: blocks and files are back.
    [[nodiscard]] bool all_done() const noexcept { return shared_->under_way == 0; }

    /// What the reads share.
    struct reads {
        async_event ended; ///< one of them
        std::atomic<std::size_t> under_way = 0;
    };

private:
    std::deque<std::shared_ptr<window_piece>> pieces_;
    read_service* service_ = nullptr; // of the reads that are under way
    std::shared_ptr<reads> shared_ = std::make_shared<reads>();
};

} // namespace weir::detail
