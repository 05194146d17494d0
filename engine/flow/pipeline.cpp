#include "pipeline.hpp"

#include <weir/error.hpp>
#include <weir/observer.hpp>
#include <weir/size.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cassert>

namespace weir {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

namespace {

// A unit costs two wake-ups, 8 to 14 us in all, so it has about as much as one turn of a worker.
constexpr std::size_t enough_unit_bytes = 2_MiB;
constexpr std::size_t most_unit_chunks = 1024;
constexpr auto producer_turn = std::chrono::milliseconds(2);
// How long cut bytes wait for more to be digested with, while the source has none.
constexpr auto flush_after = std::chrono::milliseconds(2);
// Units beside those that each worker digests: one is filled, one is with the consumer.
constexpr std::size_t spare_units = 2;
// Reads of this many average chunks: a minimum of 64 bytes would otherwise make 16,384 chunk records of one read.
constexpr std::size_t most_chunks_a_read = 1024;
constexpr auto longest_stall = std::chrono::hours(24 * 365); // a timer can wait for it

} // namespace

chunker_options chunker_for(const chunker_options& chunker, const std::optional<chunk_size_table>& table,
                            std::optional<std::uint64_t> size)
{
    chunker_options out = chunker;
    if (table)
        out.average = table->average_for(size);
    return resolve(out);
}

std::size_t required_memory_bytes(const chunker_options& chunker, std::size_t read_ahead_blocks,
                                  std::size_t block_bytes)
{
    // Below `max` bytes a chunk in progress lies in at most one block more than its size says, or it is gathered;
    // besides there is the block that the source fills, and the one to gather in.
    const std::size_t chunk_blocks = (resolve(chunker).max + block_bytes - 1) / block_bytes;
    return (chunk_blocks + read_ahead_blocks + 3) * block_bytes;
}

chunk_stream::pipeline::pipeline(engine& owner, std::unique_ptr<source> input, const stream_options& options)
    : workers_(owner.workers()), pool_(owner.pool()), observer_(owner.observer()),
      stall_after_(std::min<std::chrono::milliseconds>(owner.stall_after(), longest_stall)),
      resources_(owner.resources()), ledger_(owner.ledger()), name_(input->name()), block_bytes_(owner.block_bytes()),
      hash_(options.hash), source_(std::move(input)),
      builder_(chunker_for(options.chunker, options.sizes, source_->size()), block_bytes_)
{
    const std::size_t least = required_memory_bytes(sizes(), 0, block_bytes_);
    if (least > owner.memory_bytes())
        throw error(errc::pool_too_small, "stream", source_->name(), std::nullopt,
                    std::to_string(least) + " bytes are needed for chunks of up to " + std::to_string(sizes().max)
                        + ", the limit is " + std::to_string(owner.memory_bytes()));
    const std::size_t spare_blocks = (owner.memory_bytes() - least) / block_bytes_;
    memory_blocks_ = least / block_bytes_ + std::min(source_->read_ahead_blocks(), spare_blocks);
    const std::size_t workers = workers_.size();
    units_.reserve(workers + spare_units);
    idle_.reserve(workers + spare_units);
    queue_.reserve(workers + spare_units);
    units_.push_back(std::make_unique<detail::unit>(hash_));
    idle_.push_back(units_.back().get());

    read_bytes_ = std::clamp(sizes().average * most_chunks_a_read, 64_KiB, 1_MiB);
    // At least so many that the lanes stay full while the longest messages end; less where memory is short.
    unit_chunks_ = std::max<std::size_t>(2 * units_.front()->hasher().lanes(), 8);
    // One is filled while the others are digested: the fewer chunks a unit has, the fewer lanes are full.
    unit_bytes_ = std::max(owner.memory_bytes() / std::max<std::size_t>(workers, 2), block_bytes_);
    stages.set_width(stage::digest, workers);
}

/// An engine that ends destroys the producer where it is suspended, or before it has begun; the consumer must learn of
/// it all the same. So this is a parameter of the coroutine, which dies with its frame in any case.
class chunk_stream::pipeline::last_word {
public:
    explicit last_word(std::shared_ptr<pipeline> of) noexcept : of_(std::move(of)) {}
    last_word(last_word&&) noexcept = default;
    last_word& operator=(last_word&&) = delete;
    ~last_word()
    {
        if (of_)
            of_->end(std::make_exception_ptr(error(errc::closed, "stream")));
    }
    void say(std::exception_ptr failure) noexcept { std::exchange(of_, nullptr)->end(std::move(failure)); }

private:
    std::shared_ptr<pipeline> of_;
};

void chunk_stream::pipeline::start(const std::shared_ptr<pipeline>& self)
{
    const auto signal = std::make_shared<asio::cancellation_signal>();
    {
        std::lock_guard lock(self->mutex_); // a clean-up may cancel from now on
        assert(self->producer_ == producer::unstarted);
        self->started_at_ = clock::now();
        if (self->ledger_->closed()) // the engine has ended, and its workers with it
            self->refused_ = refusal::abandoned;
        if (self->refused_ != refusal::none) {
            self->producer_ = producer::ended;
            return;
        }
        self->producer_ = producer::posted;
        self->signal_ = signal;
        self->strand_.emplace(asio::make_strand(self->workers_.executor()));
    }
    const auto strand = *self->strand_; // nothing ends it before it has begun
    asio::co_spawn(strand, run(self, last_word(self)),
                   asio::bind_cancellation_slot(signal->slot(), [signal](const std::exception_ptr&) {}));
}

asio::awaitable<void> chunk_stream::pipeline::run(std::shared_ptr<pipeline> self, last_word word)
{
    self->begin();
    std::exception_ptr failure;
    try {
        co_await self->produce(self);
    }
    catch (...) {
        failure = std::current_exception();
    }
    self->reading_ = false; // a flush that is still queued does nothing
    // What was cut before an error comes before it.
    if (self->open_ && !self->open_->empty() && !self->cancelled())
        dispatch(self);
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    try {
        // A source may be able to say only now whether what was seen of it was so: a file that is mapped.
        co_await self->finish_digests();
        co_await self->source_->close();
    }
    catch (...) {
        if (!failure)
            failure = std::current_exception();
    }
    word.say(std::move(failure));
}

/// From now on a cancellation is told to the coroutine; what came before is seen by `produce`.
void chunk_stream::pipeline::begin()
{
    std::lock_guard lock(mutex_);
    producer_ = producer::running;
}

asio::awaitable<void> chunk_stream::pipeline::produce(const std::shared_ptr<pipeline>& self)
{
    if (cancelled())
        throw error(errc::closed, "stream", name_);
    const std::size_t needed = memory_blocks_ * block_bytes_;
    {
        const auto waiting = stages.waiting(stage::read);
        timed_event wait(observer_, event_kind::acquire, "reserve", name_);
        reservation granted
            = co_await pool_.async_reserve(memory_blocks_, block_bytes_, asio::use_awaitable);
        memory_.emplace(std::move(granted));
        memory_->keep_registered(
            resources_.add({.kind = resource_kind::reservation, .name = name_, .bytes = needed}));
        wait.succeed(needed, memory_blocks_);
    }

    flush_alarm_.emplace(*strand_, [this] { flush_if_late(shared_from_this()); });
    if (observer_ && stall_after_.count() > 0) {
        stall_alarm_.emplace(*strand_, [this] { look_for_stall(); });
        stall_alarm_->set(stall_after_);
    }
    clock::time_point turn = clock::now();
    for (;;) {
        flush_when_reading_waits(self);
        reading_ = true;
        // Before the source can take the last block; and what could not be gathered for want of one is gathered now.
        do {
            (void)co_await builder_.spare(*memory_);
            builder_.gather(*memory_);
        } while (builder_.scattered());
        bytes piece = co_await read_source();
        reading_ = false;
        if (piece.empty())
            break;
        co_await ensure_open_unit();
        cut(piece);
        piece.clear();
        if (open_unit_is_full())
            dispatch(self);
        if (clock::now() - turn > producer_turn) {
            co_await asio::post(*strand_, asio::use_awaitable);
            turn = clock::now();
        }
    }

    co_await ensure_open_unit();
    const std::size_t chunks = open_->count(), size = open_->size();
    builder_.finish(*open_);
    stages.count(stage::cut, open_->size() - size, open_->count() - chunks);
}

asio::awaitable<void> chunk_stream::pipeline::ensure_open_unit()
{
    while (!open_) {
        room_.reset();
        if ((open_ = idle_unit()))
            break;
        const auto waiting = stages.waiting(stage::cut);
        waits_for_room_ = true;
        co_await room_.async_wait(asio::use_awaitable);
        waits_for_room_ = false;
    }
}

bool chunk_stream::pipeline::open_unit_is_full() const noexcept
{
    const std::size_t count = open_->count(), size = open_->size();
    return size >= unit_bytes_ || count >= most_unit_chunks || (count >= unit_chunks_ && size >= enough_unit_bytes);
}

/// A source that has the next bytes at hand does not suspend, so the strand stays taken and this handler runs late,
/// when the producer is not reading. Where it does run in the middle of a read, the source waits, and what was cut must
/// not wait with it for ever: it keeps slow streams prompt, and lets blocks return that the source may be waiting for.
/// But not at once either: a unit of few chunks leaves most lanes of the hasher empty, and a stream that is read as
/// fast as it is digested waits all the time.
void chunk_stream::pipeline::flush_when_reading_waits(const std::shared_ptr<pipeline>& self)
{
    if (flush_posted_ || !open_ || open_->empty())
        return;
    flush_posted_ = true;
    asio::post(*strand_, [self] {
        self->flush_posted_ = false;
        if (!self->reading_ || !self->open_ || self->open_->empty())
            return;
        if (self->memory_->waited() > self->starved_) // the source waits for a block
            return dispatch(self);
        if (self->flush_alarm_->set(flush_after))
            self->late_unit_ = self->dispatched_;
    });
}

/// A newer unit than the alarm was set for gets its time too.
void chunk_stream::pipeline::flush_if_late(const std::shared_ptr<pipeline>& self)
{
    if (!reading_ || !open_ || open_->empty())
        return;
    if (late_unit_ == dispatched_)
        return dispatch(self);
    late_unit_ = dispatched_;
    flush_alarm_->set(flush_after);
}

void chunk_stream::pipeline::cut(const bytes& piece)
{
    const auto busy = stages.busy(stage::cut);
    const worker_pool::task_scope task(workers_);
    timed_event turn(observer_, event_kind::stage, "cut", name_);
    const std::size_t chunks = open_->count(), size = open_->size();
    stages.count(stage::read, piece.size());
    builder_.add(piece, *open_);
    stages.count(stage::cut, open_->size() - size, open_->count() - chunks);
    turn.succeed(piece.size(), open_->count() - chunks);
}

void chunk_stream::pipeline::end(std::exception_ptr failure) noexcept
{
    builder_.drop();
    source_.reset();
    memory_.reset();
    stall_alarm_.reset();
    flush_alarm_.reset();
    if (observer_) {
        event told{.kind = event_kind::flow, .operation = "stream", .subject = name_};
        told.duration = clock::now() - started_at_;
        told.outcome = code_of(failure);
        told.bytes = builder_.position();
        told.count = builder_.count();
        observer_->on_event(told);
    }
    bool last = false;
    {
        std::lock_guard lock(mutex_);
        producer_ = producer::ended;
        strand_.reset();
        failure_ = std::move(failure);
        last = digesting_ == 0;
    }
    ready.set();
    if (last)
        drained.set();
}

void chunk_stream::pipeline::cancel(const std::shared_ptr<pipeline>& self)
{
    std::lock_guard lock(self->mutex_); // while it is held the producer cannot end, nor the workers
    const producer now = self->producer_;
    if (now == producer::unstarted || now == producer::ended || self->cancelled_)
        return;
    self->cancelled_ = true;
    // Boost 1.81's co_spawn throws out of run() where a coroutine is cancelled before its first line.
    if (now != producer::running)
        return;
    asio::post(*self->strand_, [weak = self->signal_] {
        if (const auto signal = weak.lock())
            signal->emit(asio::cancellation_type::terminal);
    });
}

bool chunk_stream::pipeline::cancelled() const
{
    std::lock_guard lock(mutex_);
    return cancelled_;
}

bool chunk_stream::pipeline::started() const
{
    std::lock_guard lock(mutex_);
    return producer_ != producer::unstarted;
}

bool chunk_stream::pipeline::finished() const
{
    std::lock_guard lock(mutex_);
    return producer_ == producer::unstarted || (producer_ == producer::ended && digesting_ == 0);
}

std::string chunk_stream::pipeline::kernels() const
{
    return "cut=" + std::string(builder_.chunker().kernel()) + " digest=" + std::string(units_.front()->hasher().kernel());
}

flow_statistics chunk_stream::pipeline::statistics() const noexcept
{
    flow_statistics out = meter();
    if (started())
        out.elapsed = clock::now() - started_at_;
    return out;
}

flow_statistics chunk_stream::pipeline::meter() const noexcept
{
    return detail::digested_so_far(stages.snapshot());
}

} // namespace weir
