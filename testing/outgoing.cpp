#include "outgoing.hpp"

#include <algorithm>
#include <limits>

namespace weir::testing::detail {
namespace {

constexpr std::size_t gathered_at_most = 64 * 1024;
constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

} // namespace

std::uint64_t pacer::allowance(clock::time_point now) noexcept
{
    if (!allowed_)
        return unlimited;
    if (now >= next()) {
        // A little late is no reason to be slower; what an idle connection did not use is gone.
        began_ = now < next() + allowed_->per ? next() : now;
        spent_ = 0;
    }
    return allowed_->bytes - spent_;
}

outgoing::outgoing(wire& peer, std::function<void(const std::string&)> wait_at)
    : peer_(peer), wait_at_(std::move(wait_at))
{}

void outgoing::begin(const rule_data& rule)
{
    rule_ = &rule;
    met_.assign(rule.events.size(), false);
    rule_pace_.reset();
    if (rule.pace && !rule.at_accept)
        rule_pace_.emplace(*rule.pace);
    sent_ = 0;
    body_sent_ = 0;
}

void outgoing::send(std::string_view bytes)
{
    while (!bytes.empty() && !peer_.is_half_closed()) {
        meet(position::counted::bytes, sent_);
        const std::size_t count = next_piece(bytes.size());
        gather(bytes.substr(0, count));
        bytes.remove_prefix(count);
        if (is_cut()) {
            flush();
            peer_.wait_until(clock::now() + rule_->split.pause);
        }
    }
}

void outgoing::send_body(std::string_view bytes, std::optional<std::uint64_t> object_offset)
{
    while (!bytes.empty() && !peer_.is_half_closed()) {
        meet(position::counted::body, body_sent_);
        std::uint64_t count = std::min<std::uint64_t>(bytes.size(), until_event(position::counted::body, body_sent_));
        if (object_offset) {
            meet(position::counted::object, *object_offset);
            count = std::min(count, until_event(position::counted::object, *object_offset));
            *object_offset += count;
        }
        send(bytes.substr(0, count));
        body_sent_ += count;
        bytes.remove_prefix(count);
    }
}

void outgoing::end_body() { meet(position::counted::body, body_sent_); }

void outgoing::finish()
{
    meet(position::counted::bytes, sent_);
    flush();
}

void outgoing::act(const event& what)
{
    flush();
    if (const auto* const stall = std::get_if<stall_step>(&what)) {
        std::optional<clock::time_point> until;
        if (stall->time)
            until = clock::now() + *stall->time;
        peer_.stall(until, nullptr);
    }
    else if (const auto* const hold = std::get_if<hold_step>(&what))
        wait_at_(hold->name);
    else
        switch (std::get<end_step>(what)) {
        case end_step::close: peer_.close();
        case end_step::cut_off: peer_.cut_off();
        case end_step::reset: peer_.reset();
        case end_step::half_close: peer_.half_close();
        }
}

/// The distance to the next event behind `offset`.
std::uint64_t outgoing::until_event(position::counted counted, std::uint64_t offset) const
{
    std::uint64_t nearest = unlimited;
    for (const placed_event& each : rule_->events)
        if (each.where.of == counted && each.where.offset > offset)
            nearest = std::min(nearest, each.where.offset - offset);
    return nearest;
}

void outgoing::meet(position::counted counted, std::uint64_t offset)
{
    for (std::size_t i = 0; i != rule_->events.size(); ++i) {
        const placed_event& each = rule_->events[i];
        if (met_[i] || each.where != position{counted, offset})
            continue;
        met_[i] = true;
        act(each.what);
    }
}

bool outgoing::is_cut() const
{
    const splitting& split = rule_->split;
    return split.every != 0 ? sent_ % split.every == 0 : std::ranges::binary_search(split.at, sent_);
}

/// The distance to the next cut behind what was sent.
std::uint64_t outgoing::until_cut() const
{
    const splitting& split = rule_->split;
    if (split.every != 0)
        return split.every - sent_ % split.every;
    const auto next = std::ranges::upper_bound(split.at, sent_);
    return next == split.at.end() ? unlimited : *next - sent_;
}

/// How much may be sent as one now; waits for the pace.
std::uint64_t outgoing::next_piece(std::uint64_t available)
{
    std::uint64_t allowed = pace().allowance(clock::now());
    while (allowed == 0) {
        flush();
        peer_.wait_until(pace().next());
        allowed = pace().allowance(clock::now());
    }
    const std::uint64_t count =
        std::min({available, allowed, until_cut(), until_event(position::counted::bytes, sent_)});
    pace().spend(count);
    return count;
}

void outgoing::gather(std::string_view piece)
{
    sent_ += piece.size();
    if (gathered_.empty() && piece.size() >= gathered_at_most) {
        peer_.write(piece);
        return;
    }
    gathered_ += piece;
    if (gathered_.size() >= gathered_at_most)
        flush();
}

void outgoing::flush()
{
    peer_.write(gathered_);
    gathered_.clear();
}

} // namespace weir::testing::detail
