#include <weir/statistics.hpp>

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

namespace {

using namespace std::chrono_literals;
using weir::stage;

TEST_CASE("statistics: the stage that was busiest for its width held the others back")
{
    weir::stage_clock clock;
    CHECK(!weir::bottleneck(clock.snapshot()));
    clock.add_busy(stage::read, 2s);
    clock.add_busy(stage::digest, 6s);
    CHECK(weir::bottleneck(clock.snapshot()) == stage::digest);
    clock.set_width(stage::digest, 4); // 1.5 s on each of four workers
    CHECK(weir::bottleneck(clock.snapshot()) == stage::read);
    clock.add_busy(stage::sink, 3s);
    CHECK(weir::bottleneck(clock.snapshot()) == stage::sink);
}

TEST_CASE("statistics: a span adds the time of its scope to one stage only")
{
    weir::stage_clock clock;
    const auto before = weir::stage_clock::clock::now();
    {
        const auto working = clock.busy(stage::cut);
        const auto idle = clock.waiting(stage::sink);
        clock.count(stage::cut, 100, 3);
        while (weir::stage_clock::clock::now() == before) {
        }
    }
    const auto longest = weir::stage_clock::clock::now() - before;
    const weir::stage_snapshot seen = clock.snapshot();
    const weir::stage_statistics& cut = seen[static_cast<std::size_t>(stage::cut)];
    const weir::stage_statistics& sink = seen[static_cast<std::size_t>(stage::sink)];
    CHECK(cut.busy > 0ns);
    CHECK(cut.busy <= longest);
    CHECK(cut.waiting == 0ns);
    CHECK(cut.bytes == 100);
    CHECK(cut.items == 3);
    CHECK(sink.waiting > 0ns);
    CHECK(sink.busy == 0ns);
}

TEST_CASE("statistics: ratio and throughput are defined when nothing was done")
{
    weir::flow_statistics flow;
    CHECK(flow.dedup_ratio() == 1.0);
    CHECK(flow.throughput() == 0.0);
    flow.bytes = 1000;
    flow.unique_bytes = 250;
    flow.elapsed = 500ms;
    CHECK(flow.dedup_ratio() == doctest::Approx(4));
    CHECK(flow.throughput() == doctest::Approx(2000));
}

#if defined(__linux__)
TEST_CASE("statistics: the memory peak rises with memory in use, and stays")
{
    const std::uint64_t before = weir::peak_memory_bytes();
    REQUIRE(before > 0);
    constexpr std::size_t much = std::size_t{64} << 20;
    {
        std::vector<unsigned char> memory(before + much);
        std::memset(memory.data(), 1, memory.size());
        CHECK(memory[memory.size() / 2] == 1);
    }
    CHECK(weir::peak_memory_bytes() >= before + much / 2);
}
#endif

} // namespace
