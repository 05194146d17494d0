// Handlers that wait in weir's lists when their execution context ends.

#include <weir/detail/parking_lot.hpp>

#include <weir/buffer_pool.hpp>
#include <weir/counting_resource.hpp>
#include <weir/detail/async_event.hpp>
#include <weir/detail/run_on.hpp>
#include <weir/error.hpp>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <memory_resource>
#include <optional>
#include <thread>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::detail::async_event;

/// What lies in a frame or a handler: gone when that is.
using witness = std::shared_ptr<int>;

asio::awaitable<void> wait_for(async_event& event, witness held, bool& resumed)
{
    co_await event.async_wait(asio::use_awaitable);
    resumed = held != nullptr;
}

const auto ignore = [](const std::exception_ptr&) {};

TEST_CASE("parking_lot: a context that ends destroys what waits on its behalf, and nobody completes it later")
{
    const auto held = std::make_shared<int>();
    bool resumed = false;
    async_event event;
    {
        asio::io_context context;
        SUBCASE("on the context")
        {
            asio::co_spawn(context, wait_for(event, held, resumed), ignore);
        }
        SUBCASE("on a strand, which is a service of its own")
        {
            asio::co_spawn(asio::make_strand(context), wait_for(event, held, resumed), ignore);
        }
        SUBCASE("a plain handler")
        {
            event.async_wait(asio::bind_executor(context, [&, kept = held](auto) { resumed = kept != nullptr; }));
        }
        context.poll();
        CHECK(held.use_count() == 2);
    }
    CHECK(held.use_count() == 1);
    event.set();
    CHECK(!resumed);
}

TEST_CASE("parking_lot: what a destroyed frame drops may wait on the same context, or complete on another")
{
    const auto held = std::make_shared<int>();
    asio::io_context other;
    bool closed = false;
    {
        asio::io_context context;
        auto event = std::make_shared<async_event>();
        event->async_wait(asio::bind_executor(other, [&](boost::system::error_code failed) {
            closed = failed == std::error_code(weir::errc::closed);
        }));
        event->async_wait(asio::bind_executor(context, [kept = held](auto) { FAIL("its context has ended"); }));
        async_event never;
        // The last owner of the event lies in a frame that waits.
        auto body = [](std::shared_ptr<async_event>, async_event& end) -> asio::awaitable<void> {
            co_await end.async_wait(asio::use_awaitable);
        };
        asio::co_spawn(context, body(std::move(event), never), ignore);
        context.poll();
        asio::co_spawn(context, [](witness) -> asio::awaitable<void> { co_return; }(held), ignore); // never begun
    }
    CHECK(held.use_count() == 1);
    other.run();
    CHECK(closed);
}

TEST_CASE("parking_lot: memory of a handler's allocator is given back with its context")
{
    weir::counting_resource memory;
    async_event event;
    {
        asio::io_context context;
        auto handler = asio::bind_allocator(std::pmr::polymorphic_allocator<std::byte>(&memory),
                                            asio::bind_executor(context, [](auto) { FAIL("its context has ended"); }));
        event.async_wait(std::move(handler));
        CHECK(memory.current_bytes() > 0);
    }
    CHECK(memory.current_bytes() == 0);
    event.set();
}

weir::pool_options four_blocks()
{
    weir::pool_options out;
    out.tiers = {{4096, 4}};
    out.max_bytes = 4 * 4096;
    return out;
}

