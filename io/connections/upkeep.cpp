// What a pool does by itself: closing what is idle or old, checks, reports; and how it ends.

#include <weir/detail/connection_core.hpp>

#include <weir/error.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir::detail {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// However many come due one after the other, they are looked after together.
constexpr std::chrono::milliseconds least_interval(5);

} // namespace

void connection_core::arm(clock::time_point due) noexcept
{
    if (due >= armed_for_ || closed_)
        return;
    try {
        timer_->expires_at(due);
        timer_->async_wait([weak = weak_from_this()](error_code stopped) {
            const auto self = stopped ? nullptr : weak.lock();
            if (self)
                self->upkeep();
        });
        armed_for_ = due;
    }
    catch (const std::bad_alloc&) { // the next one will arm it
        armed_for_ = clock::time_point::max();
    }
}

connection_core::clock::time_point connection_core::due(const connection_entry& idle) const noexcept
{
    clock::time_point when = idle.expires;
    if (!may_idle_on(idle.home))
        when = std::min(when, later(idle.unused, options_.idle_limit));
    if (abilities_.check)
        when = std::min(when, later(idle.checked, options_.check_every));
    return when;
}

void connection_core::upkeep() noexcept
{
    std::vector<held_connection> held;
    {
        section now(*this);
        armed_for_ = clock::time_point::max();
        if (closed_)
            return;
        clock::time_point next = clock::time_point::max();
        for (auto each = all_.begin(); each != all_.end();)
            next = std::min(next, look_after(now, *each++, held));
        distribute(now);
        arm(std::max(next, now.now() + least_interval));
    }
    report(held);
}

connection_core::clock::time_point connection_core::look_after(section& now, connection_entry& entry,
                                                               std::vector<held_connection>& held)
{
    if (entry.phase == connection_phase::borrowed && !entry.reported) {
        const clock::time_point limit = later(entry.since, options_.held_limit);
        if (now.now() < limit)
            return limit;
        entry.reported = true;
        ++numbers_.held_too_long;
        held.push_back({entry.home.name, now.now() - entry.since});
    }
    if (entry.phase != connection_phase::idle)
        return clock::time_point::max();
    if (const auto reason = why_close(now, entry))
        begin_close(now, entry, *reason);
    else if (now.now() < due(entry))
        return due(entry);
    else
        begin_check(now, entry);
    return clock::time_point::max();
}

void connection_core::report(const std::vector<held_connection>& held) noexcept
{
    for (const held_connection& each : held) {
        if (options_.observer)
            options_.observer->on_event({.kind = event_kind::stalled,
                                        .operation = "hold",
                                        .subject = each.key,
                                        .duration = each.held,
                                        .count = 1});
        try {
            if (options_.on_held_too_long)
                options_.on_held_too_long(each.key, each.held);
        }
        catch (...) { // nowhere left to report to
        }
    }
}

std::vector<held_connection> connection_core::held_longer_than(clock::duration limit) const
{
    const std::lock_guard lock(mutex_);
    const clock::time_point now = clock::now();
    std::vector<held_connection> out;
    for (const connection_entry& each : all_)
        if (each.phase == connection_phase::borrowed && now - each.since > limit)
            out.push_back({each.home.name, now - each.since});
    return out;
}

void connection_core::close_all_idle(section& now, close_reason reason) noexcept
{
    while (!idle_.empty())
        begin_close(now, idle_.front(), reason);
}

void connection_core::close_idle() noexcept
{
    section now(*this);
    close_all_idle(now, close_reason::drained);
}

void connection_core::close_idle(section& now, key_group& group) noexcept
{
    while (!group.idle.empty())
        begin_close(now, group.idle.front(), close_reason::drained);
}

void connection_core::drain(clock::time_point deadline, end_completion done)
{
    section now(*this);
    ++epoch_;
    close_all_idle(now, close_reason::drained);
    await_end(now, deadline, std::move(done));
}

void connection_core::close(clock::time_point deadline, end_completion done)
{
    section now(*this);
    shut(now);
    await_end(now, deadline, std::move(done));
}

void connection_core::close() noexcept
{
    section now(*this);
    shut(now);
}

