// The life of an entry: how it arrives, is lent, rests and goes.

#include <weir/detail/connection_core.hpp>

#include "base/event_loop.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace weir::detail {

namespace {

void require(bool holds, std::string_view option, std::string_view rule)
{
    if (!holds)
        throw error(errc::bad_configuration, "configure", option, std::nullopt, rule);
}

void validate(const connection_pool_options& options)
{
    using duration = connection_pool_options::duration;
    require(options.max_total > 0, "max_total", "at least 1");
    require(options.max_per_key > 0, "max_per_key", "at least 1");
    require(options.create_attempts > 0, "create_attempts", "at least 1");
    require(options.lifetime_jitter >= 0 && options.lifetime_jitter <= 1, "lifetime_jitter", "0 to 1");
    require(options.check_when_idle_for >= duration::zero(), "check_when_idle_for", "not negative");
    require(options.retry_pause >= duration::zero(), "retry_pause", "not negative");
    const std::pair<duration, std::string_view> positive[] = {
        {options.wait_limit, "wait_limit"},   {options.create_limit, "create_limit"},
        {options.idle_limit, "idle_limit"},   {options.recycle_limit, "recycle_limit"},
        {options.close_limit, "close_limit"}, {options.check_every, "check_every"},
        {options.held_limit, "held_limit"},   {options.max_lifetime, "max_lifetime"}};
    for (const auto& [value, name] : positive)
        require(value > duration::zero(), name, "above 0");
}

} // namespace

connection_entry::~connection_entry() = default;
connection_waiter::~connection_waiter() = default;
key_group::~key_group() = default;

connection_core::clock::time_point later(connection_core::clock::time_point from,
                                         connection_core::clock::duration time) noexcept
{
    return time >= connection_core::clock::time_point::max() - from ? connection_core::clock::time_point::max()
                                                                    : from + time;
}

connection_core::connection_core(boost::asio::any_io_executor executor, connection_pool_options&& options,
                                 connection_abilities abilities)
    : executor_(with_event_loop(executor)),
      options_(std::move(options)),
      abilities_(abilities),
      max_total_(options_.max_total),
      max_per_key_(options_.max_per_key),
      timer_(std::in_place, executor_)
{
    validate(options_);
}

connection_core::~connection_core() { assert(all_.empty() && waiting_.empty()); }

void connection_core::track()
{
    if (options_.resources)
        registered_ = options_.resources->add(
            {.kind = resource_kind::other, .name = "pool of " + options_.name, .target = weak_from_this()});
}

connection_core::section::section(connection_core& core) : core_(core), lock_(core.mutex_) {}

connection_core::section::~section()
{
    lock_.unlock();
    last_told_ = nullptr;
    while (first_told_) {
        const std::unique_ptr<connection_waiter> who = std::move(first_told_);
        first_told_ = std::move(who->next_told);
        core_.observe_wait(*who);
        who->complete(core_.shared_from_this());
    }
    while (connection_entry* const step = first_step_) {
        first_step_ = std::exchange(step->next_step, nullptr);
        core_.run_step(*step);
    }
    for (connection_closer& each : ended_)
        std::move(each.done).post(each.outcome);
}

void connection_core::section::begin(connection_entry& step) noexcept
{
    step.next_step = std::exchange(first_step_, &step);
}

void connection_core::section::tell(std::unique_ptr<connection_waiter> who) noexcept
{
    connection_waiter* const last = who.get();
    (last_told_ ? last_told_->next_told : first_told_) = std::move(who);
    last_told_ = last;
}

void connection_core::section::refuse(std::unique_ptr<connection_waiter> who, boost::system::error_code why) noexcept
{
    who->failure = why;
    tell(std::move(who));
}

void connection_core::section::end(std::list<connection_closer>& from, std::list<connection_closer>::iterator which,
                                   boost::system::error_code outcome) noexcept
{
    which->outcome = outcome;
    which->timer.reset();
    ended_.splice(ended_.end(), from, which);
}

void connection_core::move(section& now, connection_entry& entry, connection_phase to) noexcept
{
    --in_phase(entry.phase);
    ++in_phase(to);
    if (entry.phase == connection_phase::idle) {
        idle_.erase(idle_.iterator_to(entry));
        entry.home.idle.erase(entry.home.idle.iterator_to(entry));
    }
    entry.phase = to;
    entry.since = now.now();
}

void connection_core::leave_the_way(connection_entry& entry) noexcept
{
    if (std::exchange(entry.expected, false))
        --entry.home.on_the_way;
}

std::optional<close_reason> connection_core::why_close(section& now, const connection_entry& entry) const noexcept
{
    const key_group& group = entry.home;
    if (closed_)
        return close_reason::pool_closed;
    if (entry.epoch != epoch_)
        return close_reason::drained;
    if (now.now() >= entry.expires)
        return close_reason::lifetime;
    if (total_ - in_phase(connection_phase::closing) > max_total_ || group.live - group.closing > max_per_key_)
        return close_reason::surplus;
    const bool idle = entry.phase == connection_phase::idle;
    if (idle && !may_idle_on(group) && now.now() >= later(entry.unused, options_.idle_limit))
        return close_reason::idle;
    return std::nullopt;
}

