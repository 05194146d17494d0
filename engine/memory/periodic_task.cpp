#include <weir/detail/periodic_task.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

namespace weir::detail {

struct periodic_task::state {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::jthread thread; // last: stopped and joined before the others go
};

periodic_task::periodic_task(std::chrono::milliseconds interval, std::function<void()> work)
    : state_(std::make_unique<state>())
{
    interval = std::min<std::chrono::milliseconds>(interval, std::chrono::hours(24 * 365)); // no clock wraps
    state_->thread = std::jthread([&shared = *state_, interval, work = std::move(work)](const std::stop_token& stop) {
        std::unique_lock lock(shared.mutex);
        while (!shared.stopped.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); }))
            work();
    });
}

periodic_task::~periodic_task() = default;

} // namespace weir::detail
