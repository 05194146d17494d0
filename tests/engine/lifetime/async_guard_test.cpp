#include <weir/async_guard.hpp>

#include "support/coroutine.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// What happened to one resource. The two counts are what every test is about: exactly one is 1 in the end.
struct record {
    std::atomic<int> released{0};
    std::atomic<int> fallen_back{0};
    std::atomic<int> begun{0};
    bool frame_alive = false;

    bool settled_by_release() const { return released == 1 && fallen_back == 0; }
    bool settled_by_fallback() const { return released == 0 && fallen_back == 1; }
    bool untouched() const { return released == 0 && fallen_back == 0; }
};

struct resource {
    explicit resource(record& what) : about(&what) {}
    resource(resource&& other) noexcept : about(std::exchange(other.about, nullptr)) {}
    resource& operator=(resource&&) = default;
    record* about;
};

asio::awaitable<void> turns(int count)
{
    for (int i = 0; i != count; ++i)
        co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

asio::awaitable<void> release_in_two_turns(resource& held)
{
    ++held.about->begun;
    co_await turns(2);
    ++held.about->released;
}

struct mark_frame {
    explicit mark_frame(record& what) : about(what) { about.frame_alive = true; }
    ~mark_frame() { about.frame_alive = false; }
    record& about;
};

asio::awaitable<void> release_never(resource& held)
{
    ++held.about->begun;
    const mark_frame mark(*held.about);
    asio::steady_timer timer(co_await asio::this_coro::executor, 24h);
    co_await timer.async_wait(asio::use_awaitable);
    ++held.about->released;
}

asio::awaitable<void> release_badly(resource& held)
{
    ++held.about->begun;
    co_await turns(1);
    throw weir::error(weir::errc::closed, "release", "upload");
}

void fall_back(resource& held) noexcept
{
    CHECK(!held.about->frame_alive); // the release's frame is gone before
    ++held.about->fallen_back;
}

template <class Release>
weir::async_guard<resource> guard(asio::io_context& context, record& about, Release release,
                                  weir::guard_options options = {})
{
    return {context.get_executor(), resource(about), release, fall_back, std::move(options)};
}

TEST_CASE("async_guard: the end of the scope posts the release, which runs to its end")
{
    asio::io_context context;
    record about;
    {
        const auto held = guard(context, about, release_in_two_turns);
        CHECK(held);
        CHECK(held->about == &about);
    }
    CHECK(about.begun == 0); // not inside the destructor
    test::run_ready(context);
    CHECK(about.settled_by_release());
}

TEST_CASE("async_guard: release begins it early and leaves nothing to release later")
{
    asio::io_context context;
    record about;
    {
        auto held = guard(context, about, release_in_two_turns);
        held.release();
        CHECK(!held);
        held.release();
    }
    test::run_ready(context);
    CHECK(about.settled_by_release());
}

TEST_CASE("async_guard: a moved guard releases once, an overwritten one at once")
{
    asio::io_context context;
    record first, second;
    {
        auto held = guard(context, first, release_in_two_turns);
        weir::async_guard<resource> other = std::move(held);
        other = guard(context, second, release_in_two_turns);
        test::run_ready(context);
        CHECK(first.settled_by_release());
        CHECK(second.untouched());
    }
    test::run_ready(context);
    CHECK(second.settled_by_release());
}

TEST_CASE("async_guard: a dismissed resource is given back and never released")
{
    asio::io_context context;
    record about;
    weir::registry resources;
    {
        auto held = guard(context, about, release_in_two_turns, {.resources = &resources});
        const resource back = held.dismiss();
        CHECK(back.about == &about);
        CHECK(!held);
    }
    test::run_ready(context);
    CHECK(about.untouched());
    CHECK(resources.statistics().live() == 0);
}

TEST_CASE("async_guard: an io_context destroyed with a release in its queue falls back")
{
    record about;
    {
        asio::io_context context;
        guard(context, about, release_in_two_turns).release();
        CHECK(about.untouched());
    }
    CHECK(about.begun == 0);
    CHECK(about.settled_by_fallback());
}

TEST_CASE("async_guard: an io_context destroyed with a release halfway falls back, after the release's frame is gone")
{
    record about;
    {
        asio::io_context context;
        guard(context, about, release_never).release();
        test::run_ready(context);
        CHECK(about.begun == 1);
        CHECK(about.untouched());
    }
    CHECK(about.settled_by_fallback());
}

TEST_CASE("async_guard: guards in the frames of a destroyed io_context fall back")
{
    record about;
    {
        asio::io_context context;
        auto hold = [](asio::io_context& where, record& what) -> asio::awaitable<void> {
            const auto held = guard(where, what, release_in_two_turns);
            asio::steady_timer timer(where, 24h);
            co_await timer.async_wait(asio::use_awaitable);
        };
        test::task<void> work(context.get_executor(), hold(context, about));
        test::run_ready(context);
        CHECK(about.untouched());
    }
    CHECK(about.settled_by_fallback());
}

TEST_CASE("async_guard: a stopped io_context releases when it is restarted")
{
    asio::io_context context;
    record queued, halfway;
    guard(context, halfway, release_in_two_turns).release();
    context.run_one(); // begins to run it
    guard(context, queued, release_in_two_turns).release();
    context.stop();
    context.run();
    CHECK(queued.untouched());
    CHECK(halfway.untouched());
    context.restart();
    context.run();
    CHECK(queued.settled_by_release());
    CHECK(halfway.settled_by_release());
}

TEST_CASE("async_guard: a release that throws falls back, then tells the hook who failed and how")
{
    asio::io_context context;
    record about;
    std::string name;
    std::error_code code;
    auto hook = [&](std::string_view who, std::exception_ptr failure) {
        CHECK(about.settled_by_fallback());
        name = who;
        code = weir::code_of(failure);
    };
    guard(context, about, release_badly, {.name = "upload 1", .on_failure = hook}).release();
    test::run_ready(context);
    CHECK(about.settled_by_fallback());
    CHECK(name == "upload 1");
    CHECK(code == weir::errc::closed);
}

TEST_CASE("async_guard: a hook that throws harms nobody")
{
    asio::io_context context;
    record about;
    auto hook = [](std::string_view, std::exception_ptr) { throw 1; };
    guard(context, about, release_badly, {.on_failure = hook}).release();
    CHECK_NOTHROW(test::run_ready(context));
    CHECK(about.settled_by_fallback());
}

TEST_CASE("async_guard: a release that throws before its first suspension falls back too")
{
    asio::io_context context;
    record about;
    auto throw_plainly = [](resource&) -> asio::awaitable<void> { throw weir::error(weir::errc::closed, "release"); };
    guard(context, about, throw_plainly).release();
    test::run_ready(context);
    CHECK(about.settled_by_fallback());
}

TEST_CASE("async_guard: the release may be a coroutine lambda with captures")
{
    asio::io_context context;
    record about;
    auto shared = std::make_shared<std::string>("alive");
    {
        auto release = [text = shared](resource& held) -> asio::awaitable<void> {
            co_await turns(2);
            held.about->released += *text == "alive";
        };
        weir::async_guard held(context.get_executor(), resource(about), std::move(release), fall_back);
    }
    test::run_ready(context);
    CHECK(about.settled_by_release());
    CHECK(shared.use_count() == 1);
}

TEST_CASE("async_release: waits until the resource is gone")
{
    asio::io_context context;
    record about;
    auto held = guard(context, about, release_in_two_turns);
    test::task<void> waiting(context.get_executor(), held.async_release(asio::use_awaitable));
    context.poll_one();
    CHECK(!waiting.done());
    test::run_ready(context);
    CHECK(waiting.outcome());
    CHECK(about.settled_by_release());
    CHECK(!held);
}

TEST_CASE("async_release: gives the failure of the release")
{
    asio::io_context context;
    record about;
    auto held = guard(context, about, release_badly);
    std::error_code code;
    held.async_release([&](boost::system::error_code failed) { code = failed; });
    test::run_ready(context);
    CHECK(code == weir::errc::closed);
    CHECK(about.settled_by_fallback());
}

TEST_CASE("async_release: cancelled, the release is cancelled and the fallback runs")
{
    asio::io_context context;
    record about;
    auto held = guard(context, about, release_never);
    test::task<void> waiting(context.get_executor(), held.async_release(asio::use_awaitable));
    test::run_ready(context);
    CHECK(about.begun == 1);
    waiting.cancel();
    test::run_ready(context);
    CHECK(waiting.outcome().code() == weir::condition::cancelled);
    CHECK(about.settled_by_fallback());
}

TEST_CASE("async_release: cancelled before the release has begun, the fallback runs at once")
{
    asio::io_context other; // nobody runs it
    asio::io_context context;
    record about;
    auto held = guard(other, about, release_in_two_turns);
    test::task<void> waiting(context.get_executor(), held.async_release(asio::use_awaitable));
    test::run_ready(context);
    CHECK(!waiting.done());
    waiting.cancel();
    test::run_ready(context);
    CHECK(waiting.outcome().code() == weir::condition::cancelled);
    CHECK(about.settled_by_fallback());
    other.run();
    CHECK(about.begun == 0);
}

TEST_CASE("async_release: of a guard that holds nothing, completes well")
{
    asio::io_context context;
    weir::async_guard<resource> empty;
    CHECK_NOTHROW(test::await(context, empty.async_release(asio::use_awaitable)));
}

TEST_CASE("async_release: an operation that is never started releases all the same")
{
    asio::io_context context;
    record about;
    auto held = guard(context, about, release_in_two_turns);
    {
        [[maybe_unused]] auto lazy = held.async_release(asio::deferred);
    }
    test::run_ready(context);
    CHECK(about.settled_by_release());
}

TEST_CASE("async_release: an io_context destroyed in the wait falls back")
{
    record about;
    {
        asio::io_context context;
        auto held = guard(context, about, release_never);
        test::task<void> waiting(context.get_executor(), held.async_release(asio::use_awaitable));
        test::run_ready(context);
    }
    CHECK(about.settled_by_fallback());
}

class recorder final : public weir::observer {
public:
    void on_event(const weir::event& what) noexcept override
    {
        subject = what.subject;
        outcomes.push_back(what.outcome);
    }
    std::string subject;
    std::vector<std::error_code> outcomes;
};

TEST_CASE("async_guard: the observer is told of every release, and of how it ended")
{
    recorder seen;
    {
        asio::io_context context;
        record good, bad, dropped;
        guard(context, good, release_in_two_turns, {.name = "a", .observer = &seen}).release();
        test::run_ready(context);
        guard(context, bad, release_badly, {.name = "b", .observer = &seen}).release();
        test::run_ready(context);
        CHECK(seen.subject == "b");
        guard(context, dropped, release_in_two_turns, {.observer = &seen}).release();
        context.stop();
        auto end = std::make_unique<asio::io_context>();
        guard(*end, good, release_in_two_turns, {.observer = &seen}).release();
        end.reset();
        REQUIRE(seen.outcomes.size() == 3);
        CHECK(!seen.outcomes[0]);
        CHECK(seen.outcomes[1] == weir::errc::closed);
        CHECK(seen.outcomes[2] == weir::condition::cancelled);
        test::run_ready(context);
    }
    CHECK(seen.outcomes.size() == 4);
}

TEST_CASE("async_guard: guards ended on several threads while their pool is stopped each settle once")
{
    constexpr int count = 3000;
    std::vector<record> records(count);
    {
        asio::thread_pool pool(3);
        std::vector<std::jthread> threads;
        for (int i = 0; i != 3; ++i)
            threads.emplace_back([&, i] {
                for (int j = i; j < count; j += 3) {
                    auto release = j % 2 ? release_in_two_turns : release_badly;
                    weir::async_guard(pool.get_executor(), resource(records[static_cast<std::size_t>(j)]), release,
                                      fall_back);
                    if (j == count / 2)
                        pool.stop();
                }
            });
        threads.clear();
    }
    int settled = 0;
    for (const record& each : records)
        settled += each.settled_by_release() || each.settled_by_fallback();
    CHECK(settled == count);
}

} // namespace
