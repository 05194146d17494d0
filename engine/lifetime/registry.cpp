#include <weir/registry.hpp>

#include <weir/detail/run_on.hpp>

#include "registry_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <numeric>
#include <utility>

namespace weir {
namespace {

// Threads take turns; a thread keeps its shard.
std::uint32_t shard_of_this_thread(std::size_t shards) noexcept
{
    static std::atomic<std::uint32_t> next{0};
    thread_local const std::uint32_t mine = next.fetch_add(1, std::memory_order_relaxed);
    return mine % static_cast<std::uint32_t>(shards);
}

void raise_to(std::atomic<std::uint64_t>& peak, std::uint64_t value) noexcept
{
    std::uint64_t seen = peak.load(std::memory_order_relaxed);
    while (seen < value && !peak.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
    }
}

shutdown_phase phase_of(const resource_description& what) noexcept
{
    return what.phase.value_or(phase_of(what.kind));
}

} // namespace

std::string_view to_string(resource_kind kind) noexcept
{
    switch (kind) {
    case resource_kind::pool_blocks:
        return "pool blocks";
    case resource_kind::file:
        return "file";
    case resource_kind::mapping:
        return "mapping";
    case resource_kind::reservation:
        return "reservation";
    case resource_kind::ring_operation:
        return "ring operation";
    case resource_kind::connection:
        return "connection";
    case resource_kind::guard:
        return "guard";
    case resource_kind::flow:
        return "flow";
    case resource_kind::other:
        return "other";
    }
    return "unknown";
}

std::string_view to_string(shutdown_phase phase) noexcept
{
    switch (phase) {
    case shutdown_phase::stop_accepting:
        return "stop accepting";
    case shutdown_phase::finish_work:
        return "finish work";
    case shutdown_phase::release_buffers:
        return "release buffers";
    case shutdown_phase::close_files:
        return "close files";
    }
    return "unknown";
}

shutdown_phase phase_of(resource_kind kind) noexcept
{
    switch (kind) {
    case resource_kind::ring_operation:
    case resource_kind::connection:
    case resource_kind::guard:
    case resource_kind::flow:
    case resource_kind::other:
        return shutdown_phase::finish_work;
    case resource_kind::pool_blocks:
    case resource_kind::reservation:
    case resource_kind::mapping:
        return shutdown_phase::release_buffers;
    case resource_kind::file:
        return shutdown_phase::close_files;
    }
    return shutdown_phase::finish_work;
}

std::uint64_t registry_statistics::live() const noexcept
{
    return std::accumulate(kinds.begin(), kinds.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const kind_statistics& each) { return sum + each.live; });
}

cleanup_counts cleanup_report::total() const noexcept
{
    cleanup_counts sum;
    for (const cleanup_counts& each : phases) {
        sum.immediate += each.immediate;
        sum.background += each.background;
        sum.forced += each.forced;
        sum.unfinished += each.unfinished;
        sum.failures += each.failures;
    }
    return sum;
}

registration::place registration::shared::add(resource_description&& what)
{
    counters& numbers = kinds[static_cast<std::size_t>(what.kind)];
    const std::uint64_t bytes = what.bytes;
    const bool counted = what.counted;
    const std::uint32_t number = shard_of_this_thread(shards.size());
    std::uint32_t slot = 0;
    {
        shard& mine = shards[number];
        const std::lock_guard lock(mine.mutex);
        if (mine.free.empty()) {
            mine.slots.emplace_back();
            mine.free.reserve(mine.slots.capacity());
            mine.free.push_back(static_cast<std::uint32_t>(mine.slots.size() - 1));
        }
        slot = mine.free.back();
        mine.free.pop_back();
        mine.slots[slot] = entry{std::move(what), clock::now(), true};
    }
    if (counted) {
        numbers.total.fetch_add(1, std::memory_order_relaxed);
        numbers.live_bytes.fetch_add(bytes, std::memory_order_relaxed);
        raise_to(numbers.peak, numbers.live.fetch_add(1, std::memory_order_relaxed) + 1);
    }
    return {number, slot};
}

