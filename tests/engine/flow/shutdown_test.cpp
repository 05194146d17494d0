// An engine with flows under way, and a clean-up of its registry.

#include <weir/flow.hpp>
#include <weir/observer.hpp>

#include "support/coroutine.hpp"
#include "support/sources.hpp"

#include <weir/detail/async_event.hpp>
#include <weir/error.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace shutdown_test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::resource_kind;
using weir::shutdown_phase;

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

weir::engine_options small(weir::registry* resources = nullptr, weir::observer* observer = nullptr)
{
    weir::engine_options out;
    out.memory_bytes = 16 * mib;
    out.block_bytes = 64 * kib;
    out.workers.threads = 2;
    out.observer = observer;
    out.resources = resources;
    return out;
}

struct bench {
    explicit bench(const weir::engine_options& options = small()) : engine(context.get_executor(), options) {}

    weir::cleanup_report clean_up(std::chrono::milliseconds time = 10s)
    {
        return test::await(context, engine.resources().cleanup_all(std::chrono::steady_clock::now() + time));
    }
    [[nodiscard]] std::uint64_t live(resource_kind kind) const
    {
        return engine.resources().statistics().of(kind).live;
    }

    asio::io_context context;
    weir::engine engine;
};

/// Zeros without end, named.
class endless_source final : public weir::source {
public:
    explicit endless_source(std::string name) : name_(std::move(name)) {}
    asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        const std::span<std::byte> room = co_await filler_.spare(memory);
        const std::size_t count = std::min(room.size(), max_bytes);
        std::ranges::fill(room.first(count), std::byte{0});
        co_return weir::bytes(filler_.commit(count));
    }
    std::string_view name() const noexcept override { return name_; }

private:
    std::string name_;
    weir::block_filler filler_;
};

struct two_events {
    weir::detail::async_event reading;
    weir::detail::async_event go;
};

/// Does not hear of cancellation: ends when it is let go.
class deaf_source final : public weir::source {
public:
    explicit deaf_source(std::shared_ptr<two_events> events) : events_(std::move(events)) {}
    asio::awaitable<weir::bytes> read(weir::reservation&, std::size_t) override
    {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        events_->reading.set();
        co_await events_->go.async_wait(asio::use_awaitable);
        co_return weir::bytes();
    }
    std::string_view name() const noexcept override { return "deaf"; }

private:
    std::shared_ptr<two_events> events_;
};

/// Takes chunks for ever, or one and then waits with it in its hands.
class patient_sink final : public weir::sink {
public:
    explicit patient_sink(bool waits = false) : waits_(waits) {}
    asio::awaitable<void> write(std::span<weir::chunk> chunks) override
    {
        written += chunks.size();
        if (!waits_)
            co_return;
        asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
    }
    std::size_t written = 0;

private:
    bool waits_;
};

const weir::stream_options fixed_64k{.chunker = weir::fixed(64 * kib)};

TEST_CASE("shutdown: running flows end, nothing is left, and the report has the numbers")
{
    bench b;
    std::deque<patient_sink> sinks(3);
    std::deque<test::task<weir::flow_statistics>> flows;
    for (std::size_t i = 0; i < sinks.size(); ++i)
        flows.emplace_back(b.context.get_executor(),
                           weir::run_flow(b.engine, std::make_unique<endless_source>("flow " + std::to_string(i)),
                                          sinks[i], fixed_64k));
    while (std::ranges::any_of(sinks, [](const patient_sink& each) { return each.written == 0; }))
        b.context.run_one();
    CHECK(b.live(resource_kind::flow) == 3);
    CHECK(b.live(resource_kind::reservation) == 3);
    CHECK(b.engine.resources().leak_report().find("flow flow 1, 0 bytes") != std::string::npos);

    const weir::cleanup_report report = b.clean_up();
    const auto& work = report.phases[static_cast<std::size_t>(shutdown_phase::finish_work)];
    CHECK(work.background == 3);
    CHECK(work.forced + work.unfinished + work.failures == 0);
    CHECK(report.phases[static_cast<std::size_t>(shutdown_phase::stop_accepting)].immediate == 1);
    CHECK(report.phases[static_cast<std::size_t>(shutdown_phase::release_buffers)].immediate == 1);
    CHECK(report.left == 0);
    CHECK(b.engine.resources().leak_report().empty());
    CHECK(b.engine.pool().check());
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
    CHECK(b.engine.pool().statistics().available_bytes == 0); // given back to the system

    b.context.restart();
    b.context.run();
    for (auto& each : flows)
        CHECK(each.outcome().code() == weir::errc::closed);
}

TEST_CASE("shutdown: an engine that was cleaned up takes no new stream")
{
    bench b;
    CHECK(b.engine.accepting());
    CHECK(b.clean_up().left == 0);
    CHECK(!b.engine.accepting());
    CHECK_THROWS_WITH_AS(weir::chunk_stream(b.engine, std::make_unique<endless_source>("late")),
                         "stream late: closed", weir::error);
    CHECK(b.engine.resources().leak_report().empty());
}

TEST_CASE("shutdown: a chunk that somebody keeps is what is left, by name, until it is dropped")
{
    bench b;
    weir::chunk_stream chunks(b.engine, std::make_unique<endless_source>("kept.bin"), fixed_64k);
    std::optional<weir::chunk> kept = test::await(b.context, chunks.next());
    REQUIRE(kept);
    test::await(b.context, chunks.close());
    CHECK(b.live(resource_kind::flow) == 0);
    const weir::cleanup_report report = b.clean_up();
    CHECK(report.left == 1);
    CHECK(b.engine.resources().leak_report().starts_with("reservation kept.bin, "));
    kept.reset();
    CHECK(b.engine.resources().leak_report().empty());
}

