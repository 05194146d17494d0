#include "memory/pool_state.hpp"

#include "memory/pages.hpp"
#include "memory/reservation_state.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <limits>
#include <new>
#include <string>

namespace weir::detail {

using boost::system::error_code;

/// A region of its own for one large buffer.
struct mapped_block final : block {
    page_region memory;
    pool_state* pool = nullptr;

    static void release(block* target) noexcept
    {
        auto* self = static_cast<mapped_block*>(target);
        self->pool->release(self);
    }
};

namespace {

constexpr std::size_t largest_limit = std::numeric_limits<std::size_t>::max() / 4; // sums do not overflow

[[noreturn]] void refuse(std::string_view option, std::string detail)
{
    throw error(errc::bad_configuration, "create pool", option, std::nullopt, detail);
}

pool_options checked(pool_options options)
{
    std::vector<pool_tier>& tiers = options.tiers;
    std::sort(tiers.begin(), tiers.end(), [](auto& a, auto& b) { return a.block_bytes < b.block_bytes; });
    if (tiers.empty())
        refuse("tiers", "there must be one at least");
    if (options.max_bytes > largest_limit)
        refuse("max_bytes", std::to_string(options.max_bytes) + "; at most " + std::to_string(largest_limit));
    for (std::size_t i = 0; i < tiers.size(); ++i) {
        const std::string bytes = std::to_string(tiers[i].block_bytes);
        if (tiers[i].block_bytes == 0 || tiers[i].max_blocks == 0)
            refuse("tiers", "blocks of " + bytes + " bytes, " + std::to_string(tiers[i].max_blocks)
                                + " of them; both must be at least 1");
        if (tiers[i].block_bytes > options.max_bytes || tier::stride_of(tiers[i].block_bytes) > options.max_bytes)
            refuse("tiers", "a block of " + bytes + " bytes in whole pages is above max_bytes, "
                                + std::to_string(options.max_bytes));
        if (i > 0 && tiers[i].block_bytes == tiers[i - 1].block_bytes)
            refuse("tiers", "two have blocks of " + bytes + " bytes");
    }
    if (options.max_mapped > 0 && options.max_mapped_bytes <= tiers.back().block_bytes)
        refuse("max_mapped_bytes", std::to_string(options.max_mapped_bytes) + "; it must be above the largest block, "
                                       + std::to_string(tiers.back().block_bytes) + ", or max_mapped be 0");
    if (options.max_mapped_bytes > largest_limit)
        refuse("max_mapped_bytes", std::to_string(options.max_mapped_bytes) + "; at most " + std::to_string(largest_limit));
    if (options.idle_trim.count() < 0)
        refuse("idle_trim", std::to_string(options.idle_trim.count()) + " ms; it must not be negative");
    return options;
}

} // namespace

pool_state::exclusive::exclusive(const pool_state& pool) : pool_(pool), lock_(pool.mutex_)
{
    if (pool.attention_.load(std::memory_order_relaxed))
        return;
    pool.attention_.store(true, std::memory_order_release);
    for (const tier_entry& each : pool.tiers_)
        each.blocks->visit_shards();
}

pool_state::exclusive::~exclusive()
{
    pool_.attention_.store(pool_.closed_ || pool_.anyone_waits(), std::memory_order_release);
}

pool_state::pool_state(pool_options options) : options_(checked(std::move(options)))
{
    const auto kind = options_.huge_pages ? page_region::pages::huge : page_region::pages::small;
    for (const pool_tier& each : options_.tiers)
        tiers_.push_back({std::make_unique<tier>(*this, each, kind, attention_), wait_queue()});
    mapped_.block_bytes = options_.max_mapped_bytes;
    mapped_.max_blocks = options_.max_mapped;
}

pool_state::~pool_state() = default;

tier* pool_state::tier_for(std::size_t bytes) const noexcept
{
    for (const tier_entry& each : tiers_)
        if (bytes <= each.blocks->block_bytes())
            return each.blocks.get();
    return nullptr;
}

wait_queue& pool_state::queue_of(const tier* home) noexcept
{
    for (tier_entry& each : tiers_)
        if (each.blocks.get() == home)
            return each.queue;
    return mapped_queue_;
}

std::size_t pool_state::largest_bytes() const noexcept
{
    return options_.max_mapped > 0 ? options_.max_mapped_bytes : options_.tiers.back().block_bytes;
}

std::size_t pool_state::most_blocks(const tier& of) const noexcept
{
    return std::min(of.max_blocks(), options_.max_bytes / of.stride());
}

std::size_t pool_state::warm_bytes() const noexcept
{
    std::size_t sum = 0;
    for (const tier_entry& each : tiers_)
        sum += each.blocks->warm_bytes();
    return sum;
}

std::size_t pool_state::free_bytes_beside(const tier& of) const noexcept
{
    std::size_t sum = 0;
    for (const tier_entry& each : tiers_)
        if (each.blocks.get() != &of)
            sum += each.blocks->free_blocks() * each.blocks->stride();
    return sum;
}

// Taking

bool pool_state::may_pass(const tier* home) noexcept
{
    return queue_of(home).empty() && !(home && starved_);
}

pool_state::outcome pool_state::can_take(const tier& from, std::size_t blocks) const noexcept
{
    const std::size_t fresh = blocks - std::min(blocks, from.free_blocks());
    if (from.warm() + fresh > from.max_blocks())
        return outcome::no_block;
    if (warm_bytes() + fresh * from.stride() > options_.max_bytes + free_bytes_beside(from))
        return outcome::no_bytes;
    return outcome::granted;
}

void pool_state::make_room(tier& grower, std::size_t blocks) noexcept
{
    for (const tier_entry& each : tiers_) {
        const std::size_t needed = warm_bytes() + blocks * grower.stride();
        if (needed <= options_.max_bytes)
            return;
        if (each.blocks.get() != &grower)
            each.blocks->cool_free(round_up(needed - options_.max_bytes, each.blocks->stride()) / each.blocks->stride());
    }
}

void pool_state::take(tier& from, std::size_t blocks, block_list& out)
{
    const std::size_t ready = std::min(blocks, from.free_blocks());
    make_room(from, blocks - ready);
    try {
        for (std::size_t i = 0; i < blocks; ++i)
            out.push(i < ready ? from.pop() : from.grow());
    }
    catch (...) {
        while (pool_block* each = out.pop())
            from.push(*each);
        throw;
    }
    peak_bytes_ = std::max(peak_bytes_, warm_bytes());
}

pool_block* pool_state::try_take(tier& from, refusal kind) noexcept
{
    if (pool_block* ready = from.try_pop())
        return ready;
    exclusive section(*this);
    if (!closed_ && may_pass(&from) && can_take(from, 1) == outcome::granted) {
        try {
            block_list got;
            take(from, 1, got);
            return got.pop();
        }
        catch (const std::bad_alloc&) { // refused by the system: a failure as any other
        }
    }
    if (kind == refusal::counted)
        ++queue_of(&from).failures;
    return nullptr;
}

buffer pool_state::map_region(std::size_t bytes)
{
    auto control = std::make_unique<mapped_block>();
    control->memory = page_region(bytes, page_bytes(),
                                  options_.huge_pages ? page_region::pages::huge : page_region::pages::small);
    if (!control->memory)
        throw std::bad_alloc();
    control->data = control->memory.data();
    control->capacity = control->memory.size();
    control->recycle = &mapped_block::release;
    control->pool = this;
    mapped_bytes_ += control->capacity;
    mapped_.peak = std::max(mapped_.peak, ++mapped_.in_use);
    ++mapped_.acquisitions;
    return buffer(block_reference::first(*control.release()));
}

std::optional<buffer> pool_state::try_acquire(std::size_t bytes)
{
    if (bytes == 0 || bytes > largest_bytes())
        throw error(errc::invalid_size, "acquire", "buffer", std::nullopt,
                    std::to_string(bytes) + " bytes; 1 to " + std::to_string(largest_bytes()) + " are possible");
    if (tier* const home = tier_for(bytes)) {
        pool_block* const got = try_take(*home, refusal::counted);
        return got ? std::optional<buffer>(block_reference::first(*got)) : std::nullopt;
    }
    exclusive section(*this);
    try {
        if (!closed_ && may_pass(nullptr) && mapped_.in_use < options_.max_mapped)
            return map_region(bytes);
    }
    catch (const std::bad_alloc&) { // refused by the system: a failure as any other
    }
    ++mapped_queue_.failures;
    return std::nullopt;
}

std::error_code pool_state::why_never(std::size_t blocks, std::size_t block_bytes) const noexcept
{
    const tier* const home = block_bytes > 0 ? tier_for(block_bytes) : nullptr;
    if (blocks == 0 || !home)
        return errc::invalid_size;
    if (blocks > most_blocks(*home))
        return errc::pool_too_small;
    return {};
}

void pool_state::ensure_can_reserve(std::size_t blocks, std::size_t block_bytes) const
{
    const std::error_code reason = why_never(blocks, block_bytes);
    if (!reason)
        return;
    const std::string asked = std::to_string(blocks) + " blocks of " + std::to_string(block_bytes) + " bytes";
    if (reason == errc::invalid_size)
        throw error(reason, "reserve", {}, std::nullopt,
                    asked + "; at least 1 of at least 1 byte, at most "
                        + std::to_string(options_.tiers.back().block_bytes));
    const tier& home = *tier_for(block_bytes);
    throw error(reason, "reserve", {}, std::nullopt,
                "needs " + asked + ", " + std::to_string(blocks * home.stride()) + " bytes in all; the limit is "
                    + std::to_string(most_blocks(home)) + " blocks, "
                    + std::to_string(most_blocks(home) * home.stride()) + " bytes");
}

std::optional<reservation> pool_state::try_reserve(std::size_t blocks, std::size_t block_bytes)
{
    ensure_can_reserve(blocks, block_bytes);
    tier& home = *tier_for(block_bytes);
    auto promised = std::make_shared<reservation_state>(shared_from_this(), home, blocks);
    exclusive section(*this);
    if (!closed_ && may_pass(&home) && can_take(home, blocks) == outcome::granted) {
        try {
            block_list got;
            take(home, blocks, got);
            home.promise(static_cast<std::ptrdiff_t>(blocks));
            promised->fill(got);
            return reservation(std::move(promised));
        }
        catch (const std::bad_alloc&) { // refused by the system: a failure as any other
        }
    }
    ++queue_of(&home).failures;
    return std::nullopt;
}

// Giving back

void recycle_pool_block(block* target) noexcept
{
    auto& returned = *static_cast<pool_block*>(target);
    if (returned.lender)
        returned.lender->give_back(returned);
    else
        returned.origin->home().pool().release(returned);
}

std::shared_ptr<pool_state> pool_state::let_go() noexcept
{
    return closed_ && warm_bytes() == 0 && mapped_.in_use == 0 ? std::move(self_) : nullptr;
}

void pool_state::release(pool_block& returned) noexcept
{
    tier& home = returned.origin->home();
    if (home.try_push(returned))
        return;
    std::shared_ptr<pool_state> last; // outlives the lock
    waiter_list served;
    {
        exclusive section(*this);
        if (closed_)
            home.retire(returned);
        else
            home.push(returned);
        served = serve();
        last = let_go();
    }
    served.complete_all();
}

void pool_state::release(mapped_block* returned) noexcept
{
    const std::size_t bytes = returned->capacity;
    delete returned;
    std::shared_ptr<pool_state> last; // outlives the lock
    waiter_list served;
    {
        exclusive section(*this);
        --mapped_.in_use;
        ++mapped_.releases;
        mapped_bytes_ -= bytes;
        served = serve();
        last = let_go();
    }
    served.complete_all();
}

void pool_state::end_reservation(tier& home, block_list idle, std::size_t promised) noexcept
{
    {
        exclusive section(*this);
        home.promise(-static_cast<std::ptrdiff_t>(promised));
    }
    while (pool_block* each = idle.pop())
        release(*each);
}

std::size_t pool_state::shrink()
{
    std::lock_guard lock(mutex_); // blocks that move meanwhile are simply not free
    std::size_t gained = 0;
    for (const tier_entry& each : tiers_)
        gained += each.blocks->cool_all();
    return gained;
}

void pool_state::clear()
{
    shrink();
    std::lock_guard lock(mutex_);
    for (const tier_entry& each : tiers_)
        each.blocks->restart_peak();
    peak_bytes_ = warm_bytes();
    mapped_.peak = mapped_.in_use;
}

void pool_state::trim_idle() noexcept
{
    std::lock_guard lock(mutex_);
    for (const tier_entry& each : tiers_)
        each.blocks->cool_idle();
}

} // namespace weir::detail
