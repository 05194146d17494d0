// The units of a stream on their way: dispatched by the producer, digested by the workers, taken by the consumer.

#include "pipeline.hpp"

#include <weir/error.hpp>
#include <weir/observer.hpp>
#include <weir/size.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace weir {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

namespace {

// One turn of a worker: about 2 ms of the slowest digest on slow cores, so that many streams share fairly.
constexpr std::size_t digest_turn_bytes = 3_MiB;

} // namespace

detail::unit* chunk_stream::pipeline::idle_unit()
{
    std::lock_guard lock(mutex_);
    if (idle_.empty() && units_.size() < units_.capacity()) {
        units_.push_back(std::make_unique<detail::unit>(hash_));
        return units_.back().get();
    }
    if (idle_.empty())
        return nullptr;
    detail::unit* const next = idle_.back();
    idle_.pop_back();
    return next;
}

/// One turn of a unit's digests. Where the workers end before it has run, the unit fails: nobody waits for ever.
class chunk_stream::pipeline::digest_task {
public:
    digest_task(std::shared_ptr<pipeline> of, detail::unit* target) noexcept : of_(std::move(of)), target_(target) {}
    digest_task(digest_task&&) noexcept = default;
    digest_task& operator=(digest_task&&) = delete;
    ~digest_task()
    {
        if (!of_)
            return;
        target_->failure = std::make_exception_ptr(error(errc::closed, "stream"));
        of_->digested(target_, false);
    }
    void operator()() { digest_turn(std::exchange(of_, nullptr), target_); }

private:
    std::shared_ptr<pipeline> of_;
    detail::unit* target_;
};

void chunk_stream::pipeline::dispatch(const std::shared_ptr<pipeline>& self)
{
    detail::unit* const full = std::exchange(self->open_, nullptr);
    ++self->dispatched_;
    {
        std::lock_guard lock(self->mutex_);
        self->queue_.push_back(full);
        ++self->digesting_;
    }
    post_digest(self, full);
}

void chunk_stream::pipeline::post_digest(const std::shared_ptr<pipeline>& self, detail::unit* target) noexcept
{
    target->posted = clock::now();
    try {
        asio::post(self->workers_.executor(), digest_task(self, target));
    }
    catch (...) {
        // No memory: the task that was dropped has failed the unit.
    }
}

void chunk_stream::pipeline::digest_turn(const std::shared_ptr<pipeline>& self, detail::unit* target)
{
    bool done = false;
    try {
        const worker_pool::task_scope task(self->workers_);
        self->stages.add_waiting(stage::digest, clock::now() - target->posted);
        const auto busy = self->stages.busy(stage::digest);
        timed_event turn(self->observer_, event_kind::stage, "digest", self->name_);
        const bool wanted = !self->cancelled();
        done = wanted && target->digest(digest_turn_bytes);
        turn.succeed(done ? target->size() : 0, done ? target->count() : 0); // with the last turn
        if (wanted && !done) {
            post_digest(self, target);
            return;
        }
    }
    catch (...) {
        target->failure = std::current_exception();
    }
    self->digested(target, done);
}

/// \param done  and not given up
void chunk_stream::pipeline::digested(detail::unit* target, bool done) noexcept
{
    if (done)
        stages.count(stage::digest, target->size(), target->count());
    bool first = false;
    bool none_left = false;
    bool last = false;
    {
        std::lock_guard lock(mutex_);
        target->digested = true;
        --digesting_;
        first = queue_.front()->digested;
        none_left = digesting_ == 0;
        last = producer_ == producer::ended && none_left;
    }
    if (first)
        ready.set();
    if (none_left)
        digests_ended_.set();
    if (last)
        drained.set();
}

asio::awaitable<void> chunk_stream::pipeline::finish_digests()
{
    for (;;) {
        digests_ended_.reset(); // before the look: what is set after it is not lost
        std::size_t left = 0;
        {
            std::lock_guard lock(mutex_);
            left = digesting_;
        }
        if (left == 0)
            break;
        co_await digests_ended_.async_wait(asio::use_awaitable);
    }
}

detail::unit* chunk_stream::pipeline::take(bool& ended)
{
    std::unique_lock lock(mutex_);
    if (refused_ != refusal::none)
        throw error(errc::closed, "stream", name_);
    if (!queue_.empty() && queue_.front()->digested) {
        detail::unit* const next = queue_.front();
        if (next->failure)
            std::rethrow_exception(next->failure);
        queue_.erase(queue_.begin());
        ++taken_;
        lent_at_ = clock::now();
        return lent_ = next;
    }
    ended = producer_ == producer::ended && queue_.empty();
    const std::exception_ptr failure = failure_;
    lock.unlock();
    if (ended)
        strike_off();
    if (ended && failure)
        std::rethrow_exception(failure);
    return nullptr;
}

void chunk_stream::pipeline::recycle(detail::unit* used) noexcept
{
    if (!used)
        return;
    const auto held = clock::now() - lent_at_; // written and read by the consumer
    stages.add_busy(stage::sink, held);
    stages.count(stage::sink, used->size(), used->count());
    if (observer_)
        observer_->on_event({.kind = event_kind::stage,
                             .operation = "sink",
                             .subject = name_,
                             .duration = held,
                             .bytes = used->size(),
                             .count = used->count()});
    used->clear();
    bool returned = false;
    {
        std::lock_guard lock(mutex_);
        lent_ = nullptr;
        idle_.push_back(used);
        returned = refused_ == refusal::abandoned;
    }
    room_.set();
    if (returned)
        returned_.set();
}

void chunk_stream::pipeline::drop_queue() noexcept
{
    std::lock_guard lock(mutex_);
    for (const auto& each : units_)
        if (each.get() != lent_)
            each->clear();
    queue_.clear();
}

} // namespace weir
