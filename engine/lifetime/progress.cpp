#include <weir/progress.hpp>

#include <weir/error.hpp>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cmath>
#include <deque>
#include <limits>
#include <mutex>
#include <utility>

namespace weir {
namespace {

constexpr std::uint64_t unknown = std::numeric_limits<std::uint64_t>::max();

// A first-order low pass over looks at uneven intervals: what is `memory` old has lost 63% of its weight.
class smooth_rate {
public:
    using time_point = progress::clock::time_point;

    explicit smooth_rate(time_point started) noexcept : last_look_(started) {}

    double update(double value, time_point now) noexcept
    {
        constexpr std::chrono::duration<double> memory = std::chrono::seconds(3);
        const std::chrono::duration<double> since_last = now - last_look_;
        if (since_last.count() > 0) {
            const double current = (value - std::exchange(last_value_, value)) / since_last.count();
            const double part = std::exchange(settled_, true) ? 1 - std::exp(-since_last / memory) : 1;
            rate_ += (current - rate_) * part;
            last_look_ = now;
        }
        return rate_;
    }

private:
    time_point last_look_;
    double last_value_ = 0;
    double rate_ = 0;
    bool settled_ = false; // the first look is taken as it is
};

struct counted_stage {
    counted_stage(progress_stage&& from, progress::clock::time_point now)
        : name(std::move(from.name)), weight(from.weight), total(from.total.value_or(unknown)), rate(now)
    {
    }

    std::optional<double> share(std::uint64_t units, std::uint64_t all) const noexcept
    {
        if (finished.load(std::memory_order_relaxed))
            return 1.0;
        if (all == unknown)
            return std::nullopt;
        return all == 0 ? 1.0 : std::min(1.0, static_cast<double>(units) / static_cast<double>(all));
    }

    std::string name;
    double weight;
    std::atomic<std::uint64_t> done{0};
    std::atomic<std::uint64_t> total;
    std::atomic<bool> finished{false};
    smooth_rate rate; // under the lock
};

std::optional<std::chrono::nanoseconds> time_left(double share, double share_per_second) noexcept
{
    if (share >= 1)
        return std::chrono::nanoseconds(0);
    constexpr double a_century = 3.2e9;
    const double seconds = (1 - share) / share_per_second;
    if (!(seconds >= 0 && seconds < a_century))
        return std::nullopt;
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
}

} // namespace

struct progress::state {
    explicit state(clock::time_point now) : started(now), share_rate(now) {}

    std::deque<counted_stage> stages; // atomics do not move
    clock::time_point started;
    std::mutex mutex;
    smooth_rate share_rate;
};

progress::progress(std::vector<progress_stage> stages, clock::time_point now) : state_(std::make_unique<state>(now))
{
    if (stages.empty())
        throw error(errc::bad_configuration, "watch progress", {}, std::nullopt, "no stages");
    for (progress_stage& each : stages) {
        if (!(each.weight > 0))
            throw error(errc::bad_configuration, "watch progress", each.name, std::nullopt, "weights are above 0");
        state_->stages.emplace_back(std::move(each), now);
    }
}

progress::~progress() = default;

void progress::add(std::size_t stage, std::uint64_t units) noexcept
{
    assert(stage < state_->stages.size());
    state_->stages[stage].done.fetch_add(units, std::memory_order_relaxed);
}

void progress::set_total(std::size_t stage, std::uint64_t units) noexcept
{
    assert(stage < state_->stages.size());
    state_->stages[stage].total.store(units, std::memory_order_relaxed);
}

void progress::add_total(std::size_t stage, std::uint64_t units) noexcept
{
    assert(stage < state_->stages.size());
    std::atomic<std::uint64_t>& total = state_->stages[stage].total;
    std::uint64_t seen = total.load(std::memory_order_relaxed);
    while (!total.compare_exchange_weak(seen, seen == unknown ? units : seen + units, std::memory_order_relaxed)) {
    }
}

void progress::finish(std::size_t stage) noexcept
{
    assert(stage < state_->stages.size());
    state_->stages[stage].finished.store(true, std::memory_order_relaxed);
}

progress_snapshot progress::snapshot(clock::time_point now)
{
    const std::lock_guard lock(state_->mutex);
    progress_snapshot result;
    result.elapsed = now - state_->started;
    result.share = 0.0;
    double all_weights = 0;
    for (counted_stage& from : state_->stages) {
        const std::uint64_t done = from.done.load(std::memory_order_relaxed);
        const std::uint64_t total = from.total.load(std::memory_order_relaxed);
        const std::optional<double> share = from.share(done, total);
        all_weights += from.weight;
        result.share = result.share && share ? std::optional(*result.share + from.weight * *share) : std::nullopt;
        result.stages.push_back({from.name, done, total == unknown ? std::nullopt : std::optional(total), share,
                                 from.rate.update(static_cast<double>(done), now),
                                 from.finished.load(std::memory_order_relaxed)});
    }
    if (result.share) {
        *result.share /= all_weights;
        result.left = time_left(*result.share, state_->share_rate.update(*result.share, now));
    }
    return result;
}

} // namespace weir
