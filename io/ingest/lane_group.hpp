#pragma once
// The lanes of one job: starts them, and can stop them as long as they run.

#include "lane.hpp"

#include <weir/registry.hpp>

#include <memory>
#include <vector>

namespace weir::detail {

/// \par Thread-safety
/// `start` comes first; the rest from any thread.
class lane_group final : public cleanable {
public:
    explicit lane_group(std::shared_ptr<ingest_work> work) noexcept : work_(std::move(work)) {}

    void start(std::size_t lanes);
    /// Asks the lanes that still run to end. Does nothing once all have, also after the end of their engine.
    void cancel();

    // The registry's side: the job then ends by `errc::closed`.
    [[nodiscard]] boost::asio::awaitable<void> release() override;
    bool force_release() noexcept override;

private:
    struct runner;
    class last_word;
    static boost::asio::awaitable<void> run(std::shared_ptr<runner> self, last_word word);

    std::shared_ptr<ingest_work> work_;
    /// Each belongs to its lane's frame and completion handler: its strand must not outlive the workers, and a job may.
    std::vector<std::weak_ptr<runner>> runners_;
};

} // namespace weir::detail
