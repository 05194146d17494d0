// Who gets what: the lines of waiters, the limits, and where the next connection is made.

#include <weir/detail/connection_core.hpp>

#include <weir/error.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace weir::detail {

using boost::system::error_code;

namespace {

/// Takes a waiter out of the line whose execution context ends.
class leaver final : public companion {
public:
    explicit leaver(std::function<void()> leave) : leave_(std::move(leave)) {}
    void abandoned() noexcept override { leave_(); }

private:
    std::function<void()> leave_;
};

} // namespace

void connection_core::acquire(std::unique_ptr<connection_waiter> who, clock::time_point deadline)
{
    for (;;) {
        connection_entry* found = nullptr;
        {
            section now(*this);
            if (who->ticket == 0) {
                who->ticket = ++last_ticket_;
                who->since = now.now();
                who->deadline = deadline;
            }
            if (closed_)
                return now.refuse(std::move(who), code(errc::closed));
            key_group& group = group_for(now, *who);
            found = pick(now, group);
            if (!found) {
                queue(now, group, std::move(who));
                return settle(now, group);
            }
        }
        if (accept(*found)) {
            who->granted = found;
            return who->complete(shared_from_this());
        }
    }
}

bool connection_core::has_prospects(const key_group& group) const noexcept
{
    if (group.on_the_way > group.waiters.size() || !group.idle.empty())
        return true;
    return group.live < max_per_key_ && (total_ < max_total_ || !idle_.empty());
}

void connection_core::queue(section& now, key_group& group, std::unique_ptr<connection_waiter> who)
{
    if (now.now() >= who->deadline) {
        ++numbers_.timeouts;
        return now.refuse(std::move(who), code(errc::deadline_exceeded));
    }
    if (unserved_ >= options_.max_waiters && !has_prospects(group)) {
        ++numbers_.refused;
        return now.refuse(std::move(who), code(errc::queue_full));
    }
    who->home = &group;
    // While it is not in the queue yet: afterwards another thread may complete it, and its slot with it.
    const auto leave = [weak = weak_from_this(), ticket = who->ticket] {
        if (const auto self = weak.lock())
            self->give_up(ticket);
    };
    if (auto slot = who->slot(); slot.is_connected())
        slot.assign([leave](boost::asio::cancellation_type) { leave(); });
    who->accompany(std::make_unique<leaver>(leave));
    arm_wait(*who);
    if (options_.observer)
        who->name = group.name;
    ++numbers_.waits;
    waiting_.insert(*who);
    // Behind those who came earlier: nearly always the end.
    auto place = group.waiters.end();
    while (place != group.waiters.begin() && std::prev(place)->ticket > who->ticket)
        --place;
    group.waiters.insert(place, *who.release());
}

std::unique_ptr<connection_waiter> connection_core::unlink(connection_waiter& who) noexcept
{
    waiting_.erase(waiting_.iterator_to(who));
    who.home->waiters.erase(who.home->waiters.iterator_to(who));
    who.timer.reset();
    return std::unique_ptr<connection_waiter>(&who);
}

void connection_core::grant(section& now, connection_entry& entry) noexcept
{
    std::unique_ptr<connection_waiter> who = unlink(entry.home.waiters.front());
    lend(now, entry);
    numbers_.wait_times.add(now.now() - who->since);
    who->granted = &entry;
    now.tell(std::move(who));
}

bool connection_core::must_yield(const key_group& group) const noexcept
{
    // Somebody of another key has waited for longer, and nothing that is being closed will make room for them.
    return !hungry_.empty() && total_ >= max_total_ && in_phase(connection_phase::closing) < unmet_
        && hungry_.begin()->place < group.waiters.front().ticket;
}

connection_entry& connection_core::next_idle(key_group& group) const noexcept
{
    return options_.order == reuse_order::newest_first ? group.idle.back() : group.idle.front();
}

connection_waiter* connection_core::first_unserved(key_group& group) const noexcept
{
    const std::size_t size = group.waiters.size();
    if (group.on_the_way >= size)
        return nullptr;
    const std::size_t behind = size - group.on_the_way;
    return behind < group.on_the_way
        ? &*std::prev(group.waiters.end(), static_cast<std::ptrdiff_t>(behind))
        : &*std::next(group.waiters.begin(), static_cast<std::ptrdiff_t>(group.on_the_way));
}

void connection_core::count(key_group& group) noexcept
{
    const std::size_t unserved = group.waiters.size() - std::min(group.on_the_way, group.waiters.size());
    const std::size_t room = max_per_key_ - std::min(group.live, max_per_key_);
    const std::size_t unmet = std::min(unserved, room);
    unserved_ += unserved - std::exchange(group.unserved, unserved);
    unmet_ += unmet - std::exchange(group.unmet, unmet);
    if (group.in_hungry.is_linked())
        hungry_.erase(hungry_.iterator_to(group));
    if (unmet > 0) {
        group.place = first_unserved(group)->ticket;
        hungry_.insert(group);
    }
}

