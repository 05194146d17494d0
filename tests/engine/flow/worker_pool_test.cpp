#include <weir/worker_pool.hpp>

#include <weir/error.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <pthread.h>

#include <future>
#include <latch>
#include <stdexcept>

namespace {

namespace asio = boost::asio;

TEST_CASE("worker_pool: runs as many handlers at a time as it has threads")
{
    weir::worker_pool pool({.threads = 3, .stack_bytes = 256 << 10});
    std::latch all(3); // each waits for the others: fewer threads would hang here
    std::promise<void> done;
    std::atomic<int> left{3};
    for (int i = 0; i < 3; ++i)
        asio::post(pool.executor(), [&] {
            all.arrive_and_wait();
            if (--left == 0)
                done.set_value();
        });
    done.get_future().get();
    CHECK(pool.size() == 3);
}

TEST_CASE("worker_pool: gives its threads the stack that was asked for")
{
    weir::worker_pool pool({.threads = 1, .stack_bytes = 3 << 20});
    std::promise<std::size_t> answer;
    asio::post(pool.executor(), [&] {
        pthread_attr_t attributes;
        pthread_getattr_np(pthread_self(), &attributes);
        std::size_t bytes = 0;
        pthread_attr_getstacksize(&attributes, &bytes);
        pthread_attr_destroy(&attributes);
        answer.set_value(bytes);
    });
    CHECK(answer.get_future().get() >= 3u << 20);
}

TEST_CASE("worker_pool: refuses options out of range, by name")
{
    CHECK_THROWS_WITH_AS(weir::worker_pool({.threads = 5000}),
                         "start worker threads threads: bad configuration (5000 is more than 1024)", weir::error);
    CHECK_THROWS_AS(weir::worker_pool({.threads = 1, .stack_bytes = 4096}), weir::error);
}

TEST_CASE("worker_pool: counts tasks that end and tasks that fail")
{
    weir::worker_pool pool({.threads = 1});
    {
        weir::worker_pool::task_scope running(pool);
        CHECK(pool.statistics().active == 1);
    }
    try {
        weir::worker_pool::task_scope failing(pool);
        throw std::runtime_error("on purpose");
    }
    catch (const std::runtime_error&) {
    }
    CHECK(pool.statistics().active == 0);
    CHECK(pool.statistics().done == 1);
    CHECK(pool.statistics().failed == 1);
}

asio::awaitable<void> wait_for_ever(std::shared_ptr<int> held)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    co_await timer.async_wait(asio::use_awaitable);
    ++*held;
}

TEST_CASE("worker_pool: its end destroys the coroutines that are suspended on it")
{
    const auto held = std::make_shared<int>(0);
    {
        weir::worker_pool pool({.threads = 2});
        asio::co_spawn(pool.executor(), wait_for_ever(held), [](const std::exception_ptr&) {});
    }
    CHECK(held.use_count() == 1);
    CHECK(*held == 0);
}

TEST_CASE("worker_pool: the default is a count between one and sixteen")
{
    CHECK(weir::default_worker_count() >= 1);
    CHECK(weir::default_worker_count() <= 16);
}

} // namespace
