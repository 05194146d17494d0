#include <weir/http/fetch.hpp>

#include "digest_checker.hpp"
#include "single_source.hpp"

#include <weir/as_result.hpp>
#include <weir/cancel.hpp>
#include <weir/detail/async_event.hpp>
#include <weir/detail/run_on.hpp>
#include <weir/error.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

namespace weir::http {

namespace asio = boost::asio;

namespace {

/// What the children of one call share. Each has a strand of the client's executor, and takes requests as long as there
/// are any; what it refers to it keeps, since an executor that ends may take the one that waits for it.
class fetch_group {
public:
    fetch_group(std::shared_ptr<client::impl> from, std::vector<url_request> requests, source_options options)
        : from_(std::move(from)), options_(std::move(options)), requests_(std::move(requests))
    {
    }

    static void start(const std::shared_ptr<fetch_group>& self, std::size_t connections)
    {
        for (std::size_t i = 0; i < std::min(connections, self->requests_.size()); ++i) {
            const auto child = std::make_shared<detail::child_control>(self->from_->executor);
            self->children_.push_back(child);
            self->running_.fetch_add(1);
            detail::async_run_child(child, run(self), [end = under_way(self)](const result<void>&) {});
        }
    }

    /// Until all children have ended. Once there is a source the others have a little time: nobody reads it before.
    [[nodiscard]] static asio::awaitable<void> wait(std::shared_ptr<fetch_group> self)
    {
        co_await wait_for(self, &fetch_group::has_ended_or_source);
        if (self->has_ended()) // as most do: a deadline would be for nothing
            co_return;
        const bool in_time = co_await has_ended_within(self, begins_for);
        if (in_time)
            co_return;
        self->stopped_ = true;
        if (self->from_->pool.statistics().waiting == 0) { // else they may wait for the connections that sources have
            const bool answered = co_await has_ended_within(self, answered_within);
            if (answered)
                co_return;
        }
        self->cancel();
        co_await wait_for_end(self);
    }

    [[nodiscard]] static asio::awaitable<void> wait_for_end(std::shared_ptr<fetch_group> self)
    {
        return wait_for(std::move(self), &fetch_group::has_ended);
    }

    void cancel()
    {
        stopped_ = cancelled_ = true;
        for (const auto& each : children_)
            detail::child_control::cancel(each, asio::cancellation_type::terminal);
    }

    /// \pre no child runs
    [[nodiscard]] std::vector<url_request> take() { return std::move(requests_); }

private:
    static constexpr std::chrono::seconds begins_for{1}, answered_within{10};
    /// A body of unknown length that has not ended by then is one that comes slowly, or for ever.
    static constexpr std::chrono::seconds soon{1};

    [[nodiscard]] bool has_ended() const noexcept { return running_ == 0; }
    [[nodiscard]] bool has_ended_or_source() const noexcept { return running_ == 0 || has_source_; }

    [[nodiscard]] static asio::awaitable<bool> has_ended_within(std::shared_ptr<fetch_group> self,
                                                                std::chrono::seconds time)
    {
        const auto limit = std::chrono::steady_clock::now() + time;
        const result<void> ended = co_await as_result(with_deadline(wait_for_end(std::move(self)), limit));
        if (!ended && ended.code() != errc::deadline_exceeded)
            ended.value();
        co_return ended.has_value();
    }

    [[nodiscard]] static asio::awaitable<void> wait_for(std::shared_ptr<fetch_group> self,
                                                        bool (fetch_group::*what)() const noexcept)
    {
        for (;;) {
            self->changed_.reset(); // before the look: what is set after it is not lost
            if ((*self.*what)())
                break;
            co_await self->changed_.async_wait(asio::use_awaitable);
        }
    }

    /// However a child ends, also with a handler that is destroyed: the one who waits hears of it.
    class under_way {
    public:
        explicit under_way(std::shared_ptr<fetch_group> of) noexcept : of_(std::move(of)) {}
        under_way(under_way&&) noexcept = default;
        under_way& operator=(under_way&&) = delete;
        ~under_way()
        {
            if (of_ && of_->running_.fetch_sub(1) == 1)
                of_->changed_.set();
        }

    private:
        std::shared_ptr<fetch_group> of_;
    };

