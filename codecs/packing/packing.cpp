#include "packing/packing.hpp"

#include <weir/as_result.hpp>
#include <weir/detail/run_on.hpp>
#include <weir/error.hpp>

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <string>
#include <utility>

namespace weir::codecs {

namespace asio = boost::asio;

namespace {

constexpr std::size_t most_spare_records = 4;

[[noreturn]] void refuse(const char* option, const std::string& why)
{
    throw error(errc::bad_configuration, "set", option, std::nullopt, why);
}

const chunk_compression_options& checked(const chunk_compression_options& options)
{
    if (options.settings.threads != 0)
        refuse_setting(options.codec, "threads", "a compressor works on those of its engine");
    if (!(options.least_saving >= 0 && options.least_saving < 1))
        refuse("least_saving", std::to_string(options.least_saving) + "; from 0 to below 1 is possible");
    if (options.batch_bytes == 0 || options.batch_bytes > std::numeric_limits<std::size_t>::max() / 2)
        refuse("batch_bytes", std::to_string(options.batch_bytes));
    return options;
}

std::shared_ptr<context_pool> contexts_of(const chunk_compression_options& options)
{
    codec_pool& pool = options.contexts ? *options.contexts : codec_pool::common();
    const std::shared_ptr<context_pool>& contexts = pool.contexts();
    contexts->give_back(options.codec, options.settings, contexts->take(options.codec, options.settings)); // or throws
    return contexts;
}

} // namespace

packing::packing(engine& owner, const chunk_compression_options& options)
    : options_(checked(options)), contexts_(contexts_of(options)), block_bytes_(owner.block_bytes()),
      blocks_(compression_blocks(owner, options)), workers_(owner.workers()), pool_(owner.pool()),
      resources_(owner.resources()), lanes_(owner.workers().size())
{
    owner.ensure_accepting("make", "chunk compressor");
    spare_records_.reserve(most_spare_records);
    if (blocks_ == 0)
        return;
    if (std::optional<reservation> granted = pool_.try_reserve(blocks_, block_bytes_))
        adopt(std::move(*granted));
}

void packing::adopt(reservation granted)
{
    granted.keep_registered(resources_.add({.kind = resource_kind::reservation,
                                            .name = "chunk compressor",
                                            .bytes = blocks_ * block_bytes_}));
    const std::lock_guard lock(mutex_);
    ensure_open();
    memory_ = std::move(granted);
}

asio::awaitable<void> packing::prepare(std::shared_ptr<packing> self)
{
    if (self->memory_ || self->blocks_ == 0)
        co_return;
    reservation granted = co_await self->pool_.async_reserve(self->blocks_, self->block_bytes_, asio::use_awaitable);
    self->adopt(std::move(granted));
}

reservation& packing::memory()
{
    {
        const std::lock_guard lock(mutex_);
        ensure_open();
        if (memory_)
            return *memory_;
    }
    std::optional<reservation> granted = pool_.try_reserve(blocks_, block_bytes_);
    if (!granted)
        throw error(errc::exhausted, "reserve", "chunk compressor", std::nullopt, "prepare() waits for it");
    adopt(std::move(*granted));
    return *memory_;
}

/// \pre the lock is held
void packing::ensure_open() const
{
    if (closed_)
        throw error(errc::closed, "pack", "chunks", std::nullopt, "the compressor has ended");
}

bool packing::reaches_threshold(std::size_t size) const noexcept
{
    return size >= options_.threshold_bytes && options_.codec != codec::identity && size > 0 && most_bytes(size) > 0;
}

std::size_t packing::most_bytes(std::size_t size) const noexcept
{
    const auto saved = static_cast<std::size_t>(std::ceil(static_cast<double>(size) * options_.least_saving));
    return size - std::clamp<std::size_t>(saved, 1, size);
}

/// How many of the first chunks are sure to fit into the blocks that are here, whichever lane gets which: the last
/// block of each lane at work may stay nearly empty, all else is filled.
std::size_t packing::admitted(std::span<const chunk> chunks, std::size_t held_blocks) const
{
    std::size_t here = held_blocks;
    std::size_t lanes = 0;
    {
        const std::lock_guard lock(mutex_);
        lanes = lanes_.size();
        here += memory_ ? memory_->free_blocks() : 0;
    }
    std::size_t needed = 0;
    std::size_t encoded = 0;
    std::size_t count = 0;
    for (const chunk& each : chunks) {
        if (each.size() > options_.batch_bytes)
            break;
        if (reaches_threshold(each.size())) {
            needed += most_bytes(each.size());
            const std::size_t last_blocks = std::min(lanes, ++encoded);
            if (here < last_blocks || needed > (here - last_blocks) * block_bytes_)
                break;
        }
        ++count;
    }
    return count;
}

/// The end of a call that does not get its batch, also where its frame is destroyed with its executor.
class packing::departure {
public:
    explicit departure(packing& of) noexcept : of_(&of) {}
    departure(const departure&) = delete;
    departure& operator=(const departure&) = delete;
    ~departure()
    {
        if (of_)
            of_->abandon();
    }
    void cancel() noexcept { of_ = nullptr; }

private:
    packing* of_;
};

asio::awaitable<packed_batch> packing::pack(std::shared_ptr<packing> self, std::span<const chunk> chunks)
{
    packing& core = *self;
    if (chunks.empty())
        co_return packed_batch();
    if (chunks.front().size() > core.options_.batch_bytes)
        throw error(errc::invalid_size, "pack", "chunk", chunks.front().offset,
                    std::to_string(chunks.front().size()) + " bytes are more than batch_bytes");
    co_await until_idle(self); // a call may have been left in the middle
    std::vector<buffer> held;
    std::size_t count = core.admitted(chunks, 0);
    while (count == 0) {
        buffer next = co_await core.memory().async_take(asio::use_awaitable);
        held.push_back(std::move(next));
        count = core.admitted(chunks, held.size());
    }
    departure leaving(core); // before it has anything: every co_await may throw, of one who was cancelled
    core.begin(chunks.first(count), std::move(held));
    if (core.encoded_ != 0) {
        const asio::any_io_executor here = co_await asio::this_coro::executor;
        const auto control = std::make_shared<detail::child_control>(here);
        result<void> encoded
            = co_await detail::async_run_child(control, until_encoded(self), asio::use_awaitable);
        std::move(encoded).value();
    }
    packed_batch out = core.finish(self);
    leaving.cancel();
    co_return out;
}

/// Takes copies of the chunks: the lanes may be at it still when the caller, and all that it had, is gone.
void packing::begin(std::span<const chunk> chunks, std::vector<buffer> held)
{
    std::vector<packed_chunk> records = spare_records();
    if (records.size() < chunks.size())
        records.resize(chunks.size());
    outcomes_.assign(chunks.size(), packing_outcome::below_threshold);
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        packed_chunk& record = records[i];
        record.digest = chunks[i].digest;
        record.offset = chunks[i].offset;
        record.size = chunks[i].size();
        record.codec = codec::identity;
        record.content = chunks[i].content;
    }
    const std::lock_guard lock(mutex_);
    ensure_open();
    records_.swap(records);
    held_.swap(held);
    failure_ = nullptr;
    count_ = chunks.size();
    encoded_ = static_cast<std::size_t>(
        std::ranges::count_if(chunks, [this](const chunk& each) { return reaches_threshold(each.size()); }));
    next_ = 0;
    stopped_ = false;
}

