#pragma once
// Whether a request that failed is tried again, and when: decisions only; who asks does the waiting.

#include <weir/export.hpp>
#include <weir/http/request.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace weir::http {

/// How much a client may repeat in all, so that a server in trouble is not drowned in retries.
///
/// A bucket of tokens, full at first: each retry takes one, but for one after progress. A request that succeeds gives back what
/// its own retries took, as there they helped, and a part of a token. So what passes is tried again however often it occurs,
/// while a server that is down is asked again `capacity` times and not for each of many requests.
/// \par Thread-safety
/// Shared by any threads.
/// \see gRFC A6, "Throttling retry attempts and hedged RPCs"; the retry quota of the AWS SDKs' standard mode
class WEIR_API retry_budget {
public:
    /// \param capacity  tokens, at most a million
    /// \param per_success  tokens a success gives back, from 0 to 1, exact to a thousandth
    explicit retry_budget(unsigned capacity = 100, double per_success = 0.1) noexcept;

    /// Takes a token. \returns  false if there is none
    [[nodiscard]] bool try_spend() noexcept;
    /// \param retries  tokens that the request took
    void succeeded(std::uint64_t retries = 0) noexcept;
    /// Whole tokens that are left.
    [[nodiscard]] unsigned tokens() const noexcept;

private:
    static constexpr std::int64_t token = 1000;
    const std::int64_t capacity_;
    const std::int64_t per_success_;
    std::atomic<std::int64_t> left_;
};

struct retry_options {
    unsigned attempts = 5;                                ///< in a row without progress, the first one counted
    std::chrono::milliseconds base{200};                  ///< the most that the first wait is; it doubles
    std::chrono::milliseconds cap{20'000};                ///< no wait of ours is longer
    std::chrono::milliseconds retry_after_limit{120'000}; ///< a server that asks for more is given up
    /// An attempt that brought so many new bytes is progress: the count of attempts and the waits begin afresh, and the
    /// budget is not charged. Not every byte is, so that a server that gives crumbs is not asked for ever.
    std::uint64_t progress_bytes = 64 * 1024;
    /// The caller says that doing it twice is as doing it once, whatever the method (an `Idempotency-Key`, a
    /// condition).
    bool assume_idempotent = false;
};

/// How an attempt ended that did not succeed.
struct failed_attempt {
    /// What broke, as `code_of` tells it, and the end of a connection as `errc::ended_early`; none if a bad status
    /// came.
    std::error_code error;
    unsigned status = 0;                    ///< of the answer; 0 if none came
    std::optional<std::string> retry_after; ///< the field of that answer
    bool sent = true;                       ///< a byte of the request may have reached the server
    bool answered = false;                  ///< a byte of an answer came
    bool reused_connection = false;         ///< the connection had served another request before
    std::uint64_t kept_bytes = 0;           ///< of the body, and need not be fetched again
    std::uint64_t discarded_bytes = 0;      ///< of the body, fetched for nothing
};

/// What to do about it.
struct retry_decision {
    bool again = false;
    std::chrono::milliseconds wait{0}; ///< before the next attempt
    bool fresh_connection = false;     ///< none that waited in a pool
    bool over_budget = false;          ///< it would be tried again, had the budget a token for it
    std::string_view reason;           ///< for people; lives as long as the program
};

/// Judges the attempts of one request.
///
/// Tried again are: failures of `weir::condition::retryable`, and the statuses 408, 425, 429, 500, 502, 503 and 504.
/// Not without a body that can be sent again; and a request that may have reached the server only if its method is
/// idempotent, or the status says that it was not carried out (425, 429). A connection out of a pool that dies before
/// the first byte of an answer was probably closed while it waited: that is tried again at once, on a fresh one, once,
/// and not counted.
///
/// The wait is between 0 and `base * 2^n`, at most `cap`, at random (full jitter). With 429 and 503 a `Retry-After` is
/// waited for at least, plus a random part of `base`.
/// \par Thread-safety
/// Distinct objects: any threads; the budget may be shared.
/// \see RFC 9110, sections 9.2.2 and 10.2.3; M. Brooker, "Exponential Backoff And Jitter"
class WEIR_API retry_policy {
public:
    using clock = std::chrono::system_clock;

    /// \param budget  of the client; null: no limit but the options'
    /// \param seed    of the random waits; nothing: one that the system gives, when there is something to wait for
    retry_policy(const request_head& request, const retry_options& options, std::shared_ptr<retry_budget> budget,
                 std::optional<std::uint64_t> seed = std::nullopt);

    /// Is told of each failed attempt, once.
    /// \param now   for a `Retry-After` that is a date
    /// \param left  until the deadline of the request; a wait that would end behind it is not begun
    [[nodiscard]] retry_decision after(const failed_attempt& failed, clock::time_point now,
                                       std::optional<std::chrono::nanoseconds> left = std::nullopt);

    /// Tells the budget that the request succeeded, once.
    void succeeded() noexcept;

    /// Attempts that were judged, all of them.
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }
    [[nodiscard]] std::uint64_t discarded_bytes() const noexcept { return discarded_bytes_; }
    [[nodiscard]] std::chrono::milliseconds waited() const noexcept { return waited_; }

private:
    [[nodiscard]] std::optional<std::string_view> objection(const failed_attempt& failed) const;
    [[nodiscard]] bool may_repeat(const failed_attempt& failed) const noexcept;
    [[nodiscard]] bool is_stale(const failed_attempt& failed) const noexcept;
    [[nodiscard]] std::chrono::milliseconds jitter(std::chrono::milliseconds most);
    [[nodiscard]] std::chrono::milliseconds back_off();
    [[nodiscard]] retry_decision wait_for(std::chrono::milliseconds wait, bool is_charged, std::string_view reason,
                                          std::optional<std::chrono::nanoseconds> left);

    retry_options options_;
    std::shared_ptr<retry_budget> budget_;
    std::optional<std::uint64_t> seed_; ///< of the next random wait
    bool idempotent_;
    request_body body_;
    bool replaced_stale_ = false;
    unsigned in_a_row_ = 0;
    std::uint64_t failures_ = 0;
    std::uint64_t charged_ = 0; ///< of the budget's tokens
    std::uint64_t discarded_bytes_ = 0;
    std::chrono::milliseconds waited_{0};
};

} // namespace weir::http
