#include <weir/http/source.hpp>

#include "digest_checker.hpp"
#include "download.hpp"
#include "parallel.hpp"
#include "single_source.hpp"

#include <weir/detail/run_on.hpp>
#include <weir/error.hpp>
#include <weir/stream_source.hpp>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <string>
#include <utility>

namespace weir::http {

namespace asio = boost::asio;

namespace {

/// What the pump of a stream source reads from.
class download_stream final : public detail::stream_reader {
public:
    download_stream(std::shared_ptr<download> work, asio::any_io_executor executor, std::uint64_t max_rate)
        : work_(std::move(work)), executor_(std::move(executor)), rate_(max_rate)
    {
    }
    asio::any_io_executor executor() override { return executor_; }
    asio::awaitable<detail::transfer> read_some(std::span<std::byte> into) override
    {
        if (pause_until_ > rate_limiter::clock::now()) {
            asio::steady_timer pause(executor_, pause_until_);
            co_await pause.async_wait(asio::use_awaitable);
        }
        const std::size_t got = co_await work_->read_some(into.first(rate_.portion(into.size())));
        pause_until_ = rate_.next_after(got, rate_limiter::clock::now());
        co_return detail::transfer{{}, got, got == 0};
    }

private:
    const std::shared_ptr<download> work_;
    const asio::any_io_executor executor_;
    rate_limiter rate_;
    rate_limiter::clock::time_point pause_until_{};
};

class pumped final : public stream_source_base {
public:
    pumped(std::unique_ptr<detail::stream_reader> stream, std::string name)
        : stream_source_base(std::move(stream), std::move(name))
    {
    }
};

/// One connection at a time.
class single_source final : public http_source {
public:
    single_source(std::shared_ptr<download> work, std::shared_ptr<download_counters> counters,
                  const asio::any_io_executor& executor, const source_options& options)
        : work_(std::move(work)), counters_(std::move(counters)),
          pump_(std::make_unique<download_stream>(work_, executor, options.max_rate), work_->from().to_string()),
          digests_(checker_for(work_->head(), work_->head().status != partial_content, options)),
          size_(size_behind(options, *work_->version())), options_(options)
    {
    }

    asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override
    {
        bytes got = co_await pump_.read(memory, max_bytes);
        for (const slice& piece : got)
            digests_.update({piece.data(), piece.size()});
        if (got.empty() && !ended_)
            judge_end(digests_, *work_, *counters_, options_, name());
        ended_ = got.empty();
        co_return got;
    }
    std::optional<std::uint64_t> size() const noexcept override { return size_; }
    known_version version() const override { return *work_->version(); }
    std::vector<stated_digest> stated() const override
    {
        // Of a part that the caller asked for, what is stated of the whole is no digest.
        return work_->head().status == partial_content ? std::vector<stated_digest>() : stated_in(work_->head());
    }
    std::size_t read_ahead_blocks() const noexcept override { return pump_.read_ahead_blocks(); }
    std::string_view name() const noexcept override { return pump_.name(); }
    asio::awaitable<void> close() override { return pump_.close(); }

    source_report report() const override
    {
        const download_counters::values counted = counters_->read();
        return {work_->from(),
                work_->head().status,
                work_->is_verifiable(),
                with_others(digests_.checked(), counters_->checked()),
                digests_.ignored(),
                work_->content_codings(),
                counted.attempts,
                counted.failures,
                counted.discarded_bytes};
    }

private:
    const std::shared_ptr<download> work_;
    const std::shared_ptr<download_counters> counters_;
    pumped pump_;
    digest_checker digests_;
    std::optional<std::uint64_t> size_;
    const source_options options_;
    bool ended_ = false;
};

void check(const source_options& options)
{
    if (!options.resume)
        return;
    const known_version& version = options.resume->version;
    const bool fits = options.resume->offset <= version.length.value_or(options.resume->offset)
        && (options.resume->offset == 0 || version.validator.is_strong()) && !options.check_whole
        && !options.header.contains("Range");
    if (!fits)
        throw error(errc::bad_configuration, "open", "source_options::resume");
}

asio::awaitable<void> drain(std::shared_ptr<download> work)
{
    std::byte byte;
    const std::span<std::byte> place(&byte, 1);
    for (std::size_t got = 1; got != 0;)
        got = co_await work->read_some(place);
}

} // namespace

void judge_end(digest_checker& digests, const download& work, const download_counters& counters, const source_options& options,
               std::string_view subject)
{
    digests.ignore(counters.ignored());
    digests.finish(work.trailer(), work.share(), subject);
    const bool is_doubtful = !work.is_verifiable() && digests.checked().empty() && counters.checked().empty();
    if (is_doubtful && options.notice && options.tell_of_doubt)
        options.notice(std::string(subject).append(": ").append(source_report::doubt));
}

bool wants_parts(const source_options& options)
{
    return options.parallel > 1 && options.max_rate == 0 && !options.header.contains("Range");
}

std::unique_ptr<http_source> make_single_source(std::shared_ptr<download> work,
                                                std::shared_ptr<download_counters> counters,
                                                const asio::any_io_executor& executor, const source_options& options)
{
    return std::make_unique<single_source>(std::move(work), std::move(counters), executor, options);
}

asio::awaitable<std::unique_ptr<http_source>> open_source(std::shared_ptr<client::impl> from, url target,
                                                          source_options options)
{
    check(options);
    const asio::any_io_executor executor = from->executor;
    const client::clock::time_point deadline = from->deadline();
    const download_target what{std::move(from), {"GET", std::move(target), options.header}, deadline};
    const auto counters = std::make_shared<download_counters>();
    const std::uint64_t start = options.resume ? options.resume->offset : 0;
    std::optional<known_version> known;
    if (start != 0)
        known = options.resume->version;
    std::shared_ptr<download> work;
    if (wants_parts(options) && !(known && known->length == start)) {
        const byte_span one_byte{start, start};
        work = std::make_shared<download>(what, one_byte, known, counters);
        co_await detail::run_on(executor, download::start(work));
        if (can_be_parallel(*work)) {
            co_await detail::run_on(executor, drain(work)); // its connection serves the first part
            response_head described = work->head();
            if (start == 0 && !options.expected && stated_in(described).empty())
                described = co_await detail::run_on(executor, describe_whole(work, what, counters));
            co_return make_parallel_source(what, std::move(work), std::move(described), counters, options);
        }
    }
    if (!work || work->is_part() || known) {
        work = std::make_shared<download>(what, std::nullopt, known, counters, start);
        co_await detail::run_on(executor, download::start(work));
    }
    co_return make_single_source(std::move(work), counters, executor, options);
}

asio::awaitable<std::unique_ptr<http_source>> open(client& from, url target, source_options options)
{
    return open_source(client_access::of(from), std::move(target), std::move(options));
}

asio::awaitable<std::unique_ptr<http_source>> open(client& from, url target)
{
    return open(from, std::move(target), source_options());
}

} // namespace weir::http