std::vector<packed_chunk> packing::spare_records()
{
    const std::lock_guard lock(mutex_);
    if (spare_records_.empty())
        return {};
    std::vector<packed_chunk> out = std::move(spare_records_.back());
    spare_records_.pop_back();
    return out;
}

/// Waits for all lanes, whatever happens; as a child of the caller, whose own state of cancellation stays as it is.
asio::awaitable<void> packing::until_encoded(std::shared_ptr<packing> self)
{
    start_lanes(self);
    const result<void> waited = co_await as_result(until_idle(self));
    if (waited)
        co_return;
    self->abandon();
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await until_idle(self);
    waited.value();
}

asio::awaitable<void> packing::until_idle(std::shared_ptr<packing> self)
{
    while (!self->idle())
        co_await self->idle_.async_wait(asio::use_awaitable);
}

bool packing::idle() const
{
    const std::lock_guard lock(mutex_);
    return running_ == 0;
}

packed_batch packing::finish(const std::shared_ptr<packing>& self)
{
    const std::lock_guard lock(mutex_);
    if (const std::exception_ptr failure = std::exchange(failure_, nullptr))
        std::rethrow_exception(failure);
    ensure_open();
    count_outcomes();
    packed_batch out;
    out.origin_ = self;
    out.count_ = std::exchange(count_, 0);
    out.records_ = std::exchange(records_, {});
    return out;
}

/// \pre the lock is held
void packing::count_outcomes()
{
    const auto add = [](chunk_tally& to, std::size_t size) {
        ++to.chunks;
        to.bytes += size;
    };
    chunk_compression_statistics& all = statistics_;
    chunk_tally* const tallies[] = {&all.compressed, &all.below_threshold, &all.by_sample, &all.by_trial};
    for (std::size_t i = 0; i < count_; ++i) {
        add(all.in, records_[i].size);
        add(*tallies[static_cast<std::size_t>(outcomes_[i])], records_[i].size);
        all.bytes_out += records_[i].content.size();
    }
}

chunk_compression_statistics packing::statistics() const
{
    const std::lock_guard lock(mutex_);
    return statistics_;
}

void packing::recycle(std::vector<packed_chunk> records, std::size_t count) noexcept
{
    for (packed_chunk& each : std::span(records).first(count))
        each.content.clear();
    const std::lock_guard lock(mutex_);
    if (spare_records_.size() < most_spare_records)
        spare_records_.push_back(std::move(records)); // there is capacity
}

} // namespace weir::codecs
