#include <weir/statistics.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>

namespace weir {

std::string_view to_string(stage which) noexcept
{
    switch (which) {
    case stage::read:
        return "read";
    case stage::cut:
        return "cut";
    case stage::digest:
        return "digest";
    case stage::sink:
        return "sink";
    }
    return "unknown";
}

void add(stage_snapshot& sum, const stage_snapshot& more) noexcept
{
    for (std::size_t i = 0; i < stage_count; ++i) {
        sum[i].busy += more[i].busy;
        sum[i].waiting += more[i].waiting;
        sum[i].width = std::max(sum[i].width, more[i].width);
        sum[i].bytes += more[i].bytes;
        sum[i].items += more[i].items;
    }
}

std::optional<stage> bottleneck(const stage_snapshot& stages) noexcept
{
    std::optional<stage> slowest;
    double longest = 0;
    for (std::size_t i = 0; i != stages.size(); ++i) {
        const auto width = static_cast<double>(std::max<std::size_t>(stages[i].width, 1));
        const double busy = static_cast<double>(stages[i].busy.count()) / width;
        if (busy > longest) {
            longest = busy;
            slowest = static_cast<stage>(i);
        }
    }
    return slowest;
}

stage_snapshot stage_clock::snapshot() const noexcept
{
    stage_snapshot result;
    std::ranges::transform(counters_, result.begin(), [](const counters& from) {
        constexpr auto relaxed = std::memory_order_relaxed;
        return stage_statistics{std::chrono::nanoseconds(from.busy.load(relaxed)),
                                std::chrono::nanoseconds(from.waiting.load(relaxed)), from.width.load(relaxed),
                                from.bytes.load(relaxed), from.items.load(relaxed)};
    });
    return result;
}

double flow_statistics::dedup_ratio() const noexcept
{
    return unique_bytes == 0 ? 1.0 : static_cast<double>(bytes) / static_cast<double>(unique_bytes);
}

double flow_statistics::throughput() const noexcept
{
    const double seconds = std::chrono::duration<double>(elapsed).count();
    return seconds > 0 ? static_cast<double>(bytes) / seconds : 0.0;
}

std::uint64_t peak_memory_bytes() noexcept
{
    // getrusage's ru_maxrss survives an exec, so a small program started by a big one would report the big one's.
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> status(std::fopen("/proc/self/status", "re"), &std::fclose);
    char line[256];
    while (status && std::fgets(line, sizeof line, status.get())) {
        unsigned long long kilobytes = 0;
        if (std::sscanf(line, "VmHWM: %llu kB", &kilobytes) == 1)
            return std::uint64_t{kilobytes} * 1024;
    }
    return 0;
}

} // namespace weir
