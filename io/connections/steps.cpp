// Creating, checking, recycling and closing: what takes time and runs as a coroutine on the pool's executor.

#include <weir/detail/connection_core.hpp>

#include <weir/as_result.hpp>
#include <weir/cancel.hpp>
#include <weir/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cassert>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;

namespace {

/// `work`, for no longer than `limit`.
asio::awaitable<void> limited(asio::awaitable<void> work, connection_pool_options::duration limit,
                              std::string_view operation)
{
    if (limit == connection_pool_options::unlimited)
        return work;
    return with_deadline(std::move(work), later(connection_core::clock::now(), limit), operation);
}

/// Whether a connection that is closed for this reason can still take part in it.
bool in_good_order(close_reason reason) noexcept
{
    return reason != close_reason::broken && reason != close_reason::unhealthy && reason != close_reason::not_recycled;
}

/// When a connection that was made at `birth` is too old.
connection_core::clock::time_point expiry(connection_core::clock::time_point birth,
                                          connection_pool_options::duration most, double shorter_by)
{
    if (most == connection_pool_options::unlimited)
        return connection_core::clock::time_point::max();
    const auto cut = std::chrono::duration<double>(most).count() * shorter_by;
    return later(
        birth, most - std::chrono::duration_cast<connection_core::clock::duration>(std::chrono::duration<double>(cut)));
}

} // namespace

/// The duty to say how a step ended. Dropped, it says that the step will never end: its executor is no more.
class connection_core::claim {
public:
    claim(std::shared_ptr<connection_core> core, connection_entry& entry) noexcept
        : core_(std::move(core)), entry_(entry)
    {}
    claim(const claim&) = delete;
    claim& operator=(const claim&) = delete;
    ~claim()
    {
        if (core_)
            core_->step_lost(entry_);
    }

    [[nodiscard]] connection_core& core() const noexcept { return *core_; }
    [[nodiscard]] connection_entry& entry() const noexcept { return entry_; }

    void settle(const result<void>& outcome) noexcept
    {
        const auto core = std::exchange(core_, nullptr);
        {
            const std::lock_guard lock(core->mutex_);
            settled_ = true;
        }
        core->step_ended(entry_, outcome);
    }
    /// Under the lock.
    [[nodiscard]] bool is_settled() const noexcept { return settled_; }

private:
    std::shared_ptr<connection_core> core_;
    connection_entry& entry_;
    bool settled_ = false;
};

void connection_core::run_step(connection_entry& entry) noexcept
{
    try {
        const auto mine = std::make_shared<claim>(shared_from_this(), entry);
        const auto child = std::make_shared<child_control>(executor_);
        const bool gracefully = abilities_.close && in_good_order(entry.reason);
        if (entry.phase == connection_phase::closing && !gracefully) {
            if (const parking_lot::visit inside(child->lot()); inside)
                asio::post(executor_, [mine] { mine->settle(result<void>()); });
            return;
        }
        async_run_child(child, carry_out(mine), [mine](const result<void>& outcome) { mine->settle(outcome); });
        // Not before: it must not be cancelled while it is being started.
        const std::lock_guard lock(mutex_);
        if (mine->is_settled())
            return; // the entry may be gone
        entry.child = child;
        if (entry.stopped)
            stop_step(entry);
    }
    catch (const std::bad_alloc&) { // the claim's end has said it
    }
}

asio::awaitable<void> connection_core::carry_out(std::shared_ptr<claim> mine)
{
    // The claim is the frame's too: where the context ends, the entry goes after what works on it.
    co_await mine->core().perform(mine->entry());
}

asio::awaitable<void> connection_core::perform(connection_entry& entry)
{
    switch (entry.phase) {
    case connection_phase::creating: return make(entry);
    case connection_phase::checking: return limited(check(entry), options_.recycle_limit, "check");
    case connection_phase::recycling: return limited(recycle(entry), options_.recycle_limit, "recycle");
    case connection_phase::closing: return limited(close_gracefully(entry), options_.close_limit, "close");
    case connection_phase::idle:
    case connection_phase::borrowed: break;
    }
    assert(false);
    return close_gracefully(entry);
}

