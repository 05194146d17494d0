// The ring of slots that threads share, with tasks that do nothing.

#include "parallel/ordered_threads.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

struct nothing {};

/// Numbers up to a last one.
class counting_task {
public:
    using item = std::uint64_t;

    explicit counting_task(std::uint64_t count) : count_(count) {}
    bool take(item& next) { return (next = taken_++) < count_; }
    std::unique_ptr<nothing> make_worker() const { return std::make_unique<nothing>(); }
    void work(nothing& /*worker*/, item& one) const { one *= 3; }
    void pass_on(item& next) { passed_on.push_back(next); }

    std::vector<std::uint64_t> passed_on;

private:
    const std::uint64_t count_;
    std::uint64_t taken_ = 0;
};

/// Fails when it is asked for its third item; the others wait for their turn to ask meanwhile.
class failing_task {
public:
    using item = std::uint64_t;

    bool take(item& next)
    {
        ++asked;
        if (asked != 3) {
            next = asked;
            return true;
        }
        throw std::runtime_error("take");
    }
    std::unique_ptr<nothing> make_worker() const { return std::make_unique<nothing>(); }
    void work(nothing& /*worker*/, item& /*one*/) const {}
    void pass_on(item& next) { last = next; }

    std::uint64_t asked = 0;
    std::uint64_t last = 0;
};

} // namespace

TEST_CASE("ordered threads: all is passed on, in order, by any number of them")
{
    for (const std::size_t threads : {1u, 2u, 7u}) {
        counting_task task(1000);
        weir::codecs::ordered_threads(task, threads).run();
        REQUIRE(task.passed_on.size() == 1000);
        for (std::uint64_t i = 0; i < 1000; ++i)
            REQUIRE(task.passed_on[i] == 3 * i);
    }
}

TEST_CASE("ordered threads: who fails to take is the last to be asked")
{
    for (int i = 0; i < 500; ++i) {
        failing_task task;
        CHECK_THROWS_WITH(weir::codecs::ordered_threads(task, 4).run(), "take");
        CHECK(task.asked == 3);
        CHECK(task.last <= 2);
    }
}
