#include "download.hpp"

#include "error_detail.hpp"
#include "grammar.hpp"

#include <weir/as_result.hpp>
#include <weir/error.hpp>
#include <weir/http/etag.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace weir::http {

namespace asio = boost::asio;
using kind = range_answer::kind;

namespace {

constexpr unsigned not_satisfiable = 416;
constexpr std::uint64_t no_end = std::uint64_t(-1);
constexpr std::uint64_t most_skipped = std::uint64_t{64} << 20; // for one part of several
constexpr std::size_t skipped_at_once = std::size_t{64} << 10;
constexpr std::size_t read_behind = std::size_t{4} << 10; // the data

} // namespace

std::size_t rate_limiter::portion(std::size_t room) const noexcept
{
    constexpr std::uint64_t portions_a_second = 20;
    if (rate_ == 0)
        return room;
    return static_cast<std::size_t>(std::clamp<std::uint64_t>(rate_ / portions_a_second, 1, room));
}

rate_limiter::clock::time_point rate_limiter::next_after(std::size_t bytes, clock::time_point now) noexcept
{
    if (rate_ == 0)
        return now;
    const std::chrono::duration<double> cost(static_cast<double>(bytes) / static_cast<double>(rate_));
    due_ = std::max(due_, now) + std::chrono::duration_cast<clock::duration>(cost);
    return due_;
}

download::download(download_target target, std::optional<byte_span> asked, std::optional<known_version> known,
                   std::shared_ptr<download_counters> counters, std::uint64_t start)
    : target_(std::move(target)), asked_(asked), known_(std::move(known)), counters_(std::move(counters)),
      policy_(target_.ask, target_.from->options.retry, target_.from->budget), from_(target_.ask.target),
      position_(asked ? asked->first : start), answer_end_(no_end)
{
    if (known_ && position_ == end()) // there is nothing to ask for
        done_ = verifiable_ = true;
}

asio::awaitable<void> download::start(std::shared_ptr<download> self) { co_await self->connect(); }

void download::put_back(std::span<const std::byte> first, std::span<const std::byte> then)
{
    returned_.assign(first.begin(), first.end());
    returned_.insert(returned_.end(), then.begin(), then.end());
    given_again_ = 0;
}

asio::awaitable<std::size_t> download::read_some(std::span<std::byte> into)
{
    if (given_again_ != returned_.size()) {
        const std::size_t count = std::min(into.size(), returned_.size() - given_again_);
        std::copy_n(returned_.begin() + static_cast<std::ptrdiff_t>(given_again_), count, into.begin());
        given_again_ += count;
        co_return count;
    }
    while (!done_) {
        if (!answer_)
            co_await connect();
        if (done_)
            break;
        const std::uint64_t left = std::min(end().value_or(no_end), answer_end_) - position_;
        if (left == 0) {
            co_await read_end();
            end_answer();
            continue;
        }
        const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left));
        const result<std::size_t> read = co_await as_result(answer_->read_some(into.first(room)));
        if (!read) {
            co_await wait_to_retry(read.exception());
            continue;
        }
        if (*read == 0) {
            end_answer();
            continue;
        }
        position_ += *read;
        failing_.kept_bytes += *read;
        if (answer_digests_)
            answer_digests_->update(into.first(*read));
        co_return *read;
    }
    co_return 0;
}

/// What stands behind the data that was asked for: the last chunk, and the trailer, or the end of the connection. Who breaks off
/// there has sent all of the data: no other attempt would bring more of it.
asio::awaitable<void> download::read_end()
{
    if (asked_ && !part_) { // all of the object, in place of a part
        leave_unchecked("no more than a part of the answer was read");
        co_return;
    }
    if (answer_->done())
        co_return;
    std::vector<std::byte> behind(read_behind);
    const result<std::size_t> read = co_await as_result(answer_->read_some(behind));
    if (!read && read.code() != condition::retryable)
        std::rethrow_exception(read.exception());
    if (!read)
        leave_unchecked("the answer broke off");
    else if (*read != 0)
        throw error(errc::protocol_violation, "read", from_.to_string(), position_, "more data than the answer says it has");
}

