#include <weir/ingest.hpp>

#include "lane_group.hpp"

#include <weir/error.hpp>
#include <weir/http/fields.hpp>
#include <weir/observer.hpp>
#include <weir/reading.hpp>
#include <weir/unique_counter.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace weir {

namespace asio = boost::asio;
using clock = std::chrono::steady_clock;

stream_history::~stream_history() = default;
resumable_source::~resumable_source() = default;
ingest_sink::~ingest_sink() = default;

bool is_url(std::string_view argument) noexcept
{
    for (const std::string_view almost : {"http:/", "https:/"}) // it may name somebody, and is refused without being shown
        if (http::same_name(argument.substr(0, almost.size()), almost))
            return true;
    const std::size_t end = argument.find("://");
    if (end == std::string_view::npos || end == 0)
        return false;
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'; };
    return letter(argument.front()) && std::ranges::all_of(argument.substr(0, end), inner);
}

namespace {

// The executor of the caller has other work too: its timers wait no longer than this for the sink.
constexpr auto sink_turn = std::chrono::microseconds(500);

/// The sizes with the largest chunks that files may be cut with; all rows of the table are valid then.
chunker_options largest_sizes(const ingest_options& options)
{
    chunker_options largest;
    for (const std::uint64_t size : {std::uint64_t{0}, options.sizes->small_file_threshold,
                                     options.sizes->medium_file_threshold, options.sizes->huge_file_threshold}) {
        const chunker_options row = chunker_for(options.chunker, options.sizes, size);
        if (row.max > largest.max)
            largest = row;
    }
    return largest;
}

/// Files that are read past the cache, or missed in it, want at least one block with the system.
constexpr std::size_t least_read_ahead = 1;

ingest_options checked(ingest_options options, const engine& owner)
{
    if (options.sizes)
        options.sizes->validate();
    else
        options.chunker = resolve(options.chunker);
    const chunker_options largest = options.sizes ? largest_sizes(options) : options.chunker;
    if (options.batch_files == 0 || options.batch_files > 4096)
        throw error(errc::bad_configuration, "ingest", "batch_files", std::nullopt,
                    std::to_string(options.batch_files) + " is not in 1 to 4096");
    const std::size_t needed = required_memory_bytes(largest, least_read_ahead, owner.block_bytes());
    if (needed > owner.memory_bytes())
        throw error(errc::pool_too_small, "ingest", {}, std::nullopt,
                    std::to_string(needed) + " bytes are needed for chunks of up to " + std::to_string(largest.max)
                        + ", the limit is " + std::to_string(owner.memory_bytes()));
    owner.ensure_accepting("ingest", {});
    return options;
}

} // namespace

class ingest_job::impl {
public:
    impl(engine& owner, ingest_options options, ingest_sink& output)
        : jobs_(options.jobs != 0 ? options.jobs : owner.workers().size()),
          work_(std::make_shared<detail::ingest_work>(owner, checked(std::move(options), owner), jobs_)),
          lanes_(std::make_shared<detail::lane_group>(work_)), output_(output),
          backend_(resolve_backend(owner.executor(), work_->options.backend)),
          kernels_("cut=" + std::string(chunker(chunker_for(work_->options.chunker, work_->options.sizes, 0)).kernel())
                   + " digest=" + std::string(multi_hasher(work_->options.hash).kernel()))
    {
        const chunker_options largest = work_->options.sizes ? largest_sizes(work_->options) : work_->options.chunker;
        const std::size_t block = owner.block_bytes();
        const std::size_t spare = (owner.memory_bytes() - required_memory_bytes(largest, 0, block)) / block;
        work_->read_ahead_blocks = std::clamp(spare, least_read_ahead, work_->read_ahead_blocks);
    }

    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;

    /// A job that is destroyed while it runs, with a caller's context that was stopped, leaves lanes behind.
    ~impl() { lanes_->cancel(); }

    asio::awaitable<void> run(path_supplier paths)
    {
        co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
        started_ = clock::now();
        work_->paths = std::move(paths);
        timed_event told(work_->owner.observer(), event_kind::flow, "ingest");
        start_lanes();
        std::exception_ptr failure;
        try {
            co_await deliver();
        }
        catch (...) {
            failure = std::current_exception();
        }
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        if (failure)
            co_await stop_lanes();
        // The state is the caller's too, who may be cancelled later.
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
        entry_.reset();
        ended_ = clock::now();
        if (!failure)
            failure = work_->reports.failure();
        if (failure && code_of(failure) == condition::cancelled && !work_->owner.accepting())
            failure = std::make_exception_ptr(error(errc::closed, "ingest"));
        tell(told, failure);
        if (failure)
            std::rethrow_exception(failure);
    }