    static asio::awaitable<void> run(std::shared_ptr<fetch_group> self)
    {
        const auto mine = std::make_shared<kept_connection>();
        for (;;) {
            const std::size_t next = self->next_.fetch_add(1);
            if (next >= self->requests_.size() || self->stopped_)
                break;
            url_request& request = self->requests_[next];
            const result<void> fetched = co_await as_result(self->fetch(request, mine));
            if (!fetched && !self->cancelled_)
                request.failure = fetched.exception();
            if (!request.input)
                continue;
            if (wants_parts(self->options_)) // it may need the connections of the others
                self->stopped_ = true;
            self->has_source_ = true;
            self->changed_.set();
            break; // with the connection
        }
    }

    std::shared_ptr<download> begin(url_request& request, std::weak_ptr<kept_connection> keeper,
                                    std::shared_ptr<download_counters> counters) const
    {
        request_head ask{"GET", url::parse(request.url), options_.header, request_body::none};
        request.shown = ask.target.to_string();
        download_target what{from_, std::move(ask), from_->deadline(), std::move(keeper)};
        return std::make_shared<download>(std::move(what), std::nullopt, std::nullopt, std::move(counters));
    }

    asio::awaitable<void> fetch(url_request& request, const std::shared_ptr<kept_connection>& keeper)
    {
        const auto counters = std::make_shared<download_counters>();
        auto work = begin(request, keeper, counters);
        co_await download::start(work);
        if (may_fit(work->version()->length, request.room)) {
            const bool is_whole = co_await read_whole(*work, request, *counters);
            if (is_whole)
                co_return;
        }
        if (wants_parts(options_) && work->version()->length) {
            work.reset();
            keeper->release(); // parts have connections of their own: nobody waits for one and keeps one
            std::unique_ptr<http_source> opened = co_await open_source(from_, url::parse(request.url), options_);
            request.content_codings = opened->report().content_codings;
            request.input = std::move(opened);
        }
        else {
            request.content_codings = work->content_codings();
            request.input = make_single_source(std::move(work), counters, from_->executor, options_);
        }
    }

    [[nodiscard]] bool may_fit(std::optional<std::uint64_t> length, buffer& room) const
    {
        const std::size_t spare = room.spare().size();
        return options_.max_rate == 0 && (length ? *length <= spare : spare != 0);
    }

    /// \returns  whether the body ended before its room did, and soon; else `work` gives all of it once more
    asio::awaitable<bool> read_whole(download& work, url_request& request, const download_counters& counters)
    {
        digest_checker digests = checker_for(work.head(), work.head().status != partial_content, options_);
        const bool has_length = work.version()->length.has_value();
        const auto limit = std::chrono::steady_clock::now() + soon;
        std::byte beyond{};
        for (;;) {
            const bool is_full = request.room.spare().empty();
            const std::span<std::byte> place = is_full ? std::span(&beyond, 1) : request.room.spare();
            const std::size_t got = co_await work.read_some(place);
            if (got == 0)
                break;
            digests.update(place.first(got));
            if (!is_full)
                request.room.commit(got);
            if (is_full || (!has_length && std::chrono::steady_clock::now() > limit)) {
                work.put_back(request.room.span(), is_full ? place : std::span<std::byte>());
                request.room.clear();
                co_return false;
            }
        }
        judge_end(digests, work, counters, options_, request.shown);
        request.content_codings = work.content_codings();
        request.is_whole = true;
        co_return true;
    }

    const std::shared_ptr<client::impl> from_;
    const source_options options_;
    std::vector<url_request> requests_; ///< each is its child's
    std::vector<std::shared_ptr<detail::child_control>> children_;
    std::atomic<std::size_t> next_{0};
    std::atomic<std::size_t> running_{0};
    std::atomic<bool> has_source_{false};
    std::atomic<bool> stopped_{false};   ///< no other request is begun
    std::atomic<bool> cancelled_{false}; ///< those that are under way have no answer
    detail::async_event changed_;        ///< the first source, or the end of the last child
};

asio::awaitable<std::vector<url_request>> fetch_through(std::shared_ptr<client::impl> from,
                                                        std::vector<url_request> requests, source_options options,
                                                        std::size_t connections)
{
    options.resume.reset();
    const auto group = std::make_shared<fetch_group>(std::move(from), std::move(requests), std::move(options));
    fetch_group::start(group, std::max<std::size_t>(connections, 1));
    const result<void> waited = co_await as_result(fetch_group::wait(group));
    if (!waited) {
        group->cancel();
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await fetch_group::wait_for_end(group);
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
        waited.value();
    }
    co_return group->take();
}

} // namespace

asio::awaitable<std::vector<url_request>> fetch_all(client& from, std::vector<url_request> requests,
                                                    source_options options, std::size_t connections)
{
    return fetch_through(client_access::of(from), std::move(requests), std::move(options), connections);
}

} // namespace weir::http
