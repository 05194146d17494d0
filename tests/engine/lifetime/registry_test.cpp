#include <weir/registry.hpp>

#include <weir/async_guard.hpp>
#include <weir/cancel.hpp>

#include "support/coroutine.hpp"
#include "support/seed.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace registry_test {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using weir::resource_kind;

// A resource whose owner is the test: says how it was released, and writes its name down.
class fake final : public weir::cleanable {
public:
    enum class way { at_once, in_turns, never, stubborn, badly };

    fake(way how, std::vector<std::string>& order, std::string name) : how_(how), order_(order), name_(std::move(name))
    {
    }
    bool release_now() noexcept override
    {
        if (how_ == way::at_once)
            gone();
        return how_ == way::at_once;
    }
    asio::awaitable<void> release() override
    {
        if (how_ == way::stubborn)
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        if (how_ == way::badly)
            throw weir::error(weir::errc::closed, "release", name_);
        const auto time = how_ == way::in_turns ? 1ms : 24h;
        asio::steady_timer timer(co_await asio::this_coro::executor, time);
        co_await timer.async_wait(asio::use_awaitable);
        gone();
    }
    bool force_release() noexcept override
    {
        if (how_ == way::stubborn)
            return false;
        gone();
        return true;
    }

private:
    void gone() { order_.push_back(name_); }

    way how_;
    std::vector<std::string>& order_;
    std::string name_;
};

TEST_CASE("registry: counts live, peak and total resources of each kind, and their bytes")
{
    weir::registry resources;
    {
        const auto first = resources.add({.kind = resource_kind::file, .name = "a", .bytes = 10});
        const auto second = resources.add({.kind = resource_kind::file, .name = "b", .bytes = 20});
        const auto other = resources.add({.kind = resource_kind::flow});
        const auto seen = resources.statistics();
        CHECK(seen.of(resource_kind::file).live == 2);
        CHECK(seen.of(resource_kind::file).live_bytes == 30);
        CHECK(seen.of(resource_kind::flow).live == 1);
        CHECK(seen.live() == 3);
    }
    const auto again = resources.add({.kind = resource_kind::file});
    const auto seen = resources.statistics();
    CHECK(seen.of(resource_kind::file).live == 1);
    CHECK(seen.of(resource_kind::file).peak == 2);
    CHECK(seen.of(resource_kind::file).total == 3);
    CHECK(seen.of(resource_kind::file).live_bytes == 0);
}

TEST_CASE("registry: what is not counted is no leak, and has its turn in a clean-up all the same")
{
    asio::io_context context;
    weir::registry resources;
    std::vector<std::string> order;
    const auto engine = std::make_shared<fake>(fake::way::at_once, order, "engine");
    const auto entry = resources.add({.name = "engine", .target = engine, .counted = false});
    CHECK(resources.statistics().live() == 0);
    CHECK(resources.statistics().of(resource_kind::other).total == 0);
    CHECK(resources.leak_report().empty());
    const auto report = test::await(context, resources.cleanup_all(clock_type::now() + 1s));
    CHECK(report.total().immediate == 1);
    CHECK(report.left == 0);
    CHECK(order == std::vector<std::string>{"engine"});
}

TEST_CASE("registry: the leak report names what is still there, oldest first, and is empty when nothing is")
{
    weir::registry resources;
    {
        const auto file = resources.add({.kind = resource_kind::file, .name = "a.bin", .bytes = 4096});
        const auto blocks = resources.add({.kind = resource_kind::pool_blocks, .bytes = 1});
        const auto seen = resources.live_resources();
        REQUIRE(seen.size() == 2);
        CHECK(seen[0].name == "a.bin");
        CHECK(seen[1].kind == resource_kind::pool_blocks);
        CHECK(resources.leak_report() == "file a.bin, 4096 bytes, for 0.0 s\npool blocks, 1 bytes, for 0.0 s\n");
    }
    CHECK(resources.leak_report().empty());
}

TEST_CASE("registry: a registration moves, ends once, and may outlive the registry")
{
    auto resources = std::make_unique<weir::registry>();
    weir::registration kept = resources->add({.kind = resource_kind::file});
    weir::registration other = std::move(kept);
    CHECK(!kept);
    kept = std::move(other);
    CHECK(resources->statistics().live() == 1);
    kept = resources->add({.kind = resource_kind::mapping});
    CHECK(resources->statistics().of(resource_kind::file).live == 0);
    CHECK(resources->statistics().live() == 1);
    resources.reset();
    kept.reset();
    CHECK(!kept);
}

