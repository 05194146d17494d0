// What an ingest leaves of the cancellation state of the coroutine that awaits it.

#include "ingesting.hpp"

#include "support/coroutine.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

#include <weir/as_result.hpp>

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

namespace {

namespace asio = boost::asio;
using test::bench;
using test::collecting_sink;

/// How an ingest ended, and a wait behind it in the same coroutine.
struct both_ends {
    std::error_code ran, waited;
};

asio::awaitable<both_ends> wait_behind_run(bench& b, weir::ingest_job& job, weir::path_supplier paths, bool& waits)
{
    both_ends out;
    const weir::result<void> ran = co_await weir::as_result(job.run(std::move(paths)));
    out.ran = ran.code();
    asio::steady_timer never(b.context, asio::steady_timer::time_point::max());
    waits = true;
    const weir::result<void> waited = co_await weir::as_result(never.async_wait(asio::use_awaitable));
    out.waited = waited.code();
    co_await asio::this_coro::reset_cancellation_state();
    co_return out;
}

enum class end { whole, failed, cancelled };

TEST_CASE("ingest: the caller can be cancelled when it is over, however it ended")
{
    test::temp_dir tree;
    for (int i = 0; i < 20; ++i)
        tree.write(std::to_string(i), test::random_bytes(40'000, static_cast<std::uint64_t>(i)));
    for (const end how : {end::whole, end::failed, end::cancelled}) {
        CAPTURE(static_cast<int>(how));
        bench b;
        collecting_sink sink;
        sink.fails = how == end::failed;
        weir::ingest_job job(b.engine, {}, sink);
        bool waits = false;
        test::task<both_ends> running(b.context.get_executor(), wait_behind_run(b, job, test::supply({tree.path()}), waits));
        for (int steps = 0; how == end::cancelled && steps != 3; ++steps)
            b.context.run_one(); // it has begun
        if (how == end::cancelled)
            running.cancel();
        while (!waits && !running.done())
            b.context.run_one();
        REQUIRE(!running.done());
        running.cancel(asio::cancellation_type::partial); // only the strongest reaches it, as at its start
        test::run_ready(b.context);
        REQUIRE(!running.done());
        running.cancel();
        while (!running.done())
            REQUIRE(b.context.run_one_for(std::chrono::seconds(60)) != 0);
        CHECK(running.outcome()->waited == weir::condition::cancelled);
        CHECK((running.outcome()->ran == std::error_code()) == (how == end::whole));
        CHECK((running.outcome()->ran == std::errc::no_space_on_device) == (how == end::failed));
        CHECK((running.outcome()->ran == weir::condition::cancelled) == (how == end::cancelled));
    }
}

} // namespace
