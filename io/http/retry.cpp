#include <weir/http/retry.hpp>

#include <weir/error.hpp>
#include <weir/http/date.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <utility>

namespace weir::http {
namespace {

using std::chrono::milliseconds;

constexpr unsigned too_early = 425, too_many_requests = 429, service_unavailable = 503;
constexpr std::array<unsigned, 7> retryable_statuses = {
    408, too_early, too_many_requests, 500, 502, service_unavailable, 504};

bool is_retryable(const failed_attempt& failed) noexcept
{
    if (failed.error)
        return failed.error == condition::retryable;
    return std::ranges::find(retryable_statuses, failed.status) != retryable_statuses.end();
}

/// Whether the answer itself says that the request was not carried out.
bool was_not_carried_out(const failed_attempt& failed) noexcept
{
    return !failed.error && (failed.status == too_early || failed.status == too_many_requests);
}

std::optional<milliseconds> asked_wait(const failed_attempt& failed, retry_policy::clock::time_point now)
{
    const bool counts = failed.status == too_many_requests || failed.status == service_unavailable;
    if (failed.error || !counts || !failed.retry_after)
        return std::nullopt;
    return parse_retry_after(*failed.retry_after, std::chrono::floor<std::chrono::seconds>(now));
}

} // namespace

retry_budget::retry_budget(unsigned capacity, double per_success) noexcept
    : capacity_(static_cast<std::int64_t>(std::min(capacity, 1'000'000u)) * token),
      per_success_(std::llround(std::clamp(per_success, 0.0, 1.0) * static_cast<double>(token))),
      left_(capacity_)
{}

bool retry_budget::try_spend() noexcept
{
    std::int64_t left = left_.load(std::memory_order_relaxed);
    while (left >= token)
        if (left_.compare_exchange_weak(left, left - token, std::memory_order_relaxed))
            return true;
    return false;
}

void retry_budget::succeeded(std::uint64_t retries) noexcept
{
    const auto most = static_cast<std::uint64_t>(capacity_ / token);
    const std::int64_t more = static_cast<std::int64_t>(std::min(retries, most)) * token + per_success_;
    std::int64_t left = left_.load(std::memory_order_relaxed);
    while (left < capacity_
           && !left_.compare_exchange_weak(left, std::min(left + more, capacity_), std::memory_order_relaxed)) {
    }
}

unsigned retry_budget::tokens() const noexcept
{
    return static_cast<unsigned>(left_.load(std::memory_order_relaxed) / token);
}

retry_policy::retry_policy(const request_head& request, const retry_options& options,
                           std::shared_ptr<retry_budget> budget, std::optional<std::uint64_t> seed)
    : options_(options),
      budget_(std::move(budget)),
      seed_(seed),
      idempotent_(options.assume_idempotent || is_idempotent(request.method)),
      body_(request.body)
{}

retry_decision retry_policy::after(const failed_attempt& failed, clock::time_point now,
                                   std::optional<std::chrono::nanoseconds> left)
{
    ++failures_;
    discarded_bytes_ += failed.discarded_bytes;
    if (const auto why_not = objection(failed))
        return {.reason = *why_not};
    if (is_stale(failed)) {
        replaced_stale_ = true;
        return {.again = true, .fresh_connection = true, .reason = "the connection was closed while it waited"};
    }
    // Who begins anew each time must bring more than it costs to come as far again.
    const bool progressed = failed.kept_bytes >= std::max(options_.progress_bytes, failed.discarded_bytes);
    if (progressed)
        in_a_row_ = 0;
    if (++in_a_row_ >= options_.attempts)
        return {.reason = "no attempts are left"};
    const milliseconds wait = back_off();
    const auto asked = asked_wait(failed, now);
    if (asked && *asked > options_.retry_after_limit)
        return {.reason = "the server asks for a longer wait than is allowed"};
    if (asked)
        return wait_for(std::max(wait, *asked + jitter(options_.base)), !progressed, "the server asks for a wait", left);
    return wait_for(wait, !progressed, failed.error ? "it may work again" : "the status may pass", left);
}

void retry_policy::succeeded() noexcept
{
    if (budget_)
        budget_->succeeded(std::exchange(charged_, 0));
}

std::optional<std::string_view> retry_policy::objection(const failed_attempt& failed) const
{
    if (failed.error == condition::cancelled)
        return "it was cancelled";
    if (!is_retryable(failed))
        return failed.error ? "it would fail again" : "the status is final";
    if (body_ == request_body::once && failed.sent)
        return "the body cannot be sent again";
    if (!may_repeat(failed))
        return "the server may have carried it out already";
    return std::nullopt;
}

bool retry_policy::may_repeat(const failed_attempt& failed) const noexcept
{
    return idempotent_ || !failed.sent || was_not_carried_out(failed);
}

bool retry_policy::is_stale(const failed_attempt& failed) const noexcept
{
    return failed.error && failed.error != errc::deadline_exceeded && failed.reused_connection && !failed.answered
        && !replaced_stale_;
}

milliseconds retry_policy::jitter(milliseconds most)
{
    if (!seed_)
        seed_ = std::random_device{}();
    std::mt19937_64 random((*seed_)++); // made for each wait: it is larger than all the rest of a request
    return milliseconds(
        std::uniform_int_distribution<milliseconds::rep>(0, std::max(most, milliseconds(0)).count())(random));
}

milliseconds retry_policy::back_off()
{
    milliseconds most = std::min(options_.base, options_.cap);
    for (unsigned doubled = 1; doubled < in_a_row_ && most < options_.cap; ++doubled)
        most = std::min(2 * most, options_.cap);
    return jitter(most);
}

retry_decision retry_policy::wait_for(milliseconds wait, bool is_charged, std::string_view reason,
                                      std::optional<std::chrono::nanoseconds> left)
{
    if (left && wait >= *left)
        return {.reason = "the deadline comes before the next attempt"};
    if (is_charged && budget_ && !budget_->try_spend())
        return {.over_budget = true, .reason = "the budget of retries is spent"};
    charged_ += is_charged ? 1 : 0;
    waited_ += wait;
    return {.again = true, .wait = wait, .reason = reason};
}

} // namespace weir::http
