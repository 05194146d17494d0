#include "stage.hpp"

#include "incoming.hpp"

#include <algorithm>

namespace weir::testing::detail {
namespace {

/// \param pattern  `*` stands for any characters
bool matches(std::string_view pattern, std::string_view text) noexcept
{
    std::size_t after_star = std::string_view::npos;
    std::size_t tried = 0; // of the text, by the last star
    std::size_t p = 0;
    for (std::size_t t = 0; t != text.size();) {
        if (p != pattern.size() && pattern[p] == '*') {
            after_star = ++p;
            tried = t;
        }
        else if (p != pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        }
        else if (after_star != std::string_view::npos) {
            p = after_star;
            t = ++tried;
        }
        else
            return false;
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

/// What of the target a pattern is compared with.
std::string_view compared(std::string_view target, std::string_view pattern) noexcept
{
    if (!pattern.starts_with('/'))
        return target;
    if (const std::size_t scheme = target.find("://"); !target.starts_with('/') && scheme != std::string_view::npos) {
        const std::size_t path = target.find('/', scheme + 3);
        target = path == std::string_view::npos ? "/" : target.substr(path);
    }
    return pattern.find('?') == std::string_view::npos ? target.substr(0, target.find('?')) : target;
}

bool holds(const header_condition& condition, const received_request& request)
{
    const bool found = std::ranges::any_of(request.fields, [&](const auto& field) {
        return same_text(field.first, condition.name) && (!condition.value || field.second == *condition.value);
    });
    return found == condition.present;
}

/// All conditions but the number of the request.
bool lets_through(const rule_data& rule, const received_request& request, std::uint64_t connection)
{
    return !rule.at_accept && (rule.method.empty() || rule.method == request.method)
        && matches(rule.pattern, compared(request.target, rule.pattern)) && rule.connections.holds(connection)
        && std::ranges::all_of(rule.headers, [&](const header_condition& each) { return holds(each, request); });
}

const rule_data& nothing_at_accept()
{
    static const rule_data none;
    return none;
}

const rule_data& not_found()
{
    static const rule_data rule = [] {
        answer_step answer;
        answer.status = 404;
        answer.reason = "Not Found";
        rule_data made;
        made.steps.emplace_back(std::move(answer));
        return made;
    }();
    return rule;
}

} // namespace

stage::stage(std::shared_ptr<const script_data> script, origin_options options) : options_(std::move(options))
{
    play(std::move(script));
}

void stage::play(std::shared_ptr<const script_data> script)
{
    const std::lock_guard lock(mutex_);
    met_.assign(script->rules.size(), 0);
    connections_before_ = connections_;
    script_ = std::move(script);
}

chosen_rule stage::choose_for_connection(std::uint64_t connection)
{
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i != script_->rules.size(); ++i)
        if (const rule_data& rule = *script_->rules[i];
            rule.at_accept && rule.connections.holds(connection - connections_before_))
            return {script_, &rule, i};
    return {script_, &nothing_at_accept(), std::nullopt};
}

chosen_rule stage::choose(const received_request& request)
{
    const std::lock_guard lock(mutex_);
    // 0 for a connection of the script before this one: only rules that do not ask hold for it.
    const std::uint64_t connection = request.connection - std::min(request.connection, connections_before_);
    for (std::size_t i = 0; i != script_->rules.size(); ++i)
        if (const rule_data& rule = *script_->rules[i];
            lets_through(rule, request, connection) && rule.requests.holds(++met_[i]))
            return {script_, &rule, i};
    return {script_, &not_found(), std::nullopt};
}

std::uint64_t stage::connected()
{
    const std::lock_guard lock(mutex_);
    record_.connections.emplace_back().number = ++connections_;
    forget_old();
    changed_.notify_all();
    return connections_;
}

void stage::sent(std::uint64_t connection, std::size_t bytes)
{
    const std::lock_guard lock(mutex_);
    connection_of(connection).bytes_sent += bytes;
    changed_.notify_all();
}

void stage::secured(std::uint64_t connection, const tls_session& session)
{
    std::string name = session.server_name();
    const std::lock_guard lock(mutex_);
    accepted_connection& known = connection_of(connection);
    known.server_name = std::move(name);
    known.tls_resumed = session.is_resumed();
}

void stage::ended(std::uint64_t connection, connection_end how)
{
    const std::lock_guard lock(mutex_);
    connection_of(connection).end = how;
    changed_.notify_all();
}

void stage::arrived(const received_request& request)
{
    const std::lock_guard lock(mutex_);
    record_.requests.push_back(request);
    ++connection_of(request.connection).requests;
    forget_old();
    changed_.notify_all();
}

void stage::received(request_id request, std::string_view body)
{
    const std::lock_guard lock(mutex_);
    received_request* const known = find(request);
    if (!known)
        return;
    known->complete = body.empty();
    known->body_bytes += body.size();
    known->body += body.substr(0, options_.kept_body_bytes - std::min(options_.kept_body_bytes, known->body.size()));
    changed_.notify_all();
}

void stage::finished(request_id request, std::uint64_t answer_bytes, bool answered)
{
    received_request told;
    {
        const std::lock_guard lock(mutex_);
        received_request& known = *find(request);
        known.over = true;
        known.answered = answered;
        known.answer_bytes = answer_bytes;
        changed_.notify_all();
        if (!options_.on_finished)
            return;
        told = known;
    }
    options_.on_finished(told);
}

std::shared_ptr<const latch> stage::gate(const std::string& name)
{
    const std::lock_guard lock(mutex_);
    return gate_of(name);
}

void stage::release(std::string_view name)
{
    const std::lock_guard lock(mutex_);
    gate_of(name)->open();
}

void stage::holds(const std::string& name, bool begins)
{
    const std::lock_guard lock(mutex_);
    if (begins)
        record_.holding.push_back(name);
    else
        record_.holding.erase(std::ranges::find(record_.holding, name));
    changed_.notify_all();
}

origin_record stage::record() const
{
    const std::lock_guard lock(mutex_);
    return record_;
}

bool stage::wait_until(const std::function<bool(const origin_record&)>& condition,
                       std::chrono::milliseconds patience) const
{
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return condition(record_); });
}