void connection_core::shut(section& now) noexcept
{
    if (std::exchange(closed_, true))
        return;
    ++epoch_;
    timer_.reset();
    close_all_idle(now, close_reason::pool_closed);
    for (connection_entry& each : all_)
        if (each.phase == connection_phase::creating || each.phase == connection_phase::checking
            || each.phase == connection_phase::recycling)
            stop_step(each);
    while (!waiting_.empty()) {
        key_group& group = *waiting_.begin()->home;
        now.refuse(unlink(*waiting_.begin()), code(errc::closed));
        settle(now, group);
    }
    while (!warm_.empty()) {
        key_group& group = warm_.front();
        warm_.pop_front();
        group.warm = 0;
        settle(now, group);
    }
}

void connection_core::await_end(section& now, clock::time_point deadline, end_completion done)
{
    const std::uint64_t id = ++last_closer_;
    const auto slot = done.slot();
    closers_.push_back({.id = id, .epoch = epoch_, .left = all_.size(), .done = std::move(done)});
    const auto mine = std::prev(closers_.end());
    if (all_.empty())
        return now.end(closers_, mine, {});
    const auto end_by = [weak = weak_from_this(), id](error_code outcome) {
        if (const auto self = weak.lock())
            self->end_wait(id, outcome);
    };
    if (slot.is_connected())
        asio::cancellation_slot(slot).assign(
            [end_by](asio::cancellation_type) { end_by(asio::error::operation_aborted); });
    if (deadline == clock::time_point::max())
        return;
    mine->timer.emplace(executor_, deadline);
    mine->timer->async_wait([end_by](error_code stopped) {
        if (!stopped)
            end_by(code(errc::deadline_exceeded));
    });
}

void connection_core::end_wait(std::uint64_t id, error_code outcome) noexcept
{
    section now(*this);
    const auto found = std::ranges::find(closers_, id, &connection_closer::id);
    if (found != closers_.end())
        now.end(closers_, found, outcome);
}

void connection_core::count_gone(section& now, const connection_entry& entry) noexcept
{
    for (auto each = closers_.begin(); each != closers_.end();) {
        const auto next = std::next(each);
        if (entry.epoch < each->epoch && --each->left == 0)
            now.end(closers_, each, {});
        each = next;
    }
}

bool connection_core::release_now() noexcept
{
    section now(*this);
    shut(now);
    return all_.empty();
}

asio::awaitable<void> connection_core::release()
{
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void(error_code)>(
        [](auto handler, std::shared_ptr<connection_core> self) {
            self->close(clock::time_point::max(), end_completion(std::move(handler), self->executor()));
        },
        asio::use_awaitable, shared_from_this());
}

bool connection_core::force_release() noexcept
{
    section now(*this);
    shut(now);
    for (connection_entry& each : all_)
        if (each.phase != connection_phase::borrowed)
            stop_step(each);
    return all_.empty();
}

connection_pool_statistics connection_core::statistics() const
{
    const std::lock_guard lock(mutex_);
    connection_pool_statistics out = numbers_;
    out.total = total_;
    out.creating = in_phase(connection_phase::creating);
    out.checking = in_phase(connection_phase::checking);
    out.idle = in_phase(connection_phase::idle);
    out.borrowed = in_phase(connection_phase::borrowed);
    out.recycling = in_phase(connection_phase::recycling);
    out.closing = in_phase(connection_phase::closing);
    out.waiting = waiting_.size();
    out.keys = key_count();
    return out;
}

void connection_core::observe_wait(const connection_waiter& who) const noexcept
{
    if (options_.observer)
        options_.observer->on_event({.kind = event_kind::acquire,
                                    .operation = "acquire",
                                    .subject = who.name,
                                    .duration = clock::now() - who.since,
                                    .outcome = who.failure,
                                    .count = 1});
}

void connection_core::observe(event_kind kind, std::string_view operation, const key_group& group,
                              std::chrono::nanoseconds duration, std::error_code outcome) const noexcept
{
    if (options_.observer)
        options_.observer->on_event({.kind = kind,
                                    .operation = operation,
                                    .subject = group.name,
                                    .duration = duration,
                                    .outcome = outcome,
                                    .count = 1});
}

} // namespace weir::detail
