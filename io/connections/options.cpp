#include <weir/connection_pool_options.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace weir {

std::string_view to_string(close_reason reason) noexcept
{
    switch (reason) {
    case close_reason::idle: return "idle";
    case close_reason::lifetime: return "lifetime";
    case close_reason::broken: return "broken";
    case close_reason::unhealthy: return "unhealthy";
    case close_reason::not_recycled: return "not recycled";
    case close_reason::evicted: return "evicted";
    case close_reason::surplus: return "surplus";
    case close_reason::drained: return "drained";
    case close_reason::pool_closed: return "pool closed";
    case close_reason::closed_by_user: return "closed by user";
    case close_reason::detached: return "detached";
    }
    return "unknown";
}

void wait_histogram::add(std::chrono::nanoseconds wait) noexcept
{
    const auto microseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(wait.count(), 0)) / 1000;
    ++buckets[std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(microseconds)), bucket_count - 1)];
}

std::uint64_t wait_histogram::count() const noexcept
{
    return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

std::chrono::microseconds wait_histogram::quantile(double share) const noexcept
{
    const double wanted = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count()));
    double seen = 0;
    for (std::size_t i = 0; i < bucket_count; ++i) {
        seen += static_cast<double>(buckets[i]);
        if (seen > 0 && seen >= wanted)
            return std::chrono::microseconds(std::int64_t{1} << i);
    }
    return std::chrono::microseconds(0);
}

} // namespace weir
