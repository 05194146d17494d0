#include <weir/buffer_pool.hpp>

#include "memory/pool_state.hpp"

#include <weir/detail/periodic_task.hpp>
#include <weir/error.hpp>

#include <string>

namespace weir {
namespace detail {

void start_acquire(std::shared_ptr<pool_state> pool, std::size_t bytes, deadline limit, buffer_completion done)
{
    pool->start_acquire(bytes, limit, std::move(done));
}

void start_reserve(std::shared_ptr<pool_state> pool, std::size_t blocks, std::size_t block_bytes, deadline limit,
                   reservation_completion done)
{
    pool->start_reserve(blocks, block_bytes, limit, std::move(done));
}

} // namespace detail

buffer_pool::buffer_pool(pool_options options) : state_(std::make_shared<detail::pool_state>(std::move(options)))
{
    if (const std::chrono::milliseconds interval = state_->options().idle_trim; interval.count() > 0)
        trimmer_ = std::make_unique<detail::periodic_task>(interval, [pool = state_.get()] { pool->trim_idle(); });
}

buffer_pool::~buffer_pool()
{
    trimmer_.reset();
    state_->close();
}

const pool_options& buffer_pool::options() const noexcept { return state_->options(); }

std::optional<buffer> buffer_pool::try_acquire(std::size_t bytes) { return state_->try_acquire(bytes); }

buffer buffer_pool::acquire_now(std::size_t bytes)
{
    std::optional<buffer> got = state_->try_acquire(bytes);
    if (!got)
        throw error(errc::exhausted, "acquire", "buffer", std::nullopt, std::to_string(bytes) + " bytes");
    return std::move(*got);
}

std::optional<reservation> buffer_pool::try_reserve(std::size_t blocks, std::size_t block_bytes)
{
    return state_->try_reserve(blocks, block_bytes);
}

void buffer_pool::ensure_can_reserve(std::size_t blocks, std::size_t block_bytes) const
{
    state_->ensure_can_reserve(blocks, block_bytes);
}

std::size_t buffer_pool::shrink() { return state_->shrink(); }
void buffer_pool::clear() { state_->clear(); }
pool_statistics buffer_pool::statistics() const { return state_->statistics(); }
bool buffer_pool::check() const { return state_->check(); }

} // namespace weir
