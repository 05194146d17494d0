#include <weir/flow.hpp>

#include "flow_bench.hpp"

#include "support/few_descriptors.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"
#include "support/sources.hpp"

#include <weir/as_result.hpp>
#include <weir/error.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

#include <fcntl.h>

namespace {

namespace asio = boost::asio;
using test::kib;
using test::mib;
using bench = test::flow_bench;

class keeping_sink final : public weir::sink {
public:
    asio::awaitable<void> write(std::span<weir::chunk> chunks) override
    {
        for (std::size_t i = 0; i < chunks.size(); ++i) {
            if (count == fails_at)
                throw weir::error(std::make_error_code(std::errc::no_space_on_device), "write", "sink");
            ++count;
        }
        co_return;
    }
    asio::awaitable<void> finish() override
    {
        finished = true;
        co_return;
    }
    std::size_t count = 0;
    std::size_t fails_at = ~std::size_t{0};
    bool finished = false;
};

TEST_CASE("run_flow: moves all chunks to the sink and finishes it")
{
    const auto content = test::random_bytes(mib, 15);
    bench b;
    keeping_sink sink;
    const auto statistics
        = test::run(b.context, weir::run_flow(b.engine, std::make_unique<test::scripted_source>(content), sink,
                                              {.chunker = weir::fixed(64 * kib)}));
    CHECK(sink.count == 16);
    CHECK(sink.finished);
    CHECK(statistics.bytes == mib);
    CHECK(statistics.chunks == 16);
    CHECK(b.at_rest());
}

TEST_CASE("run_flow: with hardly any descriptors an engine is made, and a flow comes to its end or says what it lacks")
{
    const auto content = test::random_bytes(mib, 22);
    int failed = 0, done = 0;
    rlim_t in_use = 0; // by whatever the tests have open
    while (::fcntl(static_cast<int>(in_use), F_GETFD) != -1)
        ++in_use;
    for (rlim_t more = 0; done == 0; ++more) {
        REQUIRE(more < 20);
        const test::few_descriptors limit(in_use + more);
        keeping_sink sink;
        try {
            bench b;
            test::run(b.context, weir::run_flow(b.engine, std::make_unique<test::scripted_source>(content), sink,
                                                {.chunker = weir::fixed(64 * kib)}));
            ++done;
            CHECK(b.at_rest());
        }
        catch (const weir::error& failure) {
            ++failed;
            CHECK(failure.code() == std::errc::too_many_files_open);
        }
    }
    CHECK(failed > 0);
}

TEST_CASE("run_flow: a sink that fails ends the flow, and nothing is left behind")
{
    const auto content = test::random_bytes(mib, 16);
    bench b;
    keeping_sink sink;
    sink.fails_at = 3;
    int alive = 0;
    CHECK_THROWS_WITH_AS(
        test::run(b.context, weir::run_flow(b.engine,
                                            std::make_unique<test::scripted_source>(content, test::script(), &alive),
                                            sink, {.chunker = weir::fixed(64 * kib)})),
        "write sink: no space left on device", weir::error);
    CHECK(!sink.finished);
    CHECK(alive == 0);
    CHECK(b.at_rest());
}

TEST_CASE("run_flow: cancelled at any step it gives everything back")
{
    const auto content = test::random_bytes(512 * kib, 17);
    for (int steps = 0; steps < 40; ++steps) {
        bench b(4 * mib);
        keeping_sink sink;
        int alive = 0;
        test::script how;
        how.suspends = [] { return true; };
        how.read_size = [] { return 32 * kib; };
        asio::cancellation_signal stop;
        bool ended = false;
        std::exception_ptr failure;
        asio::co_spawn(b.context,
                       weir::run_flow(b.engine, std::make_unique<test::scripted_source>(content, how, &alive), sink,
                                      {.chunker = weir::fixed(16 * kib)}),
                       asio::bind_cancellation_slot(stop.slot(), [&](auto thrown, auto) {
                           ended = true;
                           failure = thrown;
                       }));
        for (int i = 0; i < steps && !ended; ++i)
            b.context.run_one();
        if (!ended)
            stop.emit(asio::cancellation_type::total);
        b.context.run();
        CHECK(ended);
        CHECK((!failure || weir::code_of(failure) == weir::condition::cancelled));
        CHECK(alive == 0);
        CHECK(b.at_rest());
    }
}

/// Gives its content, then waits without end.
class stalling_source final : public weir::source {
public:
    explicit stalling_source(std::span<const std::byte> content) : content_(content) {}
    asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        weir::bytes got = co_await content_.read(memory, max_bytes);
        if (got.empty()) {
            asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
            co_await never.async_wait(asio::use_awaitable);
        }
        co_return got;
    }
    std::string_view name() const noexcept override { return "stalling"; }

private:
    test::scripted_source content_;
};

