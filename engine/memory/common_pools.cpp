#include <weir/common_pools.hpp>
#include <weir/error.hpp>

#include <array>
#include <atomic>
#include <mutex>
#include <string>

namespace weir {
namespace {

constexpr std::array<pool_tier, 3> kinds = {{
    {std::size_t(1) << 10, 16 * 1024},
    {std::size_t(64) << 10, 1024},
    {std::size_t(1) << 20, 128},
}};

// Never destroyed: static objects of other files may use them in their destructors.
std::array<std::atomic<buffer_pool*>, kinds.size()> pools;
std::mutex creation;

buffer_pool& pool_of(std::size_t kind)
{
    if (buffer_pool* const made = pools[kind].load(std::memory_order_acquire))
        return *made;
    std::lock_guard lock(creation);
    if (!pools[kind].load(std::memory_order_relaxed)) {
        const pool_tier tier = kinds[kind];
        auto made = std::make_unique<buffer_pool>(
            pool_options{.tiers = {tier}, .max_bytes = tier.block_bytes * tier.max_blocks, .max_mapped = 0});
        pools[kind].store(made.release(), std::memory_order_release);
    }
    return *pools[kind].load(std::memory_order_relaxed);
}

} // namespace

buffer_pool& common_pool(std::size_t bytes)
{
    for (std::size_t kind = 0; bytes > 0 && kind < kinds.size(); ++kind)
        if (bytes <= kinds[kind].block_bytes)
            return pool_of(kind);
    throw error(errc::invalid_size, "get", "buffer", std::nullopt,
                std::to_string(bytes) + " bytes; 1 to " + std::to_string(kinds.back().block_bytes) + " are possible");
}

buffer get_buffer(std::size_t bytes) { return common_pool(bytes).acquire_now(bytes); }

std::optional<buffer> try_get_buffer(std::size_t bytes) { return common_pool(bytes).try_acquire(bytes); }

void clear_common_pools()
{
    for (const std::atomic<buffer_pool*>& each : pools)
        if (buffer_pool* const made = each.load(std::memory_order_acquire))
            made->clear();
}

std::vector<pool_statistics> common_pool_statistics()
{
    std::vector<pool_statistics> out;
    for (const std::atomic<buffer_pool*>& each : pools)
        if (const buffer_pool* const made = each.load(std::memory_order_acquire))
            out.push_back(made->statistics());
    return out;
}

} // namespace weir
