// One phase of registry::cleanup_all: at once, then in the usual way until the deadline, then by force.

#include <weir/cancel.hpp>
#include <weir/detail/async_event.hpp>
#include <weir/observer.hpp>

#include "registry_state.hpp"

#include <deque>

namespace weir {
namespace {

namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;

constexpr auto grace = std::chrono::milliseconds(100); // for cancelled releases to end

// The releases of one phase, side by side. Everything happens on one strand; it lives until the last of them has ended,
// which may be after cleanup_all has given up on it.
class release_group {
public:
    struct member {
        std::shared_ptr<cleanable> target;
        asio::cancellation_signal stop = {};
        bool ended = false;
        std::error_code outcome = {};
    };

    void add(std::shared_ptr<cleanable> target) { members_.emplace_back().target = std::move(target); }

    static void start(const std::shared_ptr<release_group>& self, const asio::any_io_executor& strand)
    {
        self->running_ = self->members_.size();
        for (member& each : self->members_) {
            auto at_end = [self, &each](const std::exception_ptr& failure) {
                each.ended = true;
                each.outcome = code_of(failure);
                if (--self->running_ == 0)
                    self->all_ended_.set();
            };
            asio::co_spawn(strand, each.target->release(),
                           asio::bind_cancellation_slot(each.stop.slot(), std::move(at_end)));
        }
    }

    /// \returns  whether all have ended
    [[nodiscard]] asio::awaitable<bool> wait(clock_type::time_point deadline)
    {
        if (running_ == 0)
            co_return true;
        result<void> outcome = co_await as_result(with_deadline(all_ended_.async_wait(asio::use_awaitable), deadline));
        if (!outcome && outcome.code() != errc::deadline_exceeded)
            outcome.value();
        co_return outcome.has_value();
    }

    void cancel()
    {
        for (member& each : members_)
            if (!each.ended)
                each.stop.emit(asio::cancellation_type::terminal);
    }

    [[nodiscard]] std::deque<member>& members() noexcept { return members_; }

private:
    std::deque<member> members_; // signals do not move
    std::size_t running_ = 0;
    detail::async_event all_ended_;
};

// However clean_up ends, no release goes on uncancelled.
struct cancel_at_exit {
    std::shared_ptr<release_group> group;
    ~cancel_at_exit() { group->cancel(); }
};

bool release_at_once(cleanable& target, observer* watcher, std::string_view phase)
{
    timed_event timing(watcher, event_kind::cleanup, "release at once", phase);
    const bool gone = target.release_now();
    timing.succeed(0, gone ? 1 : 0);
    return gone;
}

bool release_by_force(cleanable& target, observer* watcher, std::string_view phase)
{
    timed_event timing(watcher, event_kind::cleanup, "release by force", phase);
    const bool gone = target.force_release();
    timing.succeed(0, gone ? 1 : 0);
    return gone;
}

} // namespace

cleanable::~cleanable() = default;

bool cleanable::release_now() noexcept
{
    return false;
}

asio::awaitable<void> cleanable::release()
{
    force_release();
    co_return;
}

asio::awaitable<cleanup_counts> clean_up(std::vector<std::shared_ptr<cleanable>> targets,
                                         clock_type::time_point deadline, observer* watcher, std::string_view phase)
{
    cleanup_counts counts;
    const asio::any_io_executor strand = co_await asio::this_coro::executor;
    const auto group = std::make_shared<release_group>();
    const cancel_at_exit stopper{group};
    timed_event timing(watcher, event_kind::cleanup, "clean up", phase);
    counts.immediate = std::erase_if(targets, [&](auto& each) { return release_at_once(*each, watcher, phase); });
    for (std::shared_ptr<cleanable>& each : targets)
        group->add(std::move(each));

    if (clock_type::now() < deadline) {
        release_group::start(group, strand);
        const bool in_time = co_await group->wait(deadline);
        if (!in_time) {
            group->cancel();
            co_await group->wait(clock_type::now() + grace);
        }
    }
    for (release_group::member& each : group->members()) {
        counts.failures += each.outcome && each.outcome != condition::cancelled;
        if (each.ended && !each.outcome)
            ++counts.background;
        else if (release_by_force(*each.target, watcher, phase))
            ++counts.forced;
        else
            ++counts.unfinished;
    }
    timing.succeed(0, counts.immediate + counts.background + counts.forced);
    co_return counts;
}

} // namespace weir