/// The answer is over, which is the end of all where there is nothing left to ask for.
void download::end_answer()
{
    trailer_ = answer_->trailer();
    check_answer();
    answer_.reset();
    const bool open_end = part_ && !end();
    if (open_end || position_ < end().value_or(position_)) {
        if (failing_.kept_bytes == 0)
            throw error(errc::protocol_violation, "read", from_.to_string(), position_, "a range without a byte");
        if (has_own_range())
            throw error(errc::protocol_violation, "read", from_.to_string(), position_, "less data than the answer says it has");
        return; // servers may send less than was asked for: the rest is asked for again
    }
    verifiable_ = verifiable_ || end();
    done_ = true;
    policy_.succeeded();
}

/// What the consumer computes is of the object: of the content of a part, or of an answer that was begun before, nobody
/// else has all. \throws weir::error  `errc::mismatch`: what was given is not what was sent
void download::check_answer()
{
    if (!answer_digests_)
        return;
    digest_checker digests = std::move(*answer_digests_);
    answer_digests_.reset();
    digests.finish(trailer_, answer_share::all, from_.to_string());
    counters_->checked(digests.checked());
    counters_->ignored(digests.ignored());
}

/// Tells of what the present answer states of its content.
void download::leave_unchecked(std::string_view reason)
{
    if (!answer_digests_)
        return;
    std::vector<std::string> unchecked;
    for (const stated_digest& each : answer_digests_->wanted())
        unchecked.push_back(std::string(each.field).append(": ").append(reason));
    counters_->ignored(unchecked);
    answer_digests_.reset();
}

/// Begins to watch the content of the answer that was judged.
void download::watch_digests(bool is_first)
{
    answer_digests_.reset();
    if (answer_ && (!is_first || to_skip_ > 0 || answer_->head().status == partial_content))
        answer_digests_ = digest_checker::of_answer(answer_->head(), position_);
}

/// Asks until there is an answer to read from.
asio::awaitable<void> download::connect()
{
    while (!answer_ && !done_) {
        failing_ = failed_attempt();
        counters_->attempted();
        const result<void> asked = co_await as_result(ask());
        if (!asked)
            co_await wait_to_retry(asked.exception());
    }
}

asio::awaitable<void> download::ask()
{
    const std::optional<byte_range> wanted = range();
    response got = co_await target_.from->send(next_request(), target_.deadline, target_.keeper);
    answer_ = std::move(got);
    const bool nothing_there = !known_ && asked_ && answer_->head().status == not_satisfiable;
    if (nothing_there) {
        answer_.reset(); // with its connection, before another is asked for
        asked_.reset();  // an empty object has no range at all
        response whole = co_await target_.from->send(next_request(), target_.deadline, target_.keeper);
        answer_ = std::move(whole);
    }
    judge(nothing_there ? std::nullopt : wanted);
    if (to_skip_ > 0)
        co_await skip();
}

void download::judge(const std::optional<byte_range>& range)
{
    failing_.answered = true;
    to_skip_ = 0;
    answer_end_ = no_end;
    const bool is_first = answers_ == 0;
    if (is_first) {
        verifiable_ = answer_->how().is_verifiable();
        from_ = answer_->from();
    }
    if (!known_) {
        judge_first(range);
        watch_digests(is_first);
        first_head_ = answer_->take_head();
    }
    else {
        if (is_first)
            first_head_ = answer_->head();
        judge_again(range);
        verifiable_ = verifiable_ && (!answer_ || answer_->how().is_verifiable());
        watch_digests(is_first);
    }
    ++answers_;
}

