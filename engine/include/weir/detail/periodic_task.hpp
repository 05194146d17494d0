#pragma once
// Something small to be done from time to time, beside everything else.

#include <weir/export.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace weir::detail {

/// Calls `work` every `interval` on a thread of its own, which sleeps otherwise. Destruction waits for a call
/// that runs; `work` must not throw.
class WEIR_API periodic_task {
public:
    periodic_task(std::chrono::milliseconds interval, std::function<void()> work);
    periodic_task(const periodic_task&) = delete;
    periodic_task& operator=(const periodic_task&) = delete;
    ~periodic_task();

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace weir::detail
