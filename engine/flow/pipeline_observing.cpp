// What an observer learns of a stream besides its turns: who holds it up.

#include "pipeline.hpp"

#include <weir/observer.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace weir {

namespace asio = boost::asio;

/// Reads, and says how long that took: without the time in which the source waited for memory, which is not its fault.
asio::awaitable<bytes> chunk_stream::pipeline::read_source()
{
    using clock = stage_clock::clock;
    const clock::time_point started = clock::now();
    const std::chrono::nanoseconds starved = memory_->waited();
    stages.add_waiting(stage::read, starved - std::exchange(starved_, starved)); // before this read
    timed_event told(observer_, event_kind::read, "read", name_);
    try {
        bytes piece = co_await source_->read(*memory_, read_bytes_);
        starved_ = memory_->waited();
        stages.add_waiting(stage::read, starved_ - starved);
        stages.add_busy(stage::read, clock::now() - started - (starved_ - starved));
        told.succeed(piece.size(), 1);
        co_return piece;
    }
    catch (...) {
        told.fail(code_of(std::current_exception()));
        throw;
    }
}

/// The stage that the producer waits for, if it waits.
std::optional<stage> chunk_stream::pipeline::held_up_by(bool starved) const
{
    if (!starved && !waits_for_room_)
        return reading_ ? std::optional(stage::read) : std::nullopt;
    std::lock_guard lock(mutex_);
    const bool digests = digesting_ != 0 && lent_ == nullptr && (queue_.empty() || !queue_.front()->digested);
    return digests ? stage::digest : stage::sink; // also where the consumer keeps chunks of units it gave back
}

/// On the strand, every `stall_after`. Tells once of each stall.
void chunk_stream::pipeline::look_for_stall() noexcept
{
    stall_alarm_->set(stall_after_);
    progress now{builder_.position(), 0, memory_->waited()};
    {
        std::lock_guard lock(mutex_);
        now.taken = taken_;
    }
    const progress before = std::exchange(seen_, now);
    if (now.position != before.position || now.taken != before.taken) {
        stalled_for_ = {};
        stall_told_ = false;
        return;
    }
    stalled_for_ += stall_after_;
    const bool starved = now.starved - before.starved > stall_after_ / 2;
    const std::optional<stage> slow = held_up_by(starved);
    if (stall_told_ || !slow)
        return;
    stall_told_ = true;
    observer_->on_event({.kind = event_kind::stalled,
                         .operation = to_string(*slow),
                         .subject = name_,
                         .duration = stalled_for_,
                         .bytes = builder_.position()});
}

} // namespace weir
