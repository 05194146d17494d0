#include <weir/progress.hpp>

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <thread>

namespace {

using namespace std::chrono_literals;
const weir::progress::clock::time_point start{1000s};

double seconds(std::chrono::nanoseconds time)
{
    return std::chrono::duration<double>(time).count();
}

TEST_CASE("progress: the overall share weighs the stages")
{
    weir::progress work({{.name = "read", .weight = 3, .total = 100}, {.name = "write", .weight = 1, .total = 10}},
                        start);
    work.add(0, 50);
    work.add(1, 1);
    const weir::progress_snapshot seen = work.snapshot(start + 1s);
    CHECK(seen.stages.at(0).share.value() == doctest::Approx(0.5));
    CHECK(seen.stages.at(1).share.value() == doctest::Approx(0.1));
    CHECK(seen.share.value() == doctest::Approx((3 * 0.5 + 0.1) / 4));
    CHECK(seen.elapsed == 1s);
}

TEST_CASE("progress: steady work gives its rate and the time that is left")
{
    weir::progress work({{.name = "read", .total = 1000}}, start);
    weir::progress_snapshot seen;
    for (int second = 1; second <= 4; ++second) {
        work.add(0, 100);
        seen = work.snapshot(start + std::chrono::seconds(second));
    }
    CHECK(seen.stages.at(0).rate == doctest::Approx(100));
    CHECK(seconds(seen.left.value()) == doctest::Approx(6));
}

TEST_CASE("progress: the rate follows a change within seconds, whatever the interval of looking")
{
    for (const auto interval : {100ms, 500ms}) {
        weir::progress work({{.name = "read"}}, start);
        auto now = start;
        double rate = 0;
        for (const std::uint64_t speed : {1000u, 100u})
            for (auto until = now + 9s; now != until;) {
                now += interval;
                work.add(0, speed * static_cast<std::uint64_t>(interval.count()) / 1000);
                rate = work.snapshot(now).stages.at(0).rate;
            }
        CHECK(rate == doctest::Approx(100 + 900 * 0.0498).epsilon(0.01)); // e^-3 of the old rate is left
    }
}

TEST_CASE("progress: without a total there is a rate, but neither share nor end")
{
    weir::progress work({{.name = "stdin"}, {.name = "write", .total = 10}}, start);
    work.add(0, 4096);
    const weir::progress_snapshot open = work.snapshot(start + 2s);
    CHECK(open.stages.at(0).rate == doctest::Approx(2048));
    CHECK(!open.stages.at(0).share);
    CHECK(!open.share);
    CHECK(!open.left);

    work.finish(0);
    work.add(1, 5);
    const weir::progress_snapshot known = work.snapshot(start + 3s);
    CHECK(known.share.value() == doctest::Approx(0.75));
    CHECK(seconds(known.left.value()) == doctest::Approx(1)); // 0.75 of the whole took 3 s
}

TEST_CASE("progress: totals may grow while the work goes on, and done work above them is no more than all")
{
    weir::progress work({{.name = "tree"}}, start);
    work.add_total(0, 10);
    work.add(0, 10);
    CHECK(work.snapshot(start + 1s).share.value() == doctest::Approx(1));
    work.add_total(0, 10);
    const weir::progress_snapshot grown = work.snapshot(start + 2s);
    CHECK(grown.share.value() == doctest::Approx(0.5));
    work.add(0, 15);
    CHECK(work.snapshot(start + 3s).share.value() == doctest::Approx(1));
    CHECK(work.snapshot(start + 3s).left.value() == 0ns);
}

TEST_CASE("progress: an empty stage is complete, and two looks at one moment are well defined")
{
    weir::progress work({{.name = "read", .total = 0}}, start);
    CHECK(work.snapshot(start).share.value() == doctest::Approx(1));
    CHECK(work.snapshot(start).stages.at(0).rate == 0);
}

TEST_CASE("progress: impossible stages are refused")
{
    CHECK_THROWS_AS(weir::progress({}), weir::error);
    CHECK_THROWS_AS(weir::progress({{.name = "read", .weight = 0}}), weir::error);
}

TEST_CASE("progress: units added by several threads are all counted")
{
    weir::progress work({{.name = "read", .total = 40000}});
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i != 4; ++i)
            threads.emplace_back([&work] {
                for (int j = 0; j != 10000; ++j)
                    work.add(0, 1);
            });
    }
    CHECK(work.snapshot().stages.at(0).done == 40000);
}

} // namespace
