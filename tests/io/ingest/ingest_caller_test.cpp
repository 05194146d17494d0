// What an ingest leaves of the cancellation state of the coroutine that awaits it.

#include "ingesting.hpp"

#include "support/coroutine.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

#include <weir/as_result.hpp>
#include <weir/error.hpp>

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace {

namespace asio = boost::asio;
using test::bench;

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

/// Has an ingest end so: the last way waits for who cancels it.
class ending_sink final : public weir::ingest_sink {
public:
    explicit ending_sink(end how) : how_(how) {}
    asio::awaitable<void> chunks(const weir::file_origin&, std::span<const weir::chunk_record>) override
    {
        if (how_ == end::failed)
            throw weir::error(std::make_error_code(std::errc::no_space_on_device), "write", "sink");
        if (how_ == end::cancelled) {
            asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
            waits = true;
            co_await never.async_wait(asio::use_awaitable);
        }
    }
    asio::awaitable<void> file(const weir::file_record&) override { co_return; }
    asio::awaitable<void> failed(std::string_view, std::error_code, std::string_view) override { co_return; }

    bool waits = false;

private:
    const end how_;
};

TEST_CASE("ingest: the caller can be cancelled when it is over, however it ended")
{
    test::temp_dir tree;
    for (int i = 0; i < 20; ++i)
        tree.write(std::to_string(i), test::random_bytes(40'000, static_cast<std::uint64_t>(i)));
    for (const end how : {end::whole, end::failed, end::cancelled}) {
        CAPTURE(static_cast<int>(how));
        bench b;
        ending_sink sink(how);
        weir::ingest_job job(b.engine, {}, sink);
        bool waits = false;
        test::task<both_ends> running(b.context.get_executor(), wait_behind_run(b, job, test::supply({tree.path()}), waits));
        while (!waits && !sink.waits)
            REQUIRE(b.context.run_one_for(std::chrono::seconds(60)) != 0);
        if (how == end::cancelled)
            running.cancel();
        while (!waits)
            REQUIRE(b.context.run_one_for(std::chrono::seconds(60)) != 0);
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