void connection_core::settle(section& now, key_group& group) noexcept
{
    while (group.waiters.size() > group.on_the_way && !group.idle.empty())
        begin_check(now, next_idle(group));
    count(group);
    distribute(now);
    if (options_.unwanted == unwanted_connection::cancel)
        drop_unwanted(group);
    if (group.live == 0 && group.waiters.empty() && group.warm == 0)
        erase(now, group);
}

void connection_core::distribute(section& now) noexcept
{
    if (closed_)
        return;
    while (!hungry_.empty()) {
        key_group& first = *hungry_.begin();
        if (total_ < max_total_) {
            if (!begin_create(now, first))
                now.refuse(unlink(*first_unserved(first)), make_error_code(boost::system::errc::not_enough_memory));
            count(first);
            continue;
        }
        if (idle_.empty() || in_phase(connection_phase::closing) >= unmet_)
            return;
        begin_close(now, idle_.front(), close_reason::evicted);
    }
    restock(now);
}

std::size_t connection_core::missing_warm(const key_group& group) const noexcept
{
    const std::size_t spare = group.on_the_way - std::min(group.on_the_way, group.waiters.size());
    return group.warm - std::min(group.warm, group.idle.size() + spare);
}

void connection_core::restock(section& now) noexcept
{
    for (key_group& each : warm_) {
        while (missing_warm(each) > 0 && total_ < max_total_ && each.live < max_per_key_) {
            if (now.now() < each.warm_after)
                arm(each.warm_after);
            if (now.now() < each.warm_after || !begin_create(now, each))
                break;
        }
    }
}

void connection_core::keep_warm(section& now, key_group& group, std::size_t count)
{
    group.warm = closed_ ? 0 : count;
    group.warm_failures = 0;
    group.warm_after = clock::time_point::min();
    if (group.in_warm.is_linked() && group.warm == 0)
        warm_.erase(warm_.iterator_to(group));
    else if (!group.in_warm.is_linked() && group.warm > 0)
        warm_.push_back(group);
    for (const connection_entry& each : group.idle) // which may be too many now
        arm(due(each));
    settle(now, group);
}

void connection_core::drop_unwanted(key_group& group) noexcept
{
    const std::size_t wanted = group.waiters.size() + group.warm - std::min(group.warm, group.idle.size());
    for (auto each = all_.rbegin(); each != all_.rend() && group.on_the_way > wanted; ++each)
        if (&each->home == &group && each->phase == connection_phase::creating && each->expected) {
            leave_the_way(*each);
            stop_step(*each);
        }
}

void connection_core::resize(std::size_t max_total, std::size_t max_per_key)
{
    if (max_total == 0 || max_per_key == 0)
        throw error(errc::bad_configuration, "resize", options_.name, std::nullopt, "at least 1");
    section now(*this);
    max_total_ = max_total;
    max_per_key_ = max_per_key;
    for (auto each = idle_.begin(); each != idle_.end();) {
        connection_entry& entry = *each++;
        if (const auto reason = why_close(now, entry))
            begin_close(now, entry, *reason);
    }
    for (connection_waiter& each : waiting_)
        count(*each.home);
    distribute(now);
}

void connection_core::arm_wait(connection_waiter& who)
{
    const clock::time_point limit = std::min(who.deadline, later(clock::now(), options_.wait_limit));
    if (limit == clock::time_point::max())
        return;
    who.timer.emplace(executor_, limit);
    who.timer->async_wait([weak = weak_from_this(), ticket = who.ticket](error_code stopped) {
        const auto self = stopped ? nullptr : weak.lock();
        if (self)
            self->time_up(ticket);
    });
}

void connection_core::give_up(std::uint64_t ticket) noexcept
{
    section now(*this);
    const auto found = waiting_.find(ticket, in_order());
    if (found == waiting_.end())
        return;
    ++numbers_.cancelled;
    key_group& group = *found->home;
    now.refuse(unlink(*found), boost::asio::error::operation_aborted);
    settle(now, group);
}

void connection_core::time_up(std::uint64_t ticket) noexcept
{
    section now(*this);
    const auto found = waiting_.find(ticket, in_order());
    if (found == waiting_.end())
        return;
    key_group& group = *found->home;
    const bool too_late = now.now() >= found->deadline;
    const connection_waiter* const unserved = first_unserved(group);
    if (!too_late && (!unserved || found->ticket < unserved->ticket))
        return arm_wait(*found); // one is being made for it, which has its own limit
    ++numbers_.timeouts;
    now.refuse(unlink(*found), code(too_late ? errc::deadline_exceeded : errc::pool_timeout));
    settle(now, group);
}

} // namespace weir::detail