std::shared_ptr<latch>& stage::gate_of(std::string_view name)
{
    const auto found = gates_.find(name);
    return found != gates_.end() ? found->second : gates_.emplace(name, std::make_shared<latch>()).first->second;
}

/// \pre it has not ended
accepted_connection& stage::connection_of(std::uint64_t number)
{
    return *std::ranges::lower_bound(record_.connections, number, {}, &accepted_connection::number);
}

/// \returns  null if it was over, and forgotten
received_request* stage::find(request_id request) noexcept
{
    auto& requests = record_.requests;
    const auto found = std::find_if(requests.rbegin(), requests.rend(), [&](const received_request& each) {
        return each.connection == request.connection && each.number == request.number;
    });
    return found == requests.rend() ? nullptr : &*found;
}

/// Drops the older half of what has ended, once there is twice as much as is to be kept.
void stage::forget_old()
{
    const std::size_t kept = std::max<std::size_t>(options_.kept_requests, 1);
    auto& requests = record_.requests;
    if (requests.size() >= 2 * kept) {
        const auto last = requests.end() - static_cast<std::ptrdiff_t>(kept);
        requests.erase(std::remove_if(requests.begin(), last, [](const received_request& each) { return each.over; }), last);
    }
    auto& connections = record_.connections;
    if (connections.size() >= 2 * kept) {
        const std::uint64_t newest = connections.back().number;
        std::erase_if(connections, [&](const accepted_connection& each) {
            return each.end != connection_end::open && each.number + kept <= newest;
        });
    }
}

} // namespace weir::testing::detail
