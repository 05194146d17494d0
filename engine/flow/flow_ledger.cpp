#include "flow/flow_ledger.hpp"

namespace weir::detail {
namespace {

void add_flow(flow_statistics& sum, const flow_statistics& more) noexcept
{
    sum.bytes += more.bytes;
    sum.chunks += more.chunks;
    add(sum.stages, more.stages);
}

} // namespace

void flow_ledger::enter(const metered& running)
{
    const std::lock_guard lock(mutex_);
    running_.push_back(&running);
}

void flow_ledger::leave(const metered& ending) noexcept
{
    const std::lock_guard lock(mutex_);
    if (std::erase(running_, &ending) != 0)
        add_flow(ended_, ending.meter());
}

flow_statistics flow_ledger::sum() const
{
    const std::lock_guard lock(mutex_);
    flow_statistics all = ended_;
    for (const metered* each : running_)
        add_flow(all, each->meter());
    return all;
}

} // namespace weir::detail