/// Its peer answers once it has so many chunks, or leaves it at that.
class watching_sink final : public weir::sink {
public:
    explicit watching_sink(bool fails) : fails_(fails) {}
    asio::awaitable<void> write(std::span<weir::chunk> chunks) override
    {
        CHECK(watching == 0);
        count += chunks.size();
        co_return;
    }
    std::optional<asio::awaitable<void>> watch() override
    {
        if (count == 0)
            return std::nullopt;
        return watch_peer();
    }
    asio::awaitable<void> finish() override
    {
        CHECK(watching == 0);
        finished = true;
        co_return;
    }
    std::size_t count = 0;
    int watching = 0;
    bool finished = false;

private:
    struct mark {
        explicit mark(int& of) : of(of) { ++of; }
        ~mark() { --of; }
        int& of;
    };
    asio::awaitable<void> watch_peer()
    {
        const mark here(watching);
        const auto executor = co_await asio::this_coro::executor;
        co_await asio::post(executor, asio::use_awaitable);
        if (fails_ && count >= 4)
            throw weir::error(std::make_error_code(std::errc::connection_reset), "write", "sink");
    }
    const bool fails_;
};

TEST_CASE("run_flow: a sink that takes no more ends a flow whose source waits")
{
    const auto content = test::random_bytes(4 * kib, 19);
    const auto run = [&](bench& b, weir::sink& sink) {
        weir::stream_options options;
        options.chunker = weir::fixed(kib);
        return test::run(b.context, weir::run_flow(b.engine, std::make_unique<stalling_source>(content), sink, options));
    };
    bench b;
    watching_sink alone(true);
    CHECK_THROWS_WITH_AS(run(b, alone), "write sink: connection reset by peer", weir::error);
    CHECK(alone.count == 4);
    CHECK(alone.watching == 0);
    CHECK(!alone.finished);
    CHECK(b.at_rest());
}

TEST_CASE("run_flow: a watch that ends well changes nothing")
{
    const auto content = test::random_bytes(512 * kib, 20);
    bench b;
    watching_sink sink(false);
    test::script slow;
    slow.suspends = [] { return true; };
    slow.read_size = [] { return 32 * kib; };
    test::run(b.context, weir::run_flow(b.engine, std::make_unique<test::scripted_source>(content, slow), sink,
                                        {.chunker = weir::fixed(16 * kib)}));
    CHECK(sink.count == 32);
    CHECK(sink.finished);
    CHECK(b.at_rest());
}

TEST_CASE("run_flow: cancelled at any step beside a watch it gives everything back")
{
    const auto content = test::random_bytes(64 * kib, 21);
    bool stands_still = false; // all further steps would be the same
    for (int steps = 0; steps < 60 && !stands_still; ++steps) {
        bench b(4 * mib);
        watching_sink sink(false);
        asio::cancellation_signal stop;
        std::optional<std::exception_ptr> failure;
        asio::co_spawn(b.context,
                       weir::run_flow(b.engine, std::make_unique<stalling_source>(content), sink, {.chunker = weir::fixed(16 * kib)}),
                       asio::bind_cancellation_slot(stop.slot(), [&](auto thrown, auto) { failure = thrown; }));
        for (int i = 0; i < steps && !failure && !stands_still; ++i)
            stands_still = b.context.run_one_for(std::chrono::milliseconds(200)) == 0;
        REQUIRE(!failure);
        stop.emit(asio::cancellation_type::total);
        b.context.run();
        REQUIRE(failure);
        CHECK(weir::code_of(*failure) == weir::condition::cancelled);
        CHECK(sink.watching == 0);
        CHECK(b.at_rest());
    }
}

/// What comes behind a flow in the same coroutine.
asio::awaitable<std::error_code> wait_behind_flow(bench& b, weir::sink& sink, std::span<const std::byte> content, bool& waits)
{
    weir::stream_options options;
    options.chunker = weir::fixed(kib);
    auto input = std::make_unique<test::scripted_source>(content);
    co_await weir::run_flow(b.engine, std::move(input), sink, options);
    asio::steady_timer never(b.context, asio::steady_timer::time_point::max());
    waits = true;
    const weir::result<void> waited = co_await weir::as_result(never.async_wait(asio::use_awaitable));
    co_await asio::this_coro::reset_cancellation_state();
    co_return waited.code();
}

TEST_CASE("run_flow: the caller can be cancelled when it is over")
{
    const auto content = test::random_bytes(4 * kib, 18);
    bench b;
    keeping_sink sink;
    asio::cancellation_signal stop;
    bool waits = false;
    std::optional<std::error_code> outcome;
    asio::co_spawn(b.context, wait_behind_flow(b, sink, content, waits),
                   asio::bind_cancellation_slot(stop.slot(), [&](auto, std::error_code code) { outcome = code; }));
    while (!waits && !outcome)
        b.context.run_one();
    REQUIRE(!outcome);
    stop.emit(asio::cancellation_type::terminal);
    b.context.run();
    REQUIRE(outcome);
    CHECK(*outcome == weir::condition::cancelled);
}

} // namespace
