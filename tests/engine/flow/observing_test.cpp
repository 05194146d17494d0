// What an observer and the statistics say of a flow.

#include <weir/flow.hpp>

#include "support/coroutine.hpp"
#include "support/recorder.hpp"
#include "support/sources.hpp"

#include <weir/detail/async_event.hpp>
#include <weir/error.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <span>
#include <vector>

namespace observing_test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::event_kind;
using weir::stage;

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

struct bench {
    explicit bench(std::size_t memory = 4 * mib) : engine(context.get_executor(), options(seen, memory)) {}
    static weir::engine_options options(test::recorder& observer, std::size_t memory)
    {
        weir::engine_options out;
        out.memory_bytes = memory;
        out.block_bytes = 64 * kib;
        out.workers.threads = 2;
        out.observer = &observer;
        out.stall_after = 20ms;
        return out;
    }
    /// Runs the context until an event of this kind has come.
    std::vector<test::recorded> wait_for(event_kind kind)
    {
        while (seen.of(kind).empty())
            context.run_one_for(5ms);
        return seen.of(kind);
    }
    test::recorder seen;
    asio::io_context context;
    weir::engine engine;
};

const weir::stream_options fixed_64k{.chunker = weir::fixed(64 * kib)};

asio::awaitable<void> drain(weir::chunk_stream& chunks)
{
    for (bool more = true; more;) {
        const std::span<weir::chunk> batch = co_await chunks.next_batch();
        more = !batch.empty();
    }
}

TEST_CASE("observer: a flow tells of its memory, every read, cut, digest and delivery, and of its end, by name")
{
    const auto content = test::random_bytes(mib, 1);
    bench b;
    weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content), fixed_64k);
    test::await(b.context, drain(chunks));
    test::await(b.context, chunks.close());

    const auto acquired = b.seen.of(event_kind::acquire);
    REQUIRE(acquired.size() == 1);
    CHECK(acquired.front().operation == "reserve");
    CHECK(acquired.front().bytes == acquired.front().count * 64 * kib);
    const auto reads = b.seen.of(event_kind::read);
    CHECK(test::bytes_of(reads) == mib);
    for (const char* operation : {"cut", "digest", "sink"}) {
        CAPTURE(operation);
        const auto turns = b.seen.of(event_kind::stage, operation);
        CHECK(test::bytes_of(turns) == mib);
        CHECK((test::count_of(turns) == 16 || operation == std::string_view("cut"))); // the last is cut by the end
    }
    const auto flows = b.seen.of(event_kind::flow);
    REQUIRE(flows.size() == 1);
    CHECK(flows.front().operation == "stream");
    CHECK(flows.front().bytes == mib);
    CHECK(flows.front().count == 16);
    CHECK(!flows.front().outcome);
    for (const auto* events : {&acquired, &reads, &flows})
        for (const test::recorded& each : *events)
            CHECK(each.subject == "scripted");
    CHECK(b.seen.of(event_kind::stalled).empty());
}

TEST_CASE("statistics: an engine adds up its flows, those that run and those that have ended")
{
    const auto content = test::random_bytes(mib, 5);
    bench b;
    CHECK(b.engine.flows().bytes == 0);
    {
        weir::chunk_stream first(b.engine, std::make_unique<test::scripted_source>(content), fixed_64k);
        test::await(b.context, drain(first));
        CHECK(b.engine.flows().bytes == mib);
    }
    weir::chunk_stream second(b.engine, std::make_unique<test::scripted_source>(content), fixed_64k);
    test::await(b.context, drain(second));
    const weir::flow_statistics all = b.engine.flows();
    CHECK(all.bytes == 2 * mib);
    CHECK(all.chunks == 32);
    CHECK(all.stages[static_cast<std::size_t>(stage::read)].bytes == 2 * mib);
    CHECK(all.throughput() > 0);
}

TEST_CASE("observer: a read that fails and the flow that it ends say why")
{
    const auto content = test::random_bytes(mib, 2);
    bench b;
    test::script how;
    how.fails_at = 200 * kib;
    weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content, how), fixed_64k);
    CHECK_THROWS_AS(test::await(b.context, drain(chunks)), weir::error);
    CHECK(b.seen.of(event_kind::read).back().outcome == std::errc::io_error);
    CHECK(b.seen.of(event_kind::flow).back().outcome == std::errc::io_error);
}

