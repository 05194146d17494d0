#include "packing/packing.hpp"

#include <weir/error.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cassert>
#include <exception>
#include <new>
#include <utility>

namespace weir::codecs {

namespace asio = boost::asio;

/// One turn of a lane. Where it is dropped before it has run, the batch fails: nobody waits for ever.
class packing::turn {
public:
    turn(std::shared_ptr<packing> of, packing_lane& lane) noexcept : of_(std::move(of)), lane_(lane) {}
    turn(turn&&) noexcept = default;
    turn& operator=(turn&&) = delete;
    ~turn()
    {
        if (of_)
            of_->ended(lane_, why());
    }
    void operator()() { take_turn(std::exchange(of_, nullptr), lane_); }

private:
    /// It could not be posted, or the workers end.
    [[nodiscard]] std::exception_ptr why() const
    {
        if (std::uncaught_exceptions() > exceptions_)
            return std::make_exception_ptr(std::bad_alloc());
        return std::make_exception_ptr(error(errc::closed, "pack", "chunks"));
    }

    std::shared_ptr<packing> of_;
    packing_lane& lane_;
    int exceptions_ = std::uncaught_exceptions();
};

void packing::start_lanes(const std::shared_ptr<packing>& self)
{
    std::span<packing_lane> wanted;
    {
        const std::lock_guard lock(self->mutex_);
        wanted = std::span(self->lanes_).first(std::min(self->lanes_.size(), self->encoded_));
        self->running_ = wanted.size();
        if (!wanted.empty())
            self->idle_.reset();
    }
    for (packing_lane& each : wanted)
        post(self, each);
}

void packing::post(const std::shared_ptr<packing>& self, packing_lane& lane) noexcept
{
    try {
        asio::post(self->workers_.executor(), turn(self, lane));
    }
    catch (...) {
        // No memory: the turn that was dropped has failed the batch.
    }
}

void packing::take_turn(const std::shared_ptr<packing>& self, packing_lane& lane) noexcept
{
    std::exception_ptr failure;
    try {
        const worker_pool::task_scope task(self->workers_);
        if (lane.work(*self)) {
            post(self, lane);
            return;
        }
    }
    catch (...) {
        failure = std::current_exception();
    }
    self->ended(lane, std::move(failure));
}

void packing::ended(packing_lane& lane, std::exception_ptr failure) noexcept
{
    lane.leave(*this, failure != nullptr);
    std::unique_lock lock(mutex_);
    if (failure) {
        stopped_ = true;
        if (!failure_)
            failure_ = std::move(failure);
    }
    if (running_ == 1) {
        drop_unwanted(lock); // before anybody is told: its blocks are back then
        idle_.set();
    }
    --running_;
}

/// Nobody wants the batch any more.
void packing::abandon() noexcept
{
    std::unique_lock lock(mutex_);
    stopped_ = true;
    if (running_ == 0)
        drop_unwanted(lock); // else the last lane does
}

void packing::close() noexcept
{
    std::unique_lock lock(mutex_);
    stopped_ = true;
    closed_ = true;
    if (running_ == 0)
        drop_unwanted(lock); // else the last lane does
}

bool packing::remains::any() const noexcept
{
    return !records.empty() || !held.empty() || !lanes.empty() || memory.has_value();
}

/// \pre the lock is held, and no lane works
packing::remains packing::take_unwanted() noexcept
{
    remains out;
    out.held.swap(held_);
    if (stopped_) {
        out.records.swap(records_);
        count_ = 0;
    }
    if (closed_) {
        out.lanes.swap(lanes_);
        out.memory.swap(memory_);
    }
    return out;
}

/// Frees what nobody wants any more, without the lock: with a slice its owner may end, and come back here.
/// \pre no lane works
void packing::drop_unwanted(std::unique_lock<std::mutex>& lock) noexcept
{
    for (remains left = take_unwanted(); left.any(); left = take_unwanted()) {
        lock.unlock();
        left = {};
        lock.lock();
    }
}

packing_task packing::claim() noexcept
{
    const std::size_t next = next_.fetch_add(1, std::memory_order_relaxed);
    if (next >= count_)
        return {};
    return {&records_[next], &outcomes_[next]};
}

buffer packing::take_block()
{
    {
        const std::lock_guard lock(mutex_);
        if (!held_.empty()) {
            buffer out = std::move(held_.back());
            held_.pop_back();
            return out;
        }
    }
    std::optional<buffer> own = memory_->try_take_own();
    assert(own && "a chunk was admitted that does not fit");
    return std::move(own).value();
}

} // namespace weir::codecs
