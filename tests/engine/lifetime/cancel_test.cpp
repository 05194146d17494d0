#include <weir/cancel.hpp>

#include "support/coroutine.hpp"
#include "support/seed.hpp"

#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <latch>
#include <optional>
#include <thread>
#include <vector>

namespace cancel_test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

asio::awaitable<void> pause()
{
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

asio::awaitable<int> wait_for(clock_type::duration time, int value)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
    co_return value;
}

// Tells how it was cancelled, and needs a few turns to clean up after that.
asio::awaitable<int> wait_and_clean_up(bool& cleaned)
{
    co_await asio::this_coro::throw_if_cancelled(false);
    weir::result<int> outcome = co_await weir::as_result(wait_for(1h, 1));
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    for (int i = 0; i != 3; ++i)
        co_await pause();
    cleaned = true;
    co_return std::move(outcome).value();
}

asio::awaitable<int> fail_at_once()
{
    co_await pause();
    throw weir::error(weir::errc::closed, "read");
}

TEST_CASE("with_deadline: work that ends in time gives its value at once")
{
    asio::io_context context;
    test::task<int> work(context.get_executor(), weir::with_deadline(wait_for(0s, 5), clock_type::now() + 1h));
    context.run(); // returns: no timer is left behind
    CHECK(*work.outcome() == 5);
}

TEST_CASE("with_deadline: work that fails at once does not wait for the deadline")
{
    asio::io_context context;
    test::task<int> work(context.get_executor(), weir::with_deadline(fail_at_once(), clock_type::now() + 1h));
    test::run_ready(context);
    CHECK(work.outcome().code() == weir::errc::closed);
}

TEST_CASE("with_deadline: work that takes longer is cancelled, and its cleaning up is awaited")
{
    asio::io_context context;
    bool cleaned = false;
    test::task<int> work(context.get_executor(),
                         weir::with_deadline(wait_and_clean_up(cleaned), clock_type::now() + 300ms, "read"));
    context.run();
    CHECK(work.outcome().code() == weir::errc::deadline_exceeded);
    CHECK(work.outcome().message() == "read: deadline exceeded");
    CHECK(cleaned);
}

TEST_CASE("with_deadline: work that completes after the deadline all the same gives its value")
{
    asio::io_context context;
    auto stubborn = []() -> asio::awaitable<int> {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        const int value = co_await wait_for(20ms, 3);
        co_return value;
    };
    CHECK(test::await(context, weir::with_deadline(stubborn(), clock_type::now() + 2ms)) == 3);
}

TEST_CASE("with_deadline: past the deadline nothing starts")
{
    asio::io_context context;
    bool started = false;
    auto start = [](bool& flag) -> asio::awaitable<void> {
        flag = true;
        co_return;
    };
    test::task<void> work(context.get_executor(), weir::with_deadline(start(started), clock_type::now() - 1s));
    test::run_ready(context);
    CHECK(work.outcome().code() == weir::errc::deadline_exceeded);
    CHECK(!started);
}

TEST_CASE("with_deadline: cancellation from outside reaches the work and is no missed deadline")
{
    asio::io_context context;
    bool cleaned = false;
    test::task<int> work(context.get_executor(),
                         weir::with_deadline(wait_and_clean_up(cleaned), clock_type::now() + 1h));
    test::run_ready(context);
    CHECK(!work.done());
    work.cancel();
    test::run_ready(context);
    CHECK(work.outcome().code() == weir::condition::cancelled);
    CHECK(cleaned);
}

TEST_CASE("with_deadline: total cancellation passes where the caller lets it through")
{
    asio::io_context context;
    auto widened = []() -> asio::awaitable<int> {
        co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
        const int value = co_await weir::with_deadline(wait_for(1h, 1), clock_type::now() + 2h);
        co_return value;
    };
    test::task<int> work(context.get_executor(), widened());
    test::run_ready(context);
    work.cancel(asio::cancellation_type::total);
    test::run_ready(context);
    CHECK(work.outcome().code() == weir::condition::cancelled);
}

TEST_CASE("with_deadline: a context destroyed in the middle frees work and caller")
{
    auto alive = std::make_shared<int>();
    {
        asio::io_context context;
        auto hold = [](std::shared_ptr<int>) -> asio::awaitable<int> { co_return co_await wait_for(1h, 1); };
        test::task<int> work(context.get_executor(), weir::with_deadline(hold(alive), clock_type::now() + 1h));
        test::run_ready(context);
        CHECK(alive.use_count() > 1);
    }
    CHECK(alive.use_count() == 1);
}