TEST_CASE("observer: a consumer that keeps what it was given is called the stalled stage, once")
{
    const auto content = test::random_bytes(8 * mib, 3);
    bench b(2 * mib);
    weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content), fixed_64k);
    const auto kept = test::await(b.context, chunks.next());
    const auto stalls = b.wait_for(event_kind::stalled);
    CHECK(stalls.size() == 1);
    CHECK(stalls.front().operation == "sink");
    CHECK(stalls.front().subject == "scripted");
    CHECK(stalls.front().duration >= 20ms);
    CHECK(stalls.front().bytes <= 2 * mib);
    test::await(b.context, drain(chunks)); // and it goes on where it was held up
}

class silent_source final : public weir::source {
public:
    asio::awaitable<weir::bytes> read(weir::reservation&, std::size_t) override
    {
        asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
        co_return weir::bytes();
    }
};

TEST_CASE("chunk_stream: what comes in many small reads is digested in few turns, also where each read is waited for")
{
    const auto content = test::random_bytes(4 * mib, 6);
    bench b;
    test::script how;
    how.suspends = [] { return true; };
    how.read_size = [] { return 16 * kib; };
    weir::chunk_stream chunks(b.engine, std::make_unique<test::scripted_source>(content, how),
                              {.chunker = weir::fixed(16 * kib)});
    const auto start = std::chrono::steady_clock::now();
    test::await(b.context, drain(chunks));
    const auto flushes = (std::chrono::steady_clock::now() - start) / 2ms; // at the most
    CHECK(b.seen.of(event_kind::read).size() > 256);
    CHECK(b.seen.of(event_kind::stage, "digest").size() < static_cast<std::size_t>(flushes) + 32);
}

TEST_CASE("observer: a source that gives nothing is the stalled stage where the consumer waits for it")
{
    bench b;
    weir::chunk_stream chunks(b.engine, std::make_unique<silent_source>(), fixed_64k);
    test::task<std::optional<weir::chunk>> next(b.context.get_executor(), chunks.next());
    CHECK(b.wait_for(event_kind::stalled).front().operation == "read");
    next.cancel();
    test::await(b.context, chunks.close());
}

class then_silent final : public weir::source {
public:
    explicit then_silent(std::span<const std::byte> content) : first_(content) {}
    asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        weir::bytes got = co_await first_.read(memory, max_bytes);
        if (got.empty())
            got = co_await silent_.read(memory, max_bytes);
        co_return got;
    }

private:
    test::scripted_source first_;
    silent_source silent_;
};

TEST_CASE("chunk_stream: what was cut is given while the source waits for more")
{
    const auto content = test::random_bytes(200 * kib, 7);
    bench b;
    weir::chunk_stream chunks(b.engine, std::make_unique<then_silent>(content), fixed_64k);
    for (std::uint64_t i = 0; i < 3; ++i) {
        const auto next = test::await(b.context, chunks.next());
        REQUIRE(next);
        CHECK(next->offset == i * 64 * kib);
    }
    test::await(b.context, chunks.close());
}

/// Holds every batch far longer than anything else takes, also under ThreadSanitizer.
class slow_sink final : public weir::sink {
public:
    asio::awaitable<void> write(std::span<weir::chunk>) override
    {
        asio::steady_timer pause(co_await asio::this_coro::executor, 20ms);
        co_await pause.async_wait(asio::use_awaitable);
    }
};

TEST_CASE("statistics: a slow sink held the others back, and the wait for memory is not the source's work")
{
    const auto content = test::random_bytes(4 * mib, 4);
    bench b(2 * mib);
    slow_sink sink;
    const auto flow = test::await(
        b.context, weir::run_flow(b.engine, std::make_unique<test::scripted_source>(content), sink, fixed_64k));
    CHECK(flow.slowest_stage() == stage::sink);
    const auto of = [&](stage which) { return flow.stages[static_cast<std::size_t>(which)]; };
    CHECK(of(stage::sink).bytes == 4 * mib);
    CHECK(of(stage::sink).items == 64);
    CHECK(of(stage::read).busy < of(stage::sink).busy);
    CHECK(of(stage::read).waiting + of(stage::cut).waiting > 0ns);
    CHECK(of(stage::digest).waiting > 0ns);
}

} // namespace
} // namespace observing_test
