#pragma once
// Wakes a coroutine of a worker from any thread; also when the workers are gone by then.
//
// The sleeper is a timer of the workers' own context that never expires. So the end of the workers destroys a
// coroutine that sleeps, as it does every other, and whoever still has the signal then finds nobody to wake.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <memory>

namespace weir::detail {

/// \par Thread-safety
/// `notify` of the handle from any thread; the rest on the strand of the coroutine.
class worker_signal {
public:
    class state;
    /// What those who notify keep.
    class handle {
    public:
        explicit handle(std::shared_ptr<state> target) noexcept : state_(std::move(target)) {}
        /// Ends a `wait`, the next one if there is none now.
        void notify() const noexcept;

    private:
        std::shared_ptr<state> state_;
    };

    worker_signal();
    worker_signal(const worker_signal&) = delete;
    worker_signal& operator=(const worker_signal&) = delete;
    ~worker_signal(); ///< notifications do nothing from now on

    [[nodiscard]] handle get_handle() const noexcept { return handle(state_); }

    /// Sleeps until a notification that no wait has used up yet.
    /// \throws weir::error  `operation_aborted` when it was cancelled; the notification is kept then
    [[nodiscard]] boost::asio::awaitable<void> wait();

private:
    std::shared_ptr<state> state_;
};

} // namespace weir::detail
