#pragma once
// Adds up what all flows of an engine did, those that have ended and those that run.

#include <weir/statistics.hpp>

#include <mutex>
#include <vector>

namespace weir::detail {

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

private:
    mutable std::mutex mutex_;
    flow_statistics ended_;
    std::vector<const metered*> running_;
};

} // namespace weir::detail