TEST_CASE("shutdown: chunks that nobody has fetched are dropped, and the consumer learns that they are missing")
{
    const auto content = test::random_bytes(mib, 1);
    bench b;
    weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content), fixed_64k);
    (void)test::await(b.context, chunks.next()); // the rest is cut by now, or will be
    const weir::cleanup_report report = b.clean_up(1s);
    CHECK(report.total().forced == 1); // `chunks` has the batch that the first one came with
    const auto read_on = [](weir::chunk_stream& rest) -> asio::awaitable<void> {
        for (bool more = true; more;) {
            const std::span<weir::chunk> batch = co_await rest.next_batch();
            more = !batch.empty();
        }
    };
    CHECK_THROWS_WITH_AS(test::await(b.context, read_on(chunks)), "stream scripted: closed", weir::error);
    test::await(b.context, chunks.close());
    CHECK(b.engine.resources().leak_report().empty());
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
}

TEST_CASE("shutdown: a stream that has not begun gives its source back")
{
    const auto content = test::random_bytes(kib, 1);
    bench b;
    int alive = 0;
    weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content, test::script(), &alive));
    CHECK(b.live(resource_kind::flow) == 1);
    CHECK(b.clean_up().total().background == 1);
    CHECK(alive == 0);
    CHECK_THROWS_WITH_AS(test::await(b.context, chunks.next()), "stream scripted: closed", weir::error);
    test::await(b.context, chunks.close());
}

TEST_CASE("shutdown: a clean-up waits for a sink that has chunks in its hands, until the deadline")
{
    bench b;
    patient_sink sink(true);
    test::task<weir::flow_statistics> flow(
        b.context.get_executor(), weir::run_flow(b.engine, std::make_unique<endless_source>("slow"), sink, fixed_64k));
    while (sink.written == 0)
        b.context.run_one();
    const weir::cleanup_report report = b.clean_up(1s); // the source stops at once, the sink never
    CHECK(report.total().forced == 1);
    CHECK(report.left == 1);
    CHECK(b.engine.resources().leak_report().starts_with("reservation slow, "));
    flow.cancel();
    b.context.restart();
    b.context.run();
    CHECK(b.engine.resources().leak_report().empty());
}

TEST_CASE("shutdown: a source that cannot be stopped is counted as unfinished, and leaves when it ends")
{
    bench b;
    const auto events = std::make_shared<two_events>();
    weir::chunk_stream chunks(b.engine, std::make_unique<deaf_source>(events));
    test::task<std::optional<weir::chunk>> next(b.context.get_executor(), chunks.next());
    test::await(b.context, events->reading.async_wait(asio::use_awaitable));
    const weir::cleanup_report report = b.clean_up(20ms);
    CHECK(report.total().unfinished == 1);
    CHECK(b.engine.resources().leak_report().find("flow deaf") != std::string::npos);
    b.context.restart();
    b.context.run();
    CHECK(next.outcome().code() == weir::errc::closed);
    events->go.set();
    test::await(b.context, chunks.close());
    CHECK(b.engine.resources().leak_report().empty());
}

TEST_CASE("shutdown: engines that share a registry are cleaned up together")
{
    weir::registry resources;
    bench first(small(&resources));
    bench second(small(&resources));
    weir::chunk_stream one(first.engine, std::make_unique<endless_source>("one"));
    weir::chunk_stream two(second.engine, std::make_unique<endless_source>("two"));
    CHECK(resources.statistics().of(resource_kind::flow).live == 2);
    CHECK(first.clean_up().total().background == 2);
    CHECK(!first.engine.accepting());
    CHECK(!second.engine.accepting());
}

class phase_recorder final : public weir::observer {
public:
    void on_event(const weir::event& what) noexcept override
    {
        if (what.kind != weir::event_kind::cleanup || what.operation != "clean up")
            return;
        const std::lock_guard lock(mutex_);
        phases.emplace_back(what.subject);
    }
    std::vector<std::string> phases;

private:
    std::mutex mutex_;
};

TEST_CASE("shutdown: stops accepting, finishes work, releases buffers and closes files, in this order")
{
    struct file final : weir::cleanable {
        explicit file(const weir::engine& of) : engine(of) {}
        bool force_release() noexcept override
        {
            flows_left = engine.resources().statistics().of(resource_kind::flow).live;
            bytes_left = engine.pool().statistics().in_use_bytes;
            return true;
        }
        const weir::engine& engine;
        std::uint64_t flows_left = ~std::uint64_t{0};
        std::size_t bytes_left = ~std::size_t{0};
    };
    phase_recorder seen;
    bench b(small(nullptr, &seen));
    const auto last = std::make_shared<file>(b.engine);
    const auto entry = b.engine.resources().add({.kind = resource_kind::file, .name = "last", .target = last});
    patient_sink sink;
    test::task<weir::flow_statistics> flow(
        b.context.get_executor(), weir::run_flow(b.engine, std::make_unique<endless_source>("flow"), sink, fixed_64k));
    while (sink.written == 0)
        b.context.run_one();
    (void)b.clean_up();
    CHECK(seen.phases == std::vector<std::string>{"stop accepting", "finish work", "release buffers", "close files"});
    CHECK(last->flows_left == 0);
    CHECK(last->bytes_left == 0);
}

} // namespace
} // namespace shutdown_test
