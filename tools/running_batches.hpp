#pragma once
// Batches that workers are at, in the order in which they were given.

#include "check_batch.hpp"

#include <weir/worker_pool.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <deque>
#include <exception>
#include <memory>

namespace tool {

namespace asio = boost::asio;

/// \par Thread-safety
/// One strand. The workers outlive it.
class running_batches {
public:
    explicit running_batches(weir::worker_pool& workers) noexcept : workers_(workers) {}

    [[nodiscard]] bool empty() const noexcept { return running_.empty(); }
    /// One more than there are workers, which waits for a free one.
    [[nodiscard]] bool full() const noexcept { return running_.size() > workers_.size(); }

    /// Has it run on a worker. \pre not `full()`
    [[nodiscard]] asio::awaitable<void> start(std::shared_ptr<check_batch> batch);
    /// Waits for the oldest. \pre not `empty()`
    /// \throws what its `run` did
    /// \par Cancellation
    /// terminal, partial, total: it is the oldest still.
    [[nodiscard]] asio::awaitable<std::shared_ptr<check_batch>> take_oldest();

private:
    struct running_batch {
        std::shared_ptr<check_batch> lines;
        bool done = false; // said on the strand
        std::exception_ptr failure;
    };

    weir::worker_pool& workers_;
    std::deque<std::shared_ptr<running_batch>> running_;
    std::shared_ptr<asio::steady_timer> batch_done_; // never fires: cancelled when one is
};

} // namespace tool
