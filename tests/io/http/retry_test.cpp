#include <weir/http/retry.hpp>

#include <weir/error.hpp>
#include <weir/http/date.hpp>

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>

namespace retry_test {
namespace {

using namespace std::chrono_literals;
using weir::http::failed_attempt;
using weir::http::request_body;
using weir::http::request_head;
using weir::http::retry_budget;
using weir::http::retry_decision;
using weir::http::retry_options;
using weir::http::retry_policy;
using weir::http::url;

const retry_policy::clock::time_point now{1790000000s};
const std::error_code reset = std::make_error_code(std::errc::connection_reset);

request_head request(std::string_view method = "GET", request_body body = request_body::none)
{
    return {std::string(method), url::parse("http://h/"), {}, body};
}

failed_attempt broken(std::error_code error = reset) { return {.error = error, .retry_after = {}}; }

failed_attempt answered(unsigned status, std::optional<std::string> retry_after = std::nullopt)
{
    return {.error = {}, .status = status, .retry_after = std::move(retry_after), .answered = true};
}

/// What a policy of its own says about the first failure.
retry_decision first(const failed_attempt& failed, const request_head& of = request(),
                     const retry_options& options = {})
{
    return retry_policy(of, options, nullptr, 1).after(failed, now);
}

TEST_CASE("retry: waits are random up to a bound that doubles and is capped")
{
    CAPTURE(test::seed());
    retry_options options;
    options.attempts = 12;
    std::chrono::milliseconds largest_first{0};
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        retry_policy policy(request(), options, nullptr, test::seed() + seed);
        std::chrono::milliseconds bound = options.base;
        std::chrono::milliseconds sum{0};
        for (unsigned attempt = 1; attempt < options.attempts; ++attempt) {
            const retry_decision decision = policy.after(broken(), now);
            REQUIRE(decision.again);
            REQUIRE(decision.wait >= 0ms);
            REQUIRE(decision.wait <= bound);
            if (attempt == 1)
                largest_first = std::max(largest_first, decision.wait);
            sum += decision.wait;
            bound = std::min(2 * bound, options.cap);
        }
        CHECK(policy.waited() == sum);
        CHECK_FALSE(policy.after(broken(), now).again);
        CHECK(policy.failures() == options.attempts);
    }
    CHECK(largest_first > options.base / 2); // full jitter, not none: by chance once in 2^200 runs
}

TEST_CASE("retry: the same seed gives the same waits")
{
    retry_policy a(request(), {}, nullptr, 7), b(request(), {}, nullptr, 7);
    for (int attempt = 0; attempt < 4; ++attempt)
        CHECK(a.after(broken(), now).wait == b.after(broken(), now).wait);
}

TEST_CASE("retry: attempts are counted, and progress begins the count afresh")
{
    retry_options options;
    options.attempts = 3;
    retry_policy policy(request(), options, nullptr, 1);
    CHECK(policy.after(broken(), now).again);
    CHECK(policy.after(broken(), now).again);
    failed_attempt with_progress = broken();
    with_progress.kept_bytes = options.progress_bytes;
    with_progress.discarded_bytes = 5;
    CHECK(policy.after(with_progress, now).again);
    failed_attempt with_little = with_progress;
    with_little.kept_bytes = options.progress_bytes - 1;
    CHECK(policy.after(with_little, now).again);
    const retry_decision last = policy.after(with_little, now);
    CHECK_FALSE(last.again);
    CHECK(last.reason == "no attempts are left");
    CHECK(policy.discarded_bytes() == 15);
    CHECK_FALSE(first(broken(), request(), {.attempts = 1}).again);
    CHECK_FALSE(first(broken(), request(), {.attempts = 0}).again);
}

TEST_CASE("retry: a server that gives a piece to each connection is asked until all is there, whatever the budget")
{
    const auto budget = std::make_shared<retry_budget>(3, 0.0);
    retry_policy policy(request(), {}, budget, 1);
    failed_attempt with_progress = broken();
    with_progress.kept_bytes = 64 * 1024;
    for (int piece = 0; piece < 100; ++piece) {
        const retry_decision decision = policy.after(with_progress, now);
        REQUIRE(decision.again);
        CHECK(decision.wait <= retry_options().base);
    }
    CHECK(budget->tokens() == 3);
    CHECK(policy.after(broken(), now).again);
    CHECK(budget->tokens() == 2);
}

TEST_CASE("retry: which failures and statuses may pass")
{
    for (const std::error_code error :
         {reset, std::make_error_code(std::errc::timed_out), std::make_error_code(std::errc::connection_refused),
          make_error_code(weir::errc::ended_early), make_error_code(weir::errc::deadline_exceeded)})
        CHECK(first(broken(error)).again);
    for (const std::error_code error :
         {make_error_code(weir::errc::protocol_violation), make_error_code(weir::errc::mismatch),
          make_error_code(weir::errc::redirect_refused), std::make_error_code(std::errc::operation_canceled),
          std::make_error_code(std::errc::permission_denied)})
        CHECK_FALSE(first(broken(error)).again);
    for (const unsigned status : {408u, 425u, 429u, 500u, 502u, 503u, 504u})
        CHECK(first(answered(status)).again);
    for (const unsigned status : {400u, 401u, 403u, 404u, 410u, 412u, 416u, 501u, 505u, 507u})
        CHECK_FALSE(first(answered(status)).again);
    CHECK(first(broken(std::make_error_code(std::errc::operation_canceled))).reason == "it was cancelled");
}

TEST_CASE("retry: what may have been carried out is not done twice unless that is harmless")
{
    for (const std::string_view method : {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
        CHECK(first(broken(), request(method)).again);
    failed_attempt unsent = broken();
    unsent.sent = false;
    for (const std::string_view method : {"POST", "PATCH", "CONNECT", "get", "X"}) {
        CAPTURE(method);
        CHECK_FALSE(first(broken(), request(method)).again);
        CHECK_FALSE(first(answered(503), request(method)).again);
        CHECK(first(unsent, request(method)).again);
        CHECK(first(answered(429), request(method)).again);
        CHECK(first(answered(425), request(method)).again);
        CHECK(first(broken(), request(method), {.assume_idempotent = true}).again);
    }
}

TEST_CASE("retry: a body that is gone is not sent again, one that was never begun may be")
{
    CHECK(first(broken(), request("PUT", request_body::replayable)).again);
    const retry_decision gone = first(broken(), request("PUT", request_body::once));
    CHECK_FALSE(gone.again);
    CHECK(gone.reason == "the body cannot be sent again");
    failed_attempt unsent = broken();
    unsent.sent = false;
    CHECK(first(unsent, request("PUT", request_body::once)).again);
}

TEST_CASE("retry: a connection that died while it waited is replaced at once, once, and not counted")
{
    auto budget = std::make_shared<retry_budget>(1);
    retry_policy policy(request(), {.attempts = 2}, budget, 1);
    failed_attempt stale = broken();
    stale.reused_connection = true;
    const retry_decision replaced = policy.after(stale, now);
    CHECK(replaced.again);
    CHECK(replaced.fresh_connection);
    CHECK(replaced.wait == 0ms);
    CHECK(budget->tokens() == 1);
    const retry_decision counted = policy.after(stale, now);
    CHECK(counted.again);
    CHECK_FALSE(counted.fresh_connection);
    CHECK(budget->tokens() == 0);
    CHECK_FALSE(policy.after(stale, now).again);

    failed_attempt after_answer = stale;
    after_answer.answered = true;
    CHECK_FALSE(first(after_answer).fresh_connection);
    failed_attempt slow = stale;
    slow.error = weir::errc::deadline_exceeded; // it was alive
    CHECK_FALSE(first(slow).fresh_connection);
    CHECK_FALSE(first(stale, request("POST")).again);
    CHECK_FALSE(first(stale, request("PUT", request_body::once)).again);
}

TEST_CASE("retry: Retry-After is waited for on 429 and 503, up to a limit")
{
    const retry_options options;
    for (const unsigned status : {429u, 503u}) {
        for (const std::string& asked :
             {std::string("30"),
              weir::http::format_date(std::chrono::time_point_cast<std::chrono::seconds>(now) + 30s)}) {
            CAPTURE(asked);
            const retry_decision decision = first(answered(status, asked));
            CHECK(decision.again);
            CHECK(decision.wait >= 30s);
            CHECK(decision.wait <= 30s + options.base);
        }
        CHECK(first(answered(status, "120")).again);
        const retry_decision longer = first(answered(status, "121"));
        CHECK_FALSE(longer.again);
        CHECK(longer.reason == "the server asks for a longer wait than is allowed");
        CHECK(first(answered(status, "soon")).wait <= options.base);
        CHECK(first(answered(status, "0")).wait <= options.base);
    }
    CHECK(first(answered(500, "30")).wait <= options.base);
    CHECK_FALSE(first(answered(503, "99999999999999999999")).again);
}

TEST_CASE("retry: clients that are told the same wait do not come back together")
{
    std::chrono::milliseconds earliest = std::chrono::milliseconds::max(), latest{0};
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        const auto wait = retry_policy(request(), {}, nullptr, seed).after(answered(503, "30"), now).wait;
        earliest = std::min(earliest, wait);
        latest = std::max(latest, wait);
    }
    CHECK(latest - earliest > retry_options().base / 2);
}

TEST_CASE("retry: a wait that would end behind the deadline is not begun")
{
    retry_policy policy(request(), {}, nullptr, 1);
    const retry_decision decision = policy.after(answered(503, "30"), now, 30s);
    CHECK_FALSE(decision.again);
    CHECK(decision.reason == "the deadline comes before the next attempt");
    CHECK(policy.waited() == 0ms);
    CHECK(policy.after(answered(503, "30"), now, 31s).again);
    CHECK_FALSE(policy.after(broken(), now, 0s).again);
    retry_policy exact(request(), {.base = 0ms}, nullptr, 1); // waits for 30 s, not a moment longer
    CHECK_FALSE(exact.after(answered(503, "30"), now, 30s).again);
    CHECK(exact.after(answered(503, "30"), now, 30s + 1ns).again);
    CHECK_FALSE(policy.after(broken(), now, -1s).again);
}

TEST_CASE("retry-budget: retries of all requests come out of one bucket, which successes fill")
{
    auto budget = std::make_shared<retry_budget>(3, 0.5);
    for (int turn = 0; turn < 3; ++turn) {
        retry_policy policy(request(), {}, budget, 1);
        CHECK(policy.after(broken(), now).again);
    }
    retry_policy starved(request(), {}, budget, 1);
    const retry_decision decision = starved.after(broken(), now);
    CHECK_FALSE(decision.again);
    CHECK(decision.reason == "the budget of retries is spent");
    starved.succeeded();
    CHECK(budget->tokens() == 0);
    starved.succeeded();
    CHECK(budget->tokens() == 1);
    for (int turn = 0; turn < 100; ++turn)
        budget->succeeded();
    CHECK(budget->tokens() == 3);
}

TEST_CASE("retry-budget: a success gives back what its own retries took")
{
    auto budget = std::make_shared<retry_budget>(4, 0.0);
    for (int each = 0; each < 100; ++each) {
        retry_policy policy(request(), {}, budget, 1);
        REQUIRE(policy.after(answered(503), now).again);
        REQUIRE(policy.after(broken(), now).again);
        REQUIRE(budget->tokens() == 2);
        policy.succeeded();
        REQUIRE(budget->tokens() == 4);
    }
    retry_policy with_progress(request(), {}, budget, 1);
    failed_attempt piece = broken();
    piece.kept_bytes = 64 * 1024;
    CHECK(with_progress.after(piece, now).again); // which took none
    CHECK(budget->try_spend());
    with_progress.succeeded();
    CHECK(budget->tokens() == 3);
}

TEST_CASE("retry-budget: what is refused for want of a token alone says so")
{
    const auto none = std::make_shared<retry_budget>(0, 0.0);
    CHECK(retry_policy(request(), {}, none, 1).after(answered(503), now).over_budget);
    CHECK_FALSE(retry_policy(request(), {}, none, 1).after(answered(404), now).over_budget);
    CHECK_FALSE(retry_policy(request(), {.attempts = 1}, none, 1).after(answered(503), now).over_budget);
}

TEST_CASE("retry-budget: impossible numbers are bounded")
{
    retry_budget none(0, 1);
    none.succeeded();
    CHECK_FALSE(none.try_spend());
    CHECK(retry_budget(4'000'000'000u).tokens() == 1'000'000);
    retry_budget generous(1, 5);
    CHECK(generous.try_spend());
    CHECK_FALSE(generous.try_spend());
    generous.succeeded();
    CHECK(generous.tokens() == 1);
    retry_budget stingy(1, -1);
    CHECK(stingy.try_spend());
    stingy.succeeded();
    CHECK(stingy.tokens() == 0);
}

} // namespace
} // namespace retry_test
