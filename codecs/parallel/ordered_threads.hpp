#pragma once
// Several threads that all do the same: take the next item, work on it, pass on what is next.
//
//   taken in turn -> slot -> worked on by whoever took it -> passed on in order by whoever has the next
//
// No thread hands an item to another but to pass it on, so items stay in the cache of their core. The slots are a ring:
// an item is taken only when there is one for it, so that one slow item cannot pile up those behind it.

#include <weir/codec_settings.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace weir::codecs {

/// So many items are there at a time: one for each thread, and half as many again that wait for those before them.
[[nodiscard]] constexpr std::size_t slots_for(std::size_t threads) noexcept { return threads + (threads + 1) / 2; }

/// The number of threads that is meant; 0: `default_worker_count()`.
/// \throws weir::error  `errc::bad_configuration`: more than 1024
[[nodiscard]] std::size_t thread_count(codec which, std::size_t threads);

/// Memory of a slot, which grows to what its items need.
class slot_memory {
public:
    [[nodiscard]] std::span<std::byte> take(std::size_t bytes)
    {
        if (bytes > size_) {
            memory_.reset();
            memory_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
            size_ = bytes;
        }
        return {memory_.get(), bytes};
    }

private:
    std::unique_ptr<std::byte[]> memory_;
    std::size_t size_ = 0;
};

/// `Task` has
///   item             what lies in a slot; used again for later ones
///   take(item&)      makes it the next; false: there is no other. By one thread at a time.
///   make_worker()    of each thread
///   work(worker, item&)
///   pass_on(item&)   in order, by one thread at a time
/// What one of them throws ends all of it.
template <class Task> class ordered_threads {
public:
    ordered_threads(Task& task, std::size_t threads) : task_(task), slots_(slots_for(threads)), threads_(threads) {}

    /// Starts and ends `threads - 1` threads. \throws  what was thrown first
    void run()
    {
        {
            std::vector<std::jthread> others;
            start(others);
            work();
        }
        if (failure_)
            std::rethrow_exception(failure_);
    }

private:
    struct slot {
        typename Task::item item;
        std::uint64_t number = 0;
        bool is_done = false;
    };

    void start(std::vector<std::jthread>& others)
    {
        others.reserve(threads_ - 1);
        try {
            while (others.size() + 1 < threads_)
                others.emplace_back([this] { work(); });
        }
        catch (const std::system_error&) { // there may be no more of them: fewer do it too
        }
        catch (const std::bad_alloc&) {
        }
    }

    void work() noexcept
    {
        try {
            const auto worker = task_.make_worker();
            while (slot* const next = take_next()) {
                task_.work(*worker, next->item);
                pass_on_from(*next);
            }
        }
        catch (...) {
            fail(std::current_exception());
        }
    }

    /// Null at the end, or when another thread has failed.
    slot* take_next()
    {
        const std::lock_guard taking(taking_);
        if (is_whole_ || !wait_for_slot())
            return nullptr;
        slot& next = slots_[taken_ % slots_.size()];
        is_whole_ = true; // also where it throws: nobody asks again
        is_whole_ = !task_.take(next.item);
        if (is_whole_)
            return nullptr;
        next.number = taken_++;
        return &next;
    }

    bool wait_for_slot()
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return failure_ || taken_ < passed_on_ + slots_.size(); });
        return !failure_;
    }

    /// Passes this on, if it is the next, and those behind it that are done.
    void pass_on_from(slot& ready)
    {
        std::unique_lock lock(mutex_);
        ready.is_done = true;
        if (ready.number != passed_on_)
            return; // who passes on the one before it does it
        for (slot* next = &ready; next->is_done && !failure_; next = &slots_[passed_on_ % slots_.size()]) {
            lock.unlock();
            task_.pass_on(next->item);
            lock.lock();
            next->is_done = false;
            ++passed_on_;
            changed_.notify_all();
        }
    }

    void fail(std::exception_ptr why) noexcept
    {
        {
            const std::lock_guard lock(mutex_);
            if (!failure_)
                failure_ = std::move(why);
        }
        changed_.notify_all();
    }

    Task& task_;
    std::vector<slot> slots_; // each: whoever took it, until it is done, then whoever passes it on
    const std::size_t threads_;

    std::mutex taking_; // for what follows; locked before the other
    bool is_whole_ = false;
    std::uint64_t taken_ = 0;

    std::mutex mutex_; // for what follows
    std::condition_variable changed_;
    std::uint64_t passed_on_ = 0;
    std::exception_ptr failure_;
};

} // namespace weir::codecs