asio::awaitable<void> connection_core::make(connection_entry& entry)
{
    for (unsigned attempt = 1;; ++attempt) {
        const auto started = clock::now();
        result<void> outcome = co_await as_result(limited(create(entry), options_.create_limit, "connect"));
        if (outcome.code() == errc::deadline_exceeded)
            outcome = failure(std::make_exception_ptr(error(errc::connect_timeout, "connect", entry.home.name)));
        observe(event_kind::acquire, "connect", entry.home, clock::now() - started, outcome.code());
        if (outcome)
            break;
        tell_failed(entry, outcome.exception());
        const auto pause = pause_before_retry(entry, outcome.code(), attempt);
        if (!pause)
            std::move(outcome).value(); // throws
        asio::steady_timer timer(co_await asio::this_coro::executor, *pause);
        co_await timer.async_wait(asio::use_awaitable);
    }
    if (options_.resources)
        entry.registered = options_.resources->add({.kind = resource_kind::connection, .name = entry.home.name});
}

std::optional<connection_core::clock::duration>
connection_core::pause_before_retry(connection_entry& entry, std::error_code failure, unsigned attempt) noexcept
{
    const bool retryable = worth_retrying(failure);
    const std::lock_guard lock(mutex_);
    ++numbers_.create_failures;
    const bool wanted = !closed_ && !entry.stopped && !entry.home.waiters.empty();
    if (!retryable || !wanted || attempt >= options_.create_attempts)
        return std::nullopt;
    const double most = std::chrono::duration<double>(options_.retry_pause).count()
        * static_cast<double>(1u << std::min(attempt - 1, 16u));
    return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(most * random_share()));
}

void connection_core::step_ended(connection_entry& entry, const result<void>& outcome) noexcept
{
    // Nobody else changes the phase of an entry that is in a step.
    if (entry.phase == connection_phase::closing)
        return dispose(entry);
    if (entry.phase == connection_phase::creating && !outcome)
        return create_failed(entry, outcome.code());
    section now(*this);
    entry.child.reset();
    entry.checked = now.now();
    if (entry.phase != connection_phase::checking)
        entry.unused = now.now();
    if (entry.phase == connection_phase::creating) {
        entry.made = true;
        ++numbers_.created;
        entry.home.warm_failures = 0;
        entry.expires = expiry(now.now(), options_.max_lifetime, options_.lifetime_jitter * random_share());
        arrive(now, entry);
    }
    else if (!outcome) {
        leave_the_way(entry);
        const bool checked = entry.phase == connection_phase::checking;
        const close_reason fault = checked ? close_reason::unhealthy : close_reason::not_recycled;
        begin_close(now, entry, closed_ ? close_reason::pool_closed : fault);
    }
    else {
        numbers_.recycled += entry.phase == connection_phase::recycling ? 1 : 0;
        arrive(now, entry);
    }
    settle(now, entry.home);
}

void connection_core::create_failed(connection_entry& entry, std::error_code failure) noexcept
{
    const bool hopeless = failure == condition::permanent && !worth_retrying(failure);
    {
        section now(*this);
        key_group& group = entry.home;
        if (entry.expected && !group.waiters.empty()) {
            // Where nothing else of this key lives, a failure that will come again is everybody's.
            do
                now.refuse(unlink(group.waiters.front()), failure);
            while (hopeless && group.live == 1 && !group.waiters.empty());
        }
        else if (group.warm > 0) {
            const auto pause = std::chrono::seconds(1u << std::min(group.warm_failures++, 5u));
            group.warm_after = now.now() + pause;
        }
        leave_the_way(entry);
        count(group);
    }
    dispose(entry);
}

void connection_core::step_lost(connection_entry& entry) noexcept
{
    {
        section now(*this);
        shut(now);
    }
    dispose(entry);
}

void connection_core::stop_step(connection_entry& entry) noexcept
{
    entry.stopped = true;
    try {
        if (entry.child)
            child_control::cancel(entry.child, asio::cancellation_type::terminal);
    }
    catch (const std::bad_alloc&) { // no memory to ask it: it ends by its limit
    }
}

} // namespace weir::detail
