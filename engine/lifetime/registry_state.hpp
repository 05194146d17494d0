#pragma once
// The state that a registry shares with its registrations: entries in slots, in shards by thread.

#include <weir/registry.hpp>

#include <atomic>
#include <mutex>

namespace weir {

struct registration::shared {
    using clock = std::chrono::steady_clock;

    struct entry {
        resource_description what;
        clock::time_point since;
        bool used = false;
    };

    // Apart by a cache line each, so that threads do not slow each other down.
    struct alignas(64) shard {
        mutable std::mutex mutex;
        std::vector<entry> slots;
        std::vector<std::uint32_t> free; // has room for all slots: giving one back does not allocate
    };

    struct counters {
        std::atomic<std::uint64_t> live{0};
        std::atomic<std::uint64_t> peak{0};
        std::atomic<std::uint64_t> total{0};
        std::atomic<std::uint64_t> live_bytes{0};
    };

    [[nodiscard]] place add(resource_description&& what);
    void remove(place where) noexcept;

    /// Calls `visit(const entry&)` for every entry, with its shard locked.
    template <class Visit> void for_each(Visit visit) const
    {
        for (const shard& each : shards) {
            const std::lock_guard lock(each.mutex);
            for (const entry& candidate : each.slots)
                if (candidate.used)
                    visit(candidate);
        }
    }

    observer* watcher = nullptr;
    std::array<shard, 8> shards;
    std::array<counters, resource_kind_count> kinds;
};

/// Cleans up the targets of one phase. Runs on a strand.
[[nodiscard]] boost::asio::awaitable<cleanup_counts> clean_up(std::vector<std::shared_ptr<cleanable>> targets,
                                                              std::chrono::steady_clock::time_point deadline,
                                                              observer* watcher, std::string_view phase);

} // namespace weir
