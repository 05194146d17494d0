#pragma once
// A body, or a part of one, that is taken up again where it broke.

#include "client_impl.hpp"
#include "digest_checker.hpp"

#include <weir/detail/stream_adaptors.hpp>
#include <weir/http/range.hpp>
#include <weir/http/range_answer.hpp>
#include <weir/http/retry.hpp>
#include <weir/http/source.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weir::http {

/// What is asked for, by every request of a source.
struct download_target {
    std::shared_ptr<client::impl> from;
    request_head ask; ///< a GET of all of it
    client::clock::time_point deadline;
    std::weak_ptr<kept_connection> keeper = {}; ///< where these are requests among others
};

/// `texts` and those of `others` that are not among them.
[[nodiscard]] inline std::vector<std::string> with_others(std::vector<std::string> texts, const std::vector<std::string>& others)
{
    for (const std::string& each : others)
        if (std::ranges::find(texts, each) == texts.end())
            texts.push_back(each);
    return texts;
}

/// What was fetched, and how often; shared by the parts of a source.
class download_counters {
public:
    struct values {
        std::uint64_t attempts = 0;
        std::uint64_t failures = 0;
        std::uint64_t discarded_bytes = 0;
    };

    void attempted() noexcept { attempts_.fetch_add(1, std::memory_order_relaxed); }
    void failed() noexcept { failures_.fetch_add(1, std::memory_order_relaxed); }
    void discarded(std::uint64_t bytes) noexcept { discarded_.fetch_add(bytes, std::memory_order_relaxed); }
    [[nodiscard]] values read() const noexcept { return {attempts_.load(), failures_.load(), discarded_.load()}; }

    /// Digests of single answers: that were right, and that could not be checked, with the reason. Each is noted once.
    void checked(const std::vector<std::string>& fields) { note(checked_, fields); }
    void ignored(const std::vector<std::string>& texts) { note(ignored_, texts); }
    [[nodiscard]] std::vector<std::string> checked() const { return copy_of(checked_); }
    [[nodiscard]] std::vector<std::string> ignored() const { return copy_of(ignored_); }

private:
    void note(std::vector<std::string>& all, const std::vector<std::string>& more)
    {
        const std::lock_guard lock(mutex_);
        all = with_others(std::move(all), more);
    }
    [[nodiscard]] std::vector<std::string> copy_of(const std::vector<std::string>& all) const
    {
        const std::lock_guard lock(mutex_);
        return all;
    }

    std::atomic<std::uint64_t> attempts_{0}, failures_{0}, discarded_{0};
    mutable std::mutex mutex_; // guards what follows
    std::vector<std::string> checked_, ignored_;
};

/// Keeps a stream to a rate, by pauses after its reads.
class rate_limiter {
public:
    using clock = std::chrono::steady_clock;

    /// \param bytes_per_second  0: no limit
    explicit rate_limiter(std::uint64_t bytes_per_second) noexcept : rate_(bytes_per_second) {}
    /// How much of `room` to read at once, so that pauses stay short.
    [[nodiscard]] std::size_t portion(std::size_t room) const noexcept;
    /// When to read again after `bytes` came at `now`; past if at once.
    [[nodiscard]] clock::time_point next_after(std::size_t bytes, clock::time_point now) noexcept;

private:
    std::uint64_t rate_;
    clock::time_point due_{};
};

/// Reads the bytes of `asked` of one version, through as many requests as it takes.
class download {
public:
    /// \param asked  nothing: everything, as a request without a range gives it
    /// \param known  nothing: the first answer says which version it is
    /// \param start  of everything, the bytes behind these; of no use with `asked`
    download(download_target target, std::optional<byte_span> asked, std::optional<known_version> known,
             std::shared_ptr<download_counters> counters, std::uint64_t start = 0);

    download(const download&) = delete;
    download& operator=(const download&) = delete;
    /// Who leaves an answer that it was given has not failed.
    ~download()
    {
        if (answer_)
            policy_.succeeded();
    }