/// \throws weir::error  with the URL: what judges it knows the field alone
range_answer download::judged(const byte_range& range) const
{
    const response_head& head = answer_->head();
    try {
        return judge_range_answer(range, known_, head.status, head.header);
    }
    catch (const error& broken) {
        throw error(broken.code(), "read answer of", from_.to_string(), std::nullopt, broken.what());
    }
}

void download::judge_first(const std::optional<byte_range>& range)
{
    const response_head& head = answer_->head();
    known_version found{validator::of(head.header), std::nullopt, codings_of(head.header)};
    if (range) {
        const range_answer answer = judged(*range);
        part_ = answer.what == kind::part;
        if (part_) {
            answer_end_ = answer.range->sent->last + 1;
            found.length = answer.range->complete_length;
            if (found.length)
                asked_->last = std::min(asked_->last, *found.length - 1);
        }
        else if (answer.what == kind::whole || (answer.what == kind::other && head.status / 100 == 2)) {
            asked_.reset(); // nothing is known of ranges: the body is what a request without one gives
        }
        else {
            raise_status();
        }
    }
    else if (head.status / 100 != 2 || (head.status == partial_content && !has_own_range())) {
        raise_status();
    }
    else if (head.status == partial_content) {
        // Several ranges are the caller's business, as are those of other units: all of the body is given.
        if (const auto own = byte_range::parse(target_.ask.header.find_only("Range").value_or("")))
            found.length = judged(*own).range->sent->size();
    }
    if (!part_ && answer_->how().end == body_end::length)
        found.length = answer_->how().length;
    known_ = std::move(found);
}

void download::judge_again(const std::optional<byte_range>& range)
{
    const response_head& head = answer_->head();
    range_answer answer;
    if (range)
        answer = judged(*range);
    else if (head.status == first_head_.status) {
        // Where the caller asks for a part it is the same part.
        const auto part = head.header.find_only("Content-Range"), first_part = first_head_.header.find_only("Content-Range");
        answer.what = part == first_part && is_like_first(head) ? kind::whole : kind::changed;
    }
    switch (answer.what) {
    case kind::part:
        part_ = true;
        answer_end_ = answer.range->sent->last + 1;
        if (!known_->length)
            known_->length = answer.range->complete_length;
        break;
    case kind::whole: // no ranges here; the same bytes from the start will do
        if (range && !known_->validator.certainly_same(validator::of(head.header)))
            raise_changed();
        if (asked_ && position_ > most_skipped)
            throw error(errc::protocol_violation, "read", from_.to_string(), position_, "there are no ranges any more");
        part_ = false;
        to_skip_ = position_;
        break;
    case kind::beyond_end: // where the length was not known, that is how the end is
        if (!answer.range || answer.range->complete_length != position_ || known_->length)
            raise_changed();
        answer_.reset();
        done_ = true;
        policy_.succeeded();
        break;
    case kind::changed: raise_changed();
    case kind::other: raise_status();
    }
}

/// For a request without a range, made again because nothing of the first answer's body was given. What its head said
/// was given: another one would not fit.
bool download::is_like_first(const response_head& again) const
{
    const validator found = validator::of(again.header);
    return content_length(again.header) == content_length(first_head_.header)
        && codings_of(again.header) == known_->codings && found.tag() == known_->validator.tag()
        && found.last_modified() == known_->validator.last_modified();
}

/// Drops what was given before.
asio::awaitable<void> download::skip()
{
    std::vector<std::byte> dropped(skipped_at_once);
    while (to_skip_ > 0) {
        const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(dropped.size(), to_skip_));
        const std::size_t got = co_await answer_->read_some(std::span(dropped).first(most));
        if (got == 0)
            raise_changed();
        to_skip_ -= got;
        counters_->discarded(got);
        failing_.discarded_bytes += got;
        if (answer_digests_)
            answer_digests_->update(std::span(dropped).first(got));
    }
}

