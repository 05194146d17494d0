// The part of pool_state that says what it has, and whether that can be right.

#include "memory/pool_state.hpp"

namespace weir::detail {
namespace {

void add_queue(tier_statistics& numbers, const wait_queue& queue)
{
    numbers.failures = queue.failures;
    numbers.waits = queue.waits;
    numbers.waited = queue.waited;
}

void add_to_sums(pool_statistics& out, const tier_statistics& numbers)
{
    out.acquisitions += numbers.acquisitions;
    out.releases += numbers.releases;
    out.failures += numbers.failures;
    out.waits += numbers.waits;
    out.waited += numbers.waited;
}

} // namespace

pool_statistics pool_state::statistics() const
{
    exclusive section(*this);
    pool_statistics out;
    out.max_bytes = options_.max_bytes;
    out.peak_bytes = peak_bytes_;
    out.mapped_bytes = mapped_bytes_;
    out.waiting = waiting_;
    for (const tier_entry& each : tiers_) {
        tier_statistics numbers = each.blocks->statistics();
        add_queue(numbers, each.queue);
        add_to_sums(out, numbers);
        out.allocated_bytes += numbers.allocated * each.blocks->stride();
        out.in_use_bytes += numbers.in_use * each.blocks->stride();
        out.available_bytes += numbers.available * each.blocks->stride();
        out.tiers.push_back(numbers);
    }
    out.mapped = mapped_;
    out.mapped.allocated = mapped_.in_use;
    add_queue(out.mapped, mapped_queue_);
    add_to_sums(out, out.mapped);
    return out;
}

bool pool_state::check()
{
    exclusive section(*this);
    std::size_t waiters = 0;
    for_each_queue([&](const wait_queue& each) { waiters += each.waiters.size(); });
    bool sound = waiters == waiting_ && warm_bytes() <= options_.max_bytes && mapped_.in_use <= options_.max_mapped
        && mapped_.acquisitions - mapped_.releases == mapped_.in_use;
    for (const tier_entry& each : tiers_)
        sound = sound && each.blocks->check();
    return sound && next_servable() == nullptr;
}

} // namespace weir::detail