TEST_CASE("parking_lot: a context may end while another thread completes what waits there")
{
    bool strand_first = false; // services end in the order opposite to that of their making
    SUBCASE("made before its strands and timers") {}
    SUBCASE("made after them") { strand_first = true; }
    for (int round = 0; round < 300; ++round) {
        async_event event;
        weir::buffer_pool pool(four_blocks());
        std::optional<weir::reservation> all = pool.try_reserve(4, 4096);
        std::atomic<bool> go{false};
        std::atomic<int> woken{0};
        std::optional<asio::io_context> context(std::in_place);
        std::optional<asio::strand<asio::io_context::executor_type>> strand;
        if (strand_first) {
            strand.emplace(asio::make_strand(*context));
            asio::steady_timer unused(*context);
        }
        for (int i = 0; i < 4; ++i)
            event.async_wait(asio::bind_executor(*context, [&](auto) { ++woken; }));
        if (!strand)
            strand.emplace(asio::make_strand(*context));
        for (int i = 0; i < 4; ++i)
            event.async_wait(asio::bind_executor(*strand, [&](auto) { ++woken; }));
        strand.reset();
        pool.async_acquire(4096, std::chrono::steady_clock::now() + 1h,
                           asio::bind_executor(*context, [&](auto, auto) { ++woken; }));
        std::thread setter([&] {
            go.wait(false);
            event.set();
            all.reset();
        });
        go = true;
        go.notify_one();
        if (round % 2 == 0)
            context->poll();
        context.reset();
        const int seen = woken;
        setter.join();
        CHECK(woken == seen);
    }
}

TEST_CASE("parking_lot: a waiter of a pool leaves the queue with its context, and who is behind it goes on")
{
    weir::buffer_pool pool(four_blocks());
    std::optional<weir::buffer> kept = pool.try_acquire(4096);
    REQUIRE(kept);
    asio::io_context context;
    std::optional<weir::buffer> got;
    {
        asio::io_context dying;
        bool called = false;
        const auto limit = std::chrono::steady_clock::now() + 1h; // its timer belongs to the dying context too
        pool.async_reserve(4, 4096, limit, asio::bind_executor(dying, [&](auto, auto) { called = true; }));
        pool.async_reserve(3, 4096, asio::bind_executor(context, [&](auto failed, weir::reservation three) {
            CHECK(!failed);
            CHECK(three.blocks() == 3);
        }));
        context.poll();
        CHECK(pool.statistics().in_use_bytes == 4096); // nobody passes the one who was first
    }
    context.restart();
    CHECK(context.poll() == 1);
    kept.reset();
    CHECK(pool.check());
    CHECK(pool.statistics().in_use_bytes == 0);
}

TEST_CASE("run_on: work goes on to its end when the context of who waits for it has ended")
{
    asio::io_context there;
    async_event event;
    bool done = false;
    auto work = [](async_event& until, bool& ended) -> asio::awaitable<witness> {
        co_await until.async_wait(asio::use_awaitable);
        ended = true;
        co_return std::make_shared<int>(1);
    };
    const auto held = std::make_shared<int>();
    {
        asio::io_context here;
        auto body = [&](witness) -> asio::awaitable<void> {
            (void)co_await weir::detail::run_on(there.get_executor(), work(event, done));
            FAIL("its context has ended");
        };
        asio::co_spawn(here, body(held), ignore);
        here.poll();
        there.poll();
    }
    CHECK(held.use_count() == 1);
    event.set();
    there.restart();
    there.run();
    CHECK(done);
}

TEST_CASE("run_on: a child that was destroyed with its context can still be cancelled, to no effect")
{
    asio::io_context here;
    asio::cancellation_signal stop;
    async_event event;
    bool resumed = false;
    const auto held = std::make_shared<int>();
    {
        asio::io_context there;
        auto body = [&](witness kept) -> asio::awaitable<void> {
            co_await weir::detail::run_on(there.get_executor(), wait_for(event, std::move(kept), resumed));
        };
        asio::co_spawn(here, body(held), asio::bind_cancellation_slot(stop.slot(), ignore));
        here.poll();
        there.poll();
    }
    here.restart();
    here.poll(); // unwinds the one who waited
    CHECK(held.use_count() == 1);
    stop.emit(asio::cancellation_type::terminal);
    event.set();
    CHECK(!resumed);
}

} // namespace