request_head download::next_request() const
{
    request_head ask = target_.ask;
    const std::optional<byte_range> wanted = range();
    if (wanted)
        ask.header.set("Range", wanted->to_string());
    if (wanted && known_)
        (void)known_->validator.demand_in(ask.header); // of a weak one: the answer is judged in any case
    return ask;
}

std::optional<byte_range> download::range() const
{
    if (asked_)
        return byte_range::part(position_, asked_->last - position_ + 1);
    if (position_ > 0)
        return byte_range::from(position_);
    return std::nullopt;
}

std::optional<std::uint64_t> download::end() const noexcept
{
    if (asked_)
        return asked_->last + 1;
    return known_ ? known_->length : std::nullopt;
}

bool download::can_take_up() const noexcept
{
    const bool begun = answers_ > 0 && position_ > 0;
    return !begun || (known_->validator.is_strong() && !has_own_range());
}

/// \throws  `cause` where there is no other attempt
asio::awaitable<void> download::wait_to_retry(std::exception_ptr cause)
{
    answer_.reset();
    leave_unchecked("the answer broke off");
    note_refusal(cause);
    failing_.error = failing_.status != 0 ? std::error_code() : code_of(cause);
    if (failing_.error == errc::version_changed || failing_.error == condition::cancelled || !can_take_up())
        std::rethrow_exception(cause);
    std::optional<std::chrono::nanoseconds> left;
    const auto now = client::clock::now();
    if (target_.deadline != client::clock::time_point::max())
        left = target_.deadline - now;
    const retry_decision decision = policy_.after(failing_, std::chrono::system_clock::now(), left);
    if (!decision.again)
        give_up(cause, decision);
    counters_->failed();
    failing_ = failed_attempt();
    if (const auto kept = target_.keeper.lock())
        kept->release();
    asio::steady_timer pause(target_.from->executor, decision.wait);
    co_await pause.async_wait(asio::use_awaitable);
}

bool download::was_refused() const noexcept
{
    constexpr unsigned too_many_requests = 429, service_unavailable = 503;
    return failing_.status == too_many_requests || failing_.status == service_unavailable
        || failing_.error == std::errc::connection_refused;
}

/// A proxy's answer to CONNECT is judged as any other, with the wait that it asks for.
void download::note_refusal(const std::exception_ptr& cause)
{
    try {
        std::rethrow_exception(cause);
    }
    catch (const proxy_refusal& refusal) {
        failing_.status = refusal.status();
        failing_.retry_after = refusal.retry_after();
    }
    catch (...) {
    }
}

/// Who was asked to wait and does not is told why, and who would have another try but for other requests.
void download::give_up(const std::exception_ptr& cause, const retry_decision& decision) const
{
    if (!failing_.retry_after && !decision.over_budget)
        std::rethrow_exception(cause);
    std::string remark = decision.over_budget ? "not tried again: " : "";
    if (failing_.retry_after) {
        const auto limit = std::chrono::floor<std::chrono::seconds>(target_.from->options.retry.retry_after_limit);
        remark = "Retry-After " + grammar::printable(*failing_.retry_after) + ", at most " + std::to_string(limit.count()) + " s: ";
    }
    remark += decision.reason;
    try {
        std::rethrow_exception(cause);
    }
    catch (const status_error& known) {
        throw status_error(known, remark);
    }
    catch (const error& known) {
        throw with_remark(known, remark);
    }
}

void download::raise_status()
{
    const response_head& head = answer_->head();
    failing_.status = head.status;
    if (const auto when = head.header.find_only("Retry-After"))
        failing_.retry_after = std::string(*when);
    throw status_error("get", answer_->from(), head);
}

void download::raise_changed() const
{
    throw error(errc::version_changed, "read", from_.to_string(), position_);
}

std::vector<std::string> download::content_codings() const
{
    if (first_head_.status == partial_content && !asked_)
        return {}; // of a part, by a range that is the caller's or behind what is kept
    return known_->codings;
}

} // namespace weir::http