    /// Sends the first request and judges its answer. \throws  as `http::open`
    [[nodiscard]] static boost::asio::awaitable<void> start(std::shared_ptr<download> self);
    /// \returns  0 at the end
    [[nodiscard]] boost::asio::awaitable<std::size_t> read_some(std::span<std::byte> into);
    /// What was read comes once more, before anything else. \pre it is all that was read
    void put_back(std::span<const std::byte> first, std::span<const std::byte> then);

    // After `start`:
    /// Of the first answer.
    [[nodiscard]] const response_head& head() const noexcept { return first_head_; }
    [[nodiscard]] const url& from() const noexcept { return from_; }
    [[nodiscard]] bool is_verifiable() const noexcept { return verifiable_; }
    [[nodiscard]] const std::optional<known_version>& version() const noexcept { return known_; }
    /// Whether the first answer was the range that was asked for, and not everything.
    [[nodiscard]] bool is_part() const noexcept { return part_; }
    /// Of the last answer, once all was read.
    [[nodiscard]] const fields& trailer() const noexcept { return trailer_; }
    [[nodiscard]] answer_share share() const noexcept
    {
        if (answers_ == 1)
            return answer_share::all;
        return part_ ? answer_share::part : answer_share::whole;
    }
    /// Of what was thrown last: whether all attempts ended with a server that serves nobody more just now (429, 503, or the
    /// connection is refused).
    [[nodiscard]] bool was_refused() const noexcept;
    /// As `source_report` has them.
    [[nodiscard]] std::vector<std::string> content_codings() const;

private:
    [[nodiscard]] boost::asio::awaitable<void> connect();
    [[nodiscard]] boost::asio::awaitable<void> ask();
    [[nodiscard]] boost::asio::awaitable<void> skip();
    [[nodiscard]] boost::asio::awaitable<void> read_end();
    [[nodiscard]] boost::asio::awaitable<void> wait_to_retry(std::exception_ptr cause);
    [[noreturn]] void give_up(const std::exception_ptr& cause, const retry_decision& decision) const;
    void note_refusal(const std::exception_ptr& cause);
    [[nodiscard]] range_answer judged(const byte_range& range) const;
    [[nodiscard]] request_head next_request() const;
    [[nodiscard]] std::optional<byte_range> range() const;
    [[nodiscard]] std::optional<std::uint64_t> end() const noexcept;
    [[nodiscard]] bool can_take_up() const noexcept;
    [[nodiscard]] bool has_own_range() const noexcept { return target_.ask.header.contains("Range"); }
    [[nodiscard]] bool is_like_first(const response_head& again) const;
    void judge(const std::optional<byte_range>& range);
    void judge_first(const std::optional<byte_range>& range);
    void judge_again(const std::optional<byte_range>& range);
    void watch_digests(bool is_first);
    void check_answer();
    void leave_unchecked(std::string_view reason);
    void end_answer();
    [[noreturn]] void raise_status();
    [[noreturn]] void raise_changed() const;

    const download_target target_;
    std::optional<byte_span> asked_;
    std::optional<known_version> known_;
    const std::shared_ptr<download_counters> counters_;
    retry_policy policy_;
    std::optional<response> answer_; // the present one
    std::optional<digest_checker> answer_digests_; // of its content, where nobody else has all of that
    failed_attempt failing_;         // what is known of how the present attempt goes
    response_head first_head_;
    url from_;
    fields trailer_;
    std::vector<std::byte> returned_; // to give first
    std::size_t given_again_ = 0;     // of these
    std::uint64_t position_;     // of the next byte to give, in the object
    std::uint64_t answer_end_;   // where the present answer says that it ends
    std::uint64_t to_skip_ = 0;  // bytes of the present answer that were given before
    unsigned answers_ = 0;
    bool verifiable_ = false;
    bool part_ = false;
    bool done_ = false;
};

/// Of what a source of these options gives.
[[nodiscard]] inline std::optional<std::uint64_t> size_behind(const source_options& options,
                                                              const known_version& version) noexcept
{
    if (!version.length || !options.resume)
        return version.length;
    return *version.length - options.resume->offset;
}

} // namespace weir::http