TEST_CASE("with_deadline: of a context that ends, what is inside goes before what it refers to")
{
    // Of two limits, one in the other, and a reactor that is older than the strands.
    struct mark {
        bool& gone;
        std::shared_ptr<bool> outer_is_there;
        ~mark() { gone = *outer_is_there; }
    };
    struct there {
        std::shared_ptr<bool> flag;
        ~there() { *flag = false; }
    };
    bool in_order = false;
    {
        asio::io_context context;
        const asio::steady_timer first(context);
        const auto inner = [](std::shared_ptr<bool> outer_is_there, bool& order) -> asio::awaitable<int> {
            const mark last{order, std::move(outer_is_there)};
            const int value = co_await wait_for(1h, 0);
            co_return value;
        };
        const auto outer = [&](bool& order) -> asio::awaitable<int> {
            const there here{std::make_shared<bool>(true)};
            const int value = co_await weir::with_deadline(inner(here.flag, order), clock_type::now() + 1h);
            co_return value;
        };
        test::task<int> work(context.get_executor(), weir::with_deadline(outer(in_order), clock_type::now() + 1h));
        test::run_ready(context);
        CHECK(!work.done());
    }
    CHECK(in_order);
}

TEST_CASE("with_deadline: values, failures and deadlines on several threads each end once")
{
    asio::thread_pool pool(4);
    std::atomic<int> values{0}, late{0}, failed{0};
    auto random = test::generator();
    constexpr int count = 2000;
    std::latch all(count);
    for (int i = 0; i != count; ++i) {
        const auto deadline = clock_type::now() + std::chrono::microseconds(random() % 3000);
        const auto time = std::chrono::microseconds(random() % 3000);
        auto work = i % 5 == 0 ? fail_at_once() : wait_for(time, i);
        auto count_end = [&](const std::exception_ptr& failure, int) {
            const std::error_code code = weir::code_of(failure);
            ++(code == weir::errc::deadline_exceeded ? late : code ? failed : values);
            all.count_down();
        };
        asio::co_spawn(pool, weir::with_deadline(std::move(work), deadline), std::move(count_end));
    }
    all.wait();
    pool.join();
    CHECK(values + late + failed == count);
    CHECK(failed <= count / 5);
}

TEST_CASE("run_on: the work runs on the other executor, the caller resumes on its own")
{
    asio::io_context context;
    asio::thread_pool other(1);
    std::thread::id there;
    auto look = [](std::thread::id& where) -> asio::awaitable<int> {
        co_await pause();
        where = std::this_thread::get_id();
        co_return 9;
    };
    auto caller = [&]() -> asio::awaitable<bool> {
        const int value = co_await weir::detail::run_on(other.get_executor(), look(there));
        CHECK(value == 9);
        co_return std::this_thread::get_id() == there;
    };
    CHECK(!test::await(context, caller()));
    CHECK(there != std::thread::id());
    CHECK(there != std::this_thread::get_id());
}

TEST_CASE("run_on: a cancellation that comes before the first line reaches the work where it waits")
{
    asio::io_context context;
    const auto child = std::make_shared<weir::detail::child_control>(context.get_executor());
    weir::detail::child_control::cancel(child, asio::cancellation_type::terminal); // runs first on the child's strand
    bool cleaned = false;
    std::optional<weir::result<int>> outcome;
    weir::detail::async_run_child(child, wait_and_clean_up(cleaned),
                                  [&outcome](weir::result<int> ended) { outcome.emplace(std::move(ended)); });
    context.run();
    REQUIRE(outcome.has_value());
    CHECK(outcome->code() == weir::condition::cancelled);
    CHECK(cleaned);
}

TEST_CASE("run_on: cancellation and completion from different threads meet safely")
{
    asio::io_context context;
    asio::thread_pool other(2);
    auto random = test::generator();
    int ended = 0;
    constexpr int count = 500;
    for (int i = 0; i != count; ++i) {
        const auto time = std::chrono::microseconds(random() % 200);
        test::task<int> work(context.get_executor(), weir::detail::run_on(other.get_executor(), wait_for(time, 1)));
        asio::steady_timer cancel_at(context, std::chrono::microseconds(random() % 200));
        cancel_at.async_wait([&](boost::system::error_code) { work.cancel(); });
        context.restart();
        context.run();
        const std::error_code code = work.outcome().code();
        ended += !code || code == weir::condition::cancelled;
    }
    CHECK(ended == count);
    other.join();
}

} // namespace
} // namespace cancel_test
