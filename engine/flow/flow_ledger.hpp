#pragma once
// Adds up what all flows of an engine did, those that have ended and those that run.

#include <weir/statistics.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <vector>

namespace weir::detail {

/// The numbers of work that is under way: what was digested counts.
[[nodiscard]] inline flow_statistics digested_so_far(const stage_snapshot& stages) noexcept
{
    flow_statistics out;
    out.stages = stages;
    const stage_statistics& digests = stages[static_cast<std::size_t>(stage::digest)];
    out.bytes = digests.bytes;
    out.chunks = digests.items;
    return out;
}

/// What has numbers of its own while it lives: a stream, or the batches of a job.
class metered {
public:
    metered() = default;
    metered(const metered&) = delete;
    metered& operator=(const metered&) = delete;

    /// From any thread.
    [[nodiscard]] virtual flow_statistics meter() const noexcept = 0;

protected:
    ~metered() = default;
};

/// \par Thread-safety
/// All members from any thread.
class flow_ledger {
public:
    void enter(const metered& running);
    /// Keeps its last numbers. Called before anything of it goes.
    void leave(const metered& ending) noexcept;
    [[nodiscard]] flow_statistics sum() const;

    /// The engine ends: no flow begins on it any more.
    void close() noexcept { closed_ = true; }
    [[nodiscard]] bool closed() const noexcept { return closed_; }

private:
    std::atomic<bool> closed_ = false;
    mutable std::mutex mutex_;
    flow_statistics ended_;
    std::vector<const metered*> running_;
};

} // namespace weir::detail