TEST_CASE("cleanup_all: phases come in the order of a shutdown, whatever the order of registration")
{
    asio::io_context context;
    weir::registry resources;
    std::vector<std::string> order;
    auto make = [&](std::string name, fake::way how) { return std::make_shared<fake>(how, order, std::move(name)); };
    const auto file = make("file", fake::way::at_once);
    const auto mapping = make("mapping", fake::way::in_turns);
    const auto flow = make("flow", fake::way::in_turns);
    const auto listener = make("listener", fake::way::in_turns);
    const auto a = resources.add({.kind = resource_kind::file, .target = file});
    const auto b = resources.add({.kind = resource_kind::mapping, .target = mapping});
    const auto c = resources.add({.kind = resource_kind::flow, .target = flow});
    const auto d = resources.add(
        {.kind = resource_kind::connection, .phase = weir::shutdown_phase::stop_accepting, .target = listener});
    const auto report = test::await(context, resources.cleanup_all(clock_type::now() + 1h));
    CHECK(order == std::vector<std::string>{"listener", "flow", "mapping", "file"});
    CHECK(report.total().background == 3);
    CHECK(report.total().immediate == 1);
    CHECK(report.phases[3].immediate == 1);
    CHECK(report.left == 4); // these fakes are registered by the test, not by themselves
}

TEST_CASE("cleanup_all: at the deadline what is left is forced, and what cannot be is counted")
{
    asio::io_context context;
    weir::registry resources;
    std::vector<std::string> order;
    const auto now = std::make_shared<fake>(fake::way::at_once, order, "now");
    const auto soon = std::make_shared<fake>(fake::way::in_turns, order, "soon");
    const auto never = std::make_shared<fake>(fake::way::never, order, "never");
    const auto stubborn = std::make_shared<fake>(fake::way::stubborn, order, "stubborn");
    const auto badly = std::make_shared<fake>(fake::way::badly, order, "badly");
    std::vector<weir::registration> entries;
    for (const auto& each : {stubborn, never, badly, soon, now})
        entries.push_back(resources.add({.kind = resource_kind::flow, .target = each}));
    const auto report = test::await(context, resources.cleanup_all(clock_type::now() + 30ms));
    CHECK(order == std::vector<std::string>{"now", "soon", "never", "badly"});
    const weir::cleanup_counts all = report.total();
    CHECK(all.immediate == 1);
    CHECK(all.background == 1);
    CHECK(all.forced == 2);
    CHECK(all.unfinished == 1);
    CHECK(all.failures == 1);
}

TEST_CASE("cleanup_all: past the deadline everything is forced without being begun")
{
    asio::io_context context;
    weir::registry resources;
    std::vector<std::string> order;
    const auto slow = std::make_shared<fake>(fake::way::in_turns, order, "slow");
    const auto entry = resources.add({.kind = resource_kind::flow, .target = slow});
    const auto report = test::await(context, resources.cleanup_all(clock_type::now() - 1s));
    CHECK(report.total().forced == 1);
    CHECK(order.size() == 1);
}

TEST_CASE("cleanup_all: a resource that is gone, or only counted, is passed over")
{
    asio::io_context context;
    weir::registry resources;
    std::vector<std::string> order;
    auto gone = std::make_shared<fake>(fake::way::at_once, order, "gone");
    const auto stale = resources.add({.kind = resource_kind::flow, .target = gone});
    const auto counted = resources.add({.kind = resource_kind::file});
    gone.reset();
    const auto report = test::await(context, resources.cleanup_all(clock_type::now() + 1h));
    CHECK(report.total().immediate == 0);
    CHECK(report.left == 2);
}

TEST_CASE("cleanup_all: cancelled, it cancels the releases under way and begins no further")
{
    asio::io_context context;
    weir::registry resources;
    std::vector<std::string> order;
    const auto never = std::make_shared<fake>(fake::way::never, order, "never");
    const auto later = std::make_shared<fake>(fake::way::at_once, order, "later");
    const auto first = resources.add({.kind = resource_kind::flow, .target = never});
    const auto second = resources.add({.kind = resource_kind::file, .target = later});
    test::task<weir::cleanup_report> work(context.get_executor(), resources.cleanup_all(clock_type::now() + 1h));
    test::run_ready(context);
    CHECK(!work.done());
    work.cancel();
    context.run(); // returns: the timer of the release is gone
    CHECK(work.outcome().code() == weir::condition::cancelled);
    CHECK(order.empty());
    CHECK(never.use_count() == 1);
}

// Guards and the registry together.

struct outcome_counts {
    std::atomic<int> released{0};
    std::atomic<int> fallen_back{0};
};

asio::awaitable<void> release_soon(outcome_counts*& counts)
{
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    ++counts->released;
}

asio::awaitable<void> release_late(outcome_counts*& counts)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, 24h);
    co_await timer.async_wait(asio::use_awaitable);
    ++counts->released;
}

void fall_back(outcome_counts*& counts) noexcept
{
    ++counts->fallen_back;
}