void connection_core::arrive(section& now, connection_entry& entry) noexcept
{
    leave_the_way(entry);
    if (const auto reason = why_close(now, entry))
        begin_close(now, entry, *reason);
    else if (entry.home.waiters.empty())
        rest(now, entry);
    else if (must_yield(entry.home))
        begin_close(now, entry, close_reason::evicted);
    else
        grant(now, entry);
}

void connection_core::lend(section& now, connection_entry& entry) noexcept
{
    move(now, entry, connection_phase::borrowed);
    entry.reported = false;
    ++entry.uses;
    ++numbers_.acquired;
    arm(later(entry.since, options_.held_limit));
}

template <class List> void connection_core::insert_by_rest(List& into, connection_entry& entry) noexcept
{
    auto place = into.end();
    while (place != into.begin() && std::prev(place)->unused > entry.unused)
        --place;
    into.insert(place, entry);
}

void connection_core::rest(section& now, connection_entry& entry) noexcept
{
    move(now, entry, connection_phase::idle);
    insert_by_rest(idle_, entry);
    insert_by_rest(entry.home.idle, entry);
    if (idle_.size() > options_.max_idle)
        begin_close(now, idle_.front(), close_reason::surplus);
    else
        arm(due(entry));
}

bool connection_core::begin_create(section& now, key_group& group) noexcept
{
    try {
        connection_entry& entry = *make_entry(now, group).release();
        entry.epoch = epoch_;
        entry.since = now.now();
        entry.expected = true;
        all_.push_back(entry);
        ++group.on_the_way;
        ++group.live;
        ++in_phase(connection_phase::creating);
        numbers_.peak_total = std::max(numbers_.peak_total, ++total_);
        now.begin(entry);
        return true;
    }
    catch (const std::bad_alloc&) {
        return false;
    }
}

void connection_core::begin_check(section& now, connection_entry& entry) noexcept
{
    move(now, entry, connection_phase::checking);
    entry.expected = true;
    ++entry.home.on_the_way;
    now.begin(entry);
}

void connection_core::begin_close(section& now, connection_entry& entry, close_reason reason) noexcept
{
    move(now, entry, connection_phase::closing);
    ++entry.home.closing;
    entry.reason = reason;
    entry.stopped = false;
    now.begin(entry);
}

void connection_core::dispose(connection_entry& entry) noexcept
{
    // Before its place is free: the limits hold at each moment.
    entry.drop();
    entry.registered.reset();
    if (entry.made) {
        tell_closed(entry);
        observe(event_kind::cleanup, "close", entry.home, {}, {});
    }
    const std::unique_ptr<connection_entry> doomed(&entry);
    section now(*this);
    key_group& group = entry.home;
    if (entry.made)
        ++numbers_.closed[static_cast<std::size_t>(entry.reason)];
    all_.erase(all_.iterator_to(entry));
    leave_the_way(entry);
    --in_phase(entry.phase);
    --total_;
    --group.live;
    group.closing -= entry.phase == connection_phase::closing ? 1 : 0;
    count_gone(now, entry);
    settle(now, group);
}

connection_entry* connection_core::pick(section& now, key_group& from) noexcept
{
    if (closed_ || !from.waiters.empty())
        return nullptr;
    while (!from.idle.empty()) {
        connection_entry& next = next_idle(from);
        if (const auto reason = why_close(now, next)) {
            begin_close(now, next, *reason);
            continue;
        }
        if (abilities_.check && now.now() >= later(next.checked, options_.check_when_idle_for))
            return nullptr;
        lend(now, next);
        if (from.warm > 0)
            distribute(now); // another takes its place
        return &next;
    }
    return nullptr;
}

bool connection_core::accept(connection_entry& picked) noexcept
{
    if (usable(picked))
        return true;
    section now(*this);
    --numbers_.acquired;
    begin_close(now, picked, close_reason::broken);
    settle(now, picked.home);
    return false;
}

void connection_core::give_back(connection_entry& lent) noexcept
{
    const bool good = !lent.broken && welcome_back(lent);
    section now(*this);
    lent.checked = lent.unused = now.now();
    if (!good) {
        begin_close(now, lent, close_reason::broken);
    }
    else if (const auto reason = why_close(now, lent)) {
        begin_close(now, lent, *reason);
    }
    else if (abilities_.recycle) {
        move(now, lent, connection_phase::recycling);
        now.begin(lent);
    }
    else {
        ++numbers_.recycled;
        arrive(now, lent);
    }
    settle(now, lent.home);
}

bool connection_core::lend_again(connection_entry& lent) noexcept
{
    if (lent.broken || abilities_.recycle || abilities_.greet || !usable(lent))
        return false;
    section now(*this);
    const bool is_wanted = !lent.home.waiters.empty() || !hungry_.empty();
    if (is_wanted || why_close(now, lent))
        return false;
    lent.checked = lent.unused = now.now();
    ++numbers_.recycled;
    lend(now, lent);
    return true;
}

void connection_core::close_lent(connection_entry& lent) noexcept
{
    section now(*this);
    begin_close(now, lent, lent.broken ? close_reason::broken : close_reason::closed_by_user);
    settle(now, lent.home);
}

void connection_core::forget_lent(connection_entry& lent) noexcept
{
    {
        const section now(*this);
        lent.reason = close_reason::detached;
    }
    dispose(lent);
}

} // namespace weir::detail