void registration::shared::remove(place where) noexcept
{
    resource_description gone; // the text and the last weak reference are freed without the lock
    {
        shard& owner = shards[where.shard];
        const std::lock_guard lock(owner.mutex);
        entry& leaving = owner.slots[where.slot];
        assert(leaving.used);
        leaving.used = false;
        gone = std::exchange(leaving.what, {});
        owner.free.push_back(where.slot);
    }
    if (!gone.counted)
        return;
    counters& numbers = kinds[static_cast<std::size_t>(gone.kind)];
    numbers.live.fetch_sub(1, std::memory_order_relaxed);
    numbers.live_bytes.fetch_sub(gone.bytes, std::memory_order_relaxed);
}

registration::registration() noexcept = default;
registration::registration(std::shared_ptr<shared> state, place where) noexcept
    : state_(std::move(state)), place_(where)
{
}
registration::registration(registration&& other) noexcept = default;
registration& registration::operator=(registration&& other) noexcept
{
    if (this != &other) {
        reset();
        state_ = std::move(other.state_);
        place_ = other.place_;
    }
    return *this;
}
registration::~registration()
{
    reset();
}

void registration::reset() noexcept
{
    if (const auto state = std::exchange(state_, nullptr))
        state->remove(place_);
}

registry::registry(observer* watcher) : state_(std::make_shared<registration::shared>())
{
    state_->watcher = watcher;
}

registry::~registry() = default;

registration registry::add(resource_description what)
{
    const registration::place where = state_->add(std::move(what));
    return {state_, where};
}

registry_statistics registry::statistics() const noexcept
{
    registry_statistics result;
    std::ranges::transform(state_->kinds, result.kinds.begin(), [](const registration::shared::counters& from) {
        constexpr auto relaxed = std::memory_order_relaxed;
        return kind_statistics{from.live.load(relaxed), from.peak.load(relaxed), from.total.load(relaxed),
                               from.live_bytes.load(relaxed)};
    });
    return result;
}

std::vector<live_resource> registry::live_resources() const
{
    std::vector<live_resource> found;
    const auto now = registration::shared::clock::now();
    state_->for_each([&](const registration::shared::entry& each) {
        if (each.what.counted)
            found.push_back({each.what.kind, each.what.name, each.what.bytes, now - each.since});
    });
    std::ranges::sort(found, std::greater(), &live_resource::age);
    return found;
}

std::string registry::leak_report() const
{
    std::string text;
    for (const live_resource& each : live_resources()) {
        const double seconds = std::chrono::duration<double>(each.age).count();
        const char* gap = each.name.empty() ? "" : " ";
        fmt::format_to(std::back_inserter(text), "{}{}{}, {} bytes, for {:.1f} s\n", to_string(each.kind), gap,
                       each.name, each.bytes, seconds);
    }
    return text;
}

boost::asio::awaitable<cleanup_report> registry::cleanup_all(std::chrono::steady_clock::time_point deadline)
{
    const auto state = state_;
    const boost::asio::any_io_executor here = co_await boost::asio::this_coro::executor;
    cleanup_report report;
    for (std::size_t i = 0; i != shutdown_phase_count; ++i) {
        const auto phase = static_cast<shutdown_phase>(i);
        std::vector<std::shared_ptr<cleanable>> targets;
        state->for_each([&](const registration::shared::entry& each) {
            if (phase_of(each.what) == phase)
                if (auto target = each.what.target.lock())
                    targets.push_back(std::move(target));
        });
        if (!targets.empty())
            report.phases[i] =
                co_await detail::run_on(here, clean_up(std::move(targets), deadline, state->watcher, to_string(phase)));
    }
    report.left = statistics().live();
    co_return report;
}

} // namespace weir
