#include <weir/observer.hpp>

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace observer_test {
namespace {

using namespace std::chrono_literals;

class recorder final : public weir::observer {
public:
    void on_event(const weir::event& what) noexcept override { events.push_back(what); }
    std::vector<weir::event> events;
};

TEST_CASE("observer: a timed operation tells kind, names, sizes and how long it took")
{
    recorder seen;
    const auto before = std::chrono::steady_clock::now();
    {
        weir::timed_event timing(&seen, weir::event_kind::read, "read", "a.bin");
        timing.succeed(4096, 2);
    }
    const auto longest = std::chrono::steady_clock::now() - before;
    REQUIRE(seen.events.size() == 1);
    const weir::event& what = seen.events.front();
    CHECK(what.kind == weir::event_kind::read);
    CHECK(what.operation == "read");
    CHECK(what.subject == "a.bin");
    CHECK(what.bytes == 4096);
    CHECK(what.count == 2);
    CHECK(!what.outcome);
    CHECK(what.duration >= 0ns);
    CHECK(what.duration <= longest);
}

TEST_CASE("observer: only the first end of an operation is told")
{
    recorder seen;
    {
        weir::timed_event timing(&seen, weir::event_kind::stage, "cut");
        timing.fail(weir::errc::closed, 10);
        timing.succeed(20);
    }
    REQUIRE(seen.events.size() == 1);
    CHECK(seen.events.front().outcome == weir::errc::closed);
    CHECK(seen.events.front().bytes == 10);
}

TEST_CASE("observer: an operation that is dropped tells that it was cancelled")
{
    recorder seen;
    {
        weir::timed_event timing(&seen, weir::event_kind::acquire, "reserve");
    }
    REQUIRE(seen.events.size() == 1);
    CHECK(seen.events.front().outcome == weir::condition::cancelled);
}

TEST_CASE("observer: an observer that overrides nothing, and none at all, take every event")
{
    weir::observer deaf;
    weir::timed_event told(&deaf, weir::event_kind::flow, "ingest");
    told.succeed();
    weir::timed_event untold(nullptr, weir::event_kind::flow, "ingest");
    untold.fail(weir::errc::closed);
    CHECK(weir::to_string(weir::event_kind::stalled) == "stalled");
}

} // namespace
} // namespace observer_test