TEST_CASE("cleanup_all: releases guards that are held or queued, in their usual way")
{
    asio::io_context context;
    weir::registry resources;
    outcome_counts counts;
    weir::async_guard held(context.get_executor(), &counts, release_soon, fall_back, {.resources = &resources});
    weir::async_guard(context.get_executor(), &counts, release_soon, fall_back, {.resources = &resources}).release();
    CHECK(resources.statistics().of(resource_kind::guard).live == 2);
    const auto report = test::await(context, resources.cleanup_all(clock_type::now() + 1h));
    CHECK(report.total().background == 2);
    CHECK(report.left == 0);
    CHECK(counts.released == 2);
    CHECK(!held);
}

TEST_CASE("cleanup_all: forces a guard whose executor is stopped, and one whose release hangs")
{
    asio::io_context stopped;
    asio::io_context context;
    weir::registry resources;
    outcome_counts counts;
    weir::async_guard(stopped.get_executor(), &counts, release_soon, fall_back, {.resources = &resources}).release();
    weir::async_guard(context.get_executor(), &counts, release_late, fall_back, {.resources = &resources}).release();
    const auto report = test::await(context, resources.cleanup_all(clock_type::now() + 5ms));
    CHECK(report.total().forced == 2);
    CHECK(report.left == 0);
    CHECK(counts.fallen_back == 2);
    stopped.run();
    context.restart();
    context.run();
    CHECK(counts.released == 0);
    CHECK(counts.fallen_back == 2);
}

TEST_CASE("cleanup_all: a release halfway on a stopped executor is left alone until that executor ends")
{
    weir::registry resources;
    outcome_counts counts;
    asio::io_context context;
    {
        asio::io_context stopped;
        weir::async_guard(stopped.get_executor(), &counts, release_late, fall_back, {.resources = &resources})
            .release();
        stopped.poll();
        const auto report = test::await(context, resources.cleanup_all(clock_type::now() + 5ms));
        CHECK(report.total().unfinished == 1);
        CHECK(report.left == 1);
        CHECK(counts.fallen_back == 0);
    }
    CHECK(counts.fallen_back == 1);
    CHECK(resources.statistics().live() == 0);
}

TEST_CASE("registry: threads that add and end registrations and guards while all is cleaned up agree in the end")
{
    weir::registry resources;
    outcome_counts counts;
    constexpr int per_thread = 2000;
    constexpr int threads = 4;
    {
        asio::thread_pool pool(2);
        asio::io_context context;
        std::vector<std::jthread> workers;
        for (int i = 0; i != threads; ++i)
            workers.emplace_back([&, i] {
                auto random = test::generator(static_cast<std::uint64_t>(i));
                std::vector<weir::registration> mine;
                for (int j = 0; j != per_thread; ++j) {
                    mine.push_back(resources.add({.kind = resource_kind::file, .bytes = 1}));
                    weir::async_guard(pool.get_executor(), &counts, release_soon, fall_back, {.resources = &resources});
                    if (random() % 8 == 0)
                        mine.clear();
                }
            });
        for (int i = 0; i != 20; ++i)
            test::await(context, resources.cleanup_all(clock_type::now() + 1ms));
        workers.clear();
        test::await(context, resources.cleanup_all(clock_type::now() + 1h));
        pool.join();
    }
    CHECK(counts.released + counts.fallen_back == threads * per_thread);
    const auto seen = resources.statistics();
    CHECK(seen.live() == 0);
    CHECK(seen.of(resource_kind::file).live_bytes == 0);
    CHECK(seen.of(resource_kind::file).total == threads * per_thread);
    CHECK(resources.live_resources().empty());
}

// What is left registered when several threads make guards and keep them, while others force all there are.
std::uint64_t left_after_forcing_new_guards(std::size_t per_thread)
{
    weir::registry resources;
    outcome_counts counts;
    asio::io_context never_run;
    std::array<std::vector<weir::async_guard<outcome_counts*>>, 4> guards; // more threads than cores: some are stopped
    std::atomic<std::size_t> making = guards.size();
    std::vector<std::jthread> makers, cleaners;
    for (auto& mine : guards)
        makers.emplace_back([&] {
            mine.resize(per_thread);
            for (auto& each : mine)
                each = weir::async_guard(never_run.get_executor(), &counts, release_soon, fall_back,
                                         {.resources = &resources});
            --making;
        });
    const auto force_all = [&] { // past its deadline: by force at once
        asio::io_context context;
        test::await(context, resources.cleanup_all(clock_type::now()));
    };
    for (int i = 0; i != 3; ++i)
        cleaners.emplace_back([&] {
            while (making > 0)
                force_all();
        });
    cleaners.clear();
    makers.clear();
    force_all();
    CHECK(counts.fallen_back == static_cast<int>(guards.size() * per_thread));
    return resources.statistics().live();
}

TEST_CASE("cleanup_all: guards that are forced while they are being made leave nothing registered")
{
    for (int round = 0; round != 5; ++round) // what this is about takes a thread that is stopped at one place
        CHECK(left_after_forcing_new_guards(10'000) == 0);
}

} // namespace
} // namespace registry_test
