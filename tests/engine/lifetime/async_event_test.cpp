#include <weir/detail/async_event.hpp>

#include "support/coroutine.hpp"

#include <weir/error.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using weir::detail::async_event;

TEST_CASE("async_event: all waiters go on when it is set, later ones at once, until it is reset")
{
    asio::io_context context;
    async_event event;
    test::task<void> first(context.get_executor(), event.async_wait(asio::use_awaitable));
    test::task<void> second(context.get_executor(), event.async_wait(asio::use_awaitable));
    test::run_ready(context);
    CHECK(!first.done());
    event.set();
    CHECK(event.is_set());
    CHECK(!first.done()); // never inside set()
    test::run_ready(context);
    CHECK(first.outcome());
    CHECK(second.outcome());
    test::await(context, event.async_wait(asio::use_awaitable));
    event.reset();
    test::task<void> third(context.get_executor(), event.async_wait(asio::use_awaitable));
    test::run_ready(context);
    CHECK(!third.done());
    event.set();
    test::run_ready(context);
    CHECK(third.outcome());
}

TEST_CASE("async_event: a cancelled waiter leaves the others waiting")
{
    asio::io_context context;
    async_event event;
    test::task<void> first(context.get_executor(), event.async_wait(asio::use_awaitable));
    test::task<void> second(context.get_executor(), event.async_wait(asio::use_awaitable));
    test::run_ready(context);
    first.cancel();
    test::run_ready(context);
    CHECK(first.outcome().code() == weir::condition::cancelled);
    CHECK(!second.done());
    event.set();
    test::run_ready(context);
    CHECK(second.outcome());
}

TEST_CASE("async_event: waiters of a destroyed event are told that it closed")
{
    asio::io_context context;
    auto event = std::make_unique<async_event>();
    test::task<void> waiting(context.get_executor(), event->async_wait(asio::use_awaitable));
    test::run_ready(context);
    event.reset();
    test::run_ready(context);
    CHECK(waiting.outcome().code() == weir::errc::closed);
}

TEST_CASE("async_event: a context destroyed with waiters frees them")
{
    async_event event;
    {
        asio::io_context context;
        test::task<void> waiting(context.get_executor(), event.async_wait(asio::use_awaitable));
        test::run_ready(context);
        CHECK(!waiting.done());
        event.set(); // posted, never run
    }
    CHECK(event.is_set());
}

TEST_CASE("async_event: waits and sets on several threads lose nobody")
{
    asio::io_context context;
    async_event event;
    std::atomic<int> woken{0};
    constexpr int waiters = 2000;
    auto count = [&](boost::system::error_code failed) { woken += !failed; };
    for (int i = 0; i != waiters; ++i)
        asio::post(context, [&] { event.async_wait(asio::bind_executor(context, count)); });
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i != 3; ++i)
            threads.emplace_back([&] { context.run(); });
        for (int i = 0; i != 200; ++i) {
            event.set();
            event.reset();
        }
        event.set();
    }
    context.restart();
    context.run();
    CHECK(woken.load() == waiters);
}

} // namespace
