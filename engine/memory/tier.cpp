#include "memory/tier.hpp"

#include <algorithm>
#include <bit>
#include <thread>

namespace weir::detail {
namespace {

constexpr std::size_t slab_bytes = std::size_t(2) << 20;
constexpr std::size_t max_slab_blocks = 128; // with small pages: a single small block must not cost much

std::size_t blocks_of_slab(std::size_t stride, page_region::pages kind) noexcept
{
    const std::size_t fitting = std::max<std::size_t>(1, slab_bytes / stride);
    return kind == page_region::pages::huge ? fitting : std::min(fitting, max_slab_blocks);
}

std::size_t number_of_shards() noexcept
{
    // Four for each core: two running threads then rarely share one.
    const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
    return std::bit_ceil(std::clamp<std::size_t>(4 * cores, 4, 64));
}

/// Threads are numbered as they come.
std::size_t thread_number() noexcept
{
    static std::atomic<std::size_t> next{0};
    thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
    return number;
}

} // namespace

std::size_t tier::stride_of(std::size_t block_bytes) noexcept
{
    return round_up(block_bytes, block_bytes >= page_bytes() ? page_bytes() : 64);
}

tier::tier(pool_state& pool, const pool_tier& limits, page_region::pages kind, const std::atomic<bool>& attention)
    : pool_(pool), limits_(limits), stride_(stride_of(limits.block_bytes)), slab_blocks_(blocks_of_slab(stride_, kind)),
      kind_(kind), attention_(attention), shard_count_(number_of_shards()),
      shards_(std::make_unique<shard[]>(shard_count_))
{
}

tier::shard& tier::own_shard() noexcept { return shards_[thread_number() & (shard_count_ - 1)]; }

pool_block& tier::take_from(shard& source) noexcept
{
    pool_block& out = *source.free.pop();
    const std::size_t left = source.free.size();
    source.count.store(left, std::memory_order_relaxed);
    source.least = std::min(source.least, left);
    ++source.popped;
    return out;
}

void tier::put_into(shard& target, pool_block& returned) noexcept
{
    target.free.push(returned);
    target.count.store(target.free.size(), std::memory_order_relaxed);
    ++target.pushed;
}

pool_block* tier::try_pop() noexcept
{
    const std::size_t first = thread_number();
    for (std::size_t i = 0; i < shard_count_; ++i) {
        shard& source = shards_[(first + i) & (shard_count_ - 1)];
        if (source.count.load(std::memory_order_relaxed) == 0)
            continue;
        std::lock_guard lock(source.mutex);
        if (attention_.load(std::memory_order_acquire))
            return nullptr;
        if (!source.free.empty())
            return &take_from(source);
    }
    return nullptr;
}

bool tier::try_push(pool_block& returned) noexcept
{
    shard& target = own_shard();
    std::lock_guard lock(target.mutex);
    if (attention_.load(std::memory_order_acquire))
        return false;
    put_into(target, returned);
    return true;
}

void tier::visit_shards() noexcept
{
    for (std::size_t i = 0; i < shard_count_; ++i)
        std::lock_guard visited(shards_[i].mutex);
}

std::size_t tier::free_blocks() const noexcept
{
    std::size_t sum = 0;
    for (std::size_t i = 0; i < shard_count_; ++i)
        sum += shards_[i].count.load(std::memory_order_relaxed);
    return sum;
}

pool_block& tier::pop() noexcept
{
    for (std::size_t i = thread_number();; ++i) {
        shard& source = shards_[i & (shard_count_ - 1)];
        std::lock_guard lock(source.mutex);
        if (!source.free.empty())
            return take_from(source);
    }
}

void tier::push(pool_block& returned) noexcept
{
    shard& target = own_shard();
    std::lock_guard lock(target.mutex);
    put_into(target, returned);
}

void tier::add_slab()
{
    with_cold_.reserve(slabs_.size() + 1); // here, since `cool` must not fail
    slabs_.push_back(std::make_unique<slab>(*this, limits_.block_bytes, stride_, slab_blocks_, kind_));
    with_cold_.push_back(slabs_.back().get());
}

pool_block& tier::grow()
{
    if (with_cold_.empty())
        add_slab();
    slab& from = *with_cold_.back();
    pool_block& out = from.warm_one();
    if (!from.has_cold())
        with_cold_.pop_back();
    peak_ = std::max(peak_, ++warm_);
    ++grown_;
    return out;
}

void tier::cool(pool_block& target) noexcept
{
    slab& from = *target.origin;
    if (!from.has_cold())
        with_cold_.push_back(&from);
    from.cool(target);
    --warm_;
}

void tier::retire(pool_block& returned) noexcept
{
    cool(returned);
    ++retired_;
    give_back();
}

std::size_t tier::cool_list(block_list list) noexcept
{
    const std::size_t gained = list.size() * stride_;
    while (pool_block* next = list.pop())
        cool(*next);
    return gained;
}

std::size_t tier::cool_free(std::size_t at_most) noexcept
{
    std::size_t gained = 0;
    for (std::size_t i = 0; i < shard_count_ && at_most > 0; ++i) {
        shard& source = shards_[i];
        block_list taken;
        {
            std::lock_guard lock(source.mutex);
            taken = source.free.take_oldest(std::min(at_most, source.free.size()));
            source.count.store(source.free.size(), std::memory_order_relaxed);
            source.least = std::min(source.least, source.free.size());
        }
        at_most -= taken.size();
        gained += cool_list(std::move(taken));
    }
    give_back();
    return gained;
}

std::size_t tier::cool_idle() noexcept
{
    std::size_t gained = 0;
    for (std::size_t i = 0; i < shard_count_; ++i) {
        shard& source = shards_[i];
        block_list idle;
        {
            std::lock_guard lock(source.mutex);
            idle = source.free.take_oldest(source.least);
            source.least = source.free.size();
            source.count.store(source.free.size(), std::memory_order_relaxed);
        }
        gained += cool_list(std::move(idle));
    }
    give_back();
    return gained;
}

void tier::give_back() noexcept
{
    const auto is_empty = [](const auto& each) { return each->all_cold(); };
    std::erase_if(with_cold_, is_empty);
    std::erase_if(slabs_, is_empty);
    for (const std::unique_ptr<slab>& each : slabs_)
        each->give_back();
}

tier_statistics tier::statistics() const
{
    tier_statistics out;
    out.block_bytes = limits_.block_bytes;
    out.max_blocks = limits_.max_blocks;
    out.allocated = warm_;
    out.available = free_blocks();
    out.in_use = warm_ - out.available;
    out.reserved = promised_;
    out.peak = peak_;
    out.acquisitions = grown_;
    out.releases = retired_;
    for (std::size_t i = 0; i < shard_count_; ++i) {
        std::lock_guard lock(shards_[i].mutex);
        out.acquisitions += shards_[i].popped;
        out.releases += shards_[i].pushed;
    }
    return out;
}

bool tier::check() const
{
    std::vector<const pool_block*> free;
    for (std::size_t i = 0; i < shard_count_; ++i) {
        std::lock_guard lock(shards_[i].mutex);
        const std::size_t before = free.size();
        for (const pool_block* each = shards_[i].free.top(); each; each = each->next)
            free.push_back(each);
        if (free.size() - before != shards_[i].free.size() || shards_[i].count != shards_[i].free.size())
            return false;
    }
    std::sort(free.begin(), free.end());
    const bool twice = std::adjacent_find(free.begin(), free.end()) != free.end();
    const bool sound = std::all_of(free.begin(), free.end(), [this](const pool_block* each) {
        return !each->cold && !each->lender && &each->origin->home() == this;
    });
    std::size_t warm_in_slabs = 0;
    for (const std::unique_ptr<slab>& each : slabs_)
        warm_in_slabs += each->warm();
    const auto with_cold = std::count_if(slabs_.begin(), slabs_.end(), [](const auto& each) { return each->has_cold(); });
    const bool listed = static_cast<std::size_t>(with_cold) == with_cold_.size()
                        && std::all_of(with_cold_.begin(), with_cold_.end(), [](const slab* each) { return each->has_cold(); });
    const tier_statistics numbers = statistics();
    return !twice && sound && listed && warm_in_slabs == warm_ && free.size() <= warm_ && warm_ <= limits_.max_blocks
        && numbers.acquisitions - numbers.releases == numbers.in_use;
}

} // namespace weir::detail
