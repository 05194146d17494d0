#include <weir/engine.hpp>

#include "base/cgroup.hpp"
#include "flow/context_watch.hpp"
#include "flow/flow_ledger.hpp"
#include "flow/shutdown.hpp"

#include <weir/error.hpp>
#include <weir/size.hpp>

#include <algorithm>
#include <bit>
#include <limits>
#include <string>

#include <unistd.h>

namespace weir {
namespace {

constexpr std::size_t least_default_memory = 16_MiB;
constexpr std::size_t least_block = 16_KiB;
constexpr std::size_t most_block = 16_MiB;

/// The memory of the machine, or what the process's cgroup allows where that is less.
std::size_t available_memory()
{
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page = sysconf(_SC_PAGESIZE);
    const std::size_t all = pages > 0 && page > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(page)
                                                  : std::numeric_limits<std::size_t>::max();
    return static_cast<std::size_t>(std::min<std::uint64_t>(all, detail::cgroup_memory_bytes().value_or(all)));
}

void check_block_bytes(const engine_options& options)
{
    if (!std::has_single_bit(options.block_bytes) || options.block_bytes < least_block
        || options.block_bytes > most_block)
        throw error(errc::bad_configuration, "make engine", "block size", std::nullopt,
                    std::to_string(options.block_bytes) + " bytes is not a power of two from 16 KiB to 16 MiB");
}

/// What flows can have of a pool: the blocks of one tier, within the limit of all.
std::size_t memory_for_flows(const std::shared_ptr<buffer_pool>& pool, const engine_options& options)
{
    if (!pool)
        throw error(errc::bad_configuration, "make engine", "pool", std::nullopt, "there is none");
    check_block_bytes(options);
    for (const pool_tier& each : pool->options().tiers)
        if (each.block_bytes == options.block_bytes)
            return std::min(each.max_blocks, pool->options().max_bytes / each.block_bytes) * each.block_bytes;
    throw error(errc::bad_configuration, "make engine", "block size", std::nullopt,
                "the pool has no blocks of " + std::to_string(options.block_bytes) + " bytes");
}

std::shared_ptr<worker_pool> required(std::shared_ptr<worker_pool> workers)
{
    if (!workers)
        throw error(errc::bad_configuration, "make engine", "workers", std::nullopt, "there are none");
    return workers;
}

} // namespace

std::size_t default_memory_bytes(std::size_t workers)
{
    const std::size_t wanted = (16 + 32 * std::max<std::size_t>(workers, 1)) * 1_MiB;
    return std::max(std::min(wanted, available_memory() / 8), least_default_memory);
}

std::shared_ptr<buffer_pool> make_engine_pool(const engine_options& options)
{
    check_block_bytes(options);
    const std::size_t workers = options.workers.threads != 0 ? options.workers.threads : default_worker_count();
    const std::size_t limit = options.memory_bytes != 0 ? options.memory_bytes : default_memory_bytes(workers);
    const std::size_t blocks = limit / options.block_bytes;
    if (blocks == 0)
        throw error(errc::bad_configuration, "make engine", "memory limit", std::nullopt,
                    std::to_string(limit) + " bytes is less than one block of " + std::to_string(options.block_bytes));
    pool_options pool;
    pool.tiers = {{options.block_bytes, blocks}};
    pool.max_bytes = blocks * options.block_bytes;
    pool.huge_pages = true;
    return std::make_shared<buffer_pool>(pool);
}

engine::engine(boost::asio::any_io_executor executor, const engine_options& options)
    : engine(std::move(executor), make_engine_pool(options), std::make_shared<worker_pool>(options.workers),
             options)
{
}

engine::engine(boost::asio::any_io_executor executor, std::shared_ptr<buffer_pool> pool,
               std::shared_ptr<worker_pool> workers, const engine_options& options)
    : executor_(std::move(executor)),
      own_resources_(options.resources ? nullptr : std::make_unique<registry>(options.observer)),
      resources_(options.resources ? options.resources : own_resources_.get()), pool_(std::move(pool)),
      block_bytes_(options.block_bytes), memory_bytes_(memory_for_flows(pool_, options)),
      observer_(options.observer), stall_after_(options.stall_after),
      ledger_(std::make_shared<detail::flow_ledger>()), intake_(std::make_shared<detail::intake>()),
      trimmer_(std::make_shared<detail::pool_trimmer>(pool_)), workers_(required(std::move(workers))),
      watch_(std::make_unique<detail::context_watch>(
          boost::asio::query(executor_, boost::asio::execution::context), workers_))
{
    intake_entry_ = resources_->add(
        {.name = "engine", .phase = shutdown_phase::stop_accepting, .target = intake_, .counted = false});
    trimmer_entry_ = resources_->add(
        {.kind = resource_kind::pool_blocks, .name = "pool", .target = trimmer_, .counted = false});
}

engine::~engine() { ledger_->close(); }

flow_statistics engine::flows() const
{
    flow_statistics all = ledger_->sum();
    all.elapsed = std::chrono::steady_clock::now() - born_;
    return all;
}

bool engine::accepting() const noexcept { return intake_->open(); }

void engine::ensure_accepting(std::string_view operation, std::string_view subject) const
{
    if (!accepting())
        throw error(errc::closed, operation, subject);
}

} // namespace weir
