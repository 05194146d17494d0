#pragma once
// An observer that keeps what it is told, from any thread.

#include <weir/observer.hpp>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <string>
#include <system_error>
#include <vector>

namespace test {

/// A `weir::event` with texts of its own.
struct recorded {
    weir::event_kind kind;
    std::string operation;
    std::string subject;
    std::chrono::nanoseconds duration;
    std::error_code outcome;
    std::uint64_t bytes;
    std::uint64_t count;
};

class recorder final : public weir::observer {
public:
    void on_event(const weir::event& what) noexcept override
    {
        const std::lock_guard lock(mutex_);
        events_.push_back({what.kind, std::string(what.operation), std::string(what.subject), what.duration,
                           what.outcome, what.bytes, what.count});
    }

    /// All of one kind, in their order; of one operation if it is named.
    [[nodiscard]] std::vector<recorded> of(weir::event_kind kind, std::string_view operation = {}) const
    {
        const std::lock_guard lock(mutex_);
        std::vector<recorded> found;
        std::ranges::copy_if(events_, std::back_inserter(found), [&](const recorded& each) {
            return each.kind == kind && (operation.empty() || each.operation == operation);
        });
        return found;
    }

private:
    mutable std::mutex mutex_;
    std::vector<recorded> events_;
};

[[nodiscard]] inline std::uint64_t bytes_of(const std::vector<recorded>& events)
{
    std::uint64_t sum = 0;
    for (const recorded& each : events)
        sum += each.bytes;
    return sum;
}

[[nodiscard]] inline std::uint64_t count_of(const std::vector<recorded>& events)
{
    std::uint64_t sum = 0;
    for (const recorded& each : events)
        sum += each.count;
    return sum;
}

} // namespace test