    [[nodiscard]] ingest_summary summary() const
    {
        std::unique_lock lock(mutex_);
        ingest_summary out = sums_;
        out.unique_chunks = unique_.unique_chunks();
        out.unique_bytes = unique_.unique_bytes();
        out.unique_exact = unique_.exact();
        lock.unlock();
        out.skipped = work_->skipped.load(std::memory_order_relaxed);
        const clock::time_point started = started_;
        const clock::time_point ended = ended_;
        if (started != clock::time_point())
            out.elapsed = (ended != clock::time_point() ? ended : clock::now()) - started;
        out.backend = to_string(backend_);
        out.fallback = file_statistics(work_->owner.executor()).fallback;
        out.kernels = kernels_;
        out.stages = work_->stages();
        return out;
    }

private:
    /// Started before they are registered, and registered before the look: a clean-up stops them or is seen.
    void start_lanes()
    {
        lanes_->start(jobs_);
        entry_ = work_->owner.resources().add({.kind = resource_kind::flow, .name = "ingest", .target = lanes_});
        if (!work_->owner.accepting())
            lanes_->cancel();
    }

    void tell(timed_event& told, const std::exception_ptr& failure) const
    {
        std::lock_guard lock(mutex_);
        if (failure)
            told.fail(code_of(failure), sums_.bytes, sums_.files);
        else
            told.succeed(sums_.bytes, sums_.files);
    }

    asio::awaitable<void> stop_lanes()
    {
        lanes_->cancel();
        while (detail::report* unread = co_await work_->reports.receive())
            work_->reports.put_back(unread);
    }

    asio::awaitable<void> deliver()
    {
        const auto executor = co_await asio::this_coro::executor;
        clock::time_point turn = clock::now();
        while (detail::report* next = co_await work_->reports.receive()) {
            co_await deliver(*next);
            work_->reports.put_back(next);
            if (clock::now() - turn > sink_turn) {
                co_await asio::post(executor, asio::use_awaitable);
                turn = clock::now();
            }
        }
    }

    asio::awaitable<void> deliver(detail::report& found)
    {
        std::span<const chunk_record> rest = found.chunks;
        for (detail::report::item& each : found.items) {
            const auto records = rest.first(each.chunk_count);
            rest = rest.subspan(each.chunk_count);
            const file_origin origin = each.name.origin();
            if (!records.empty()) {
                co_await output_.chunks(origin, records);
                count(records);
            }
            if (each.end == detail::report::outcome::complete) {
                static_cast<file_origin&>(each.file) = origin;
                co_await output_.file(each.file);
            }
            else if (each.end == detail::report::outcome::failed) {
                co_await output_.failed(origin.path, each.code, each.text);
            }
            std::lock_guard lock(mutex_);
            sums_.files += each.end == detail::report::outcome::complete;
            sums_.errors += each.end == detail::report::outcome::failed;
        }
    }

    void count(std::span<const chunk_record> records)
    {
        std::lock_guard lock(mutex_);
        for (const chunk_record& each : records) {
            unique_.add(each.digest, each.length);
            sums_.bytes += each.length;
        }
        sums_.chunks += records.size();
    }

    std::size_t jobs_;
    std::shared_ptr<detail::ingest_work> work_; ///< the lanes share it: they may end after the job
    std::shared_ptr<detail::lane_group> lanes_;
    registration entry_; ///< while it runs
    ingest_sink& output_;
    backend backend_; // for `auto_` what was found; the lanes know what was asked for
    std::string kernels_;
    std::atomic<clock::time_point> started_{};
    std::atomic<clock::time_point> ended_{};
    mutable std::mutex mutex_;
    ingest_summary sums_;
    unique_counter unique_;
};

ingest_job::ingest_job(engine& owner, ingest_options options, ingest_sink& output)
    : impl_(std::make_unique<impl>(owner, std::move(options), output))
{
}

ingest_job::~ingest_job() = default;

asio::awaitable<void> ingest_job::run(path_supplier paths) { return impl_->run(std::move(paths)); }

ingest_summary ingest_job::summary() const { return impl_->summary(); }

} // namespace weir
