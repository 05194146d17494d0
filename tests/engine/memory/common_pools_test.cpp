#include <weir/common_pools.hpp>
#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <vector>

namespace {

constexpr std::size_t KiB = 1024;

TEST_CASE("get_buffer: the pool with the smallest blocks that fit serves, made on first use")
{
    const std::size_t before = weir::common_pool_statistics().size();
    CHECK(before == 0);
    CHECK(weir::get_buffer(1).capacity() == KiB);
    CHECK(weir::common_pool_statistics().size() == 1);
    CHECK(weir::get_buffer(KiB + 1).capacity() == 64 * KiB);
    CHECK(weir::get_buffer(64 * KiB + 1).capacity() == 1024 * KiB);
    CHECK(weir::common_pool_statistics().size() == 3);
    CHECK(&weir::common_pool(2) == &weir::common_pool(KiB));
}

TEST_CASE("get_buffer: impossible sizes are refused")
{
    CHECK_THROWS_AS((void)weir::get_buffer(0), weir::error);
    CHECK_THROWS_AS((void)weir::get_buffer(1024 * KiB + 1), weir::error);
}

TEST_CASE("get_buffer: the limit is reported, and clearing gives the memory back")
{
    std::vector<weir::buffer> held;
    while (std::optional<weir::buffer> got = weir::try_get_buffer(1024 * KiB))
        held.push_back(std::move(*got));
    CHECK(held.size() == 128);
    CHECK_THROWS_AS((void)weir::get_buffer(1024 * KiB), weir::error);
    held.clear();
    weir::clear_common_pools();
    for (const weir::pool_statistics& each : weir::common_pool_statistics()) {
        CHECK(each.allocated_bytes == 0);
        CHECK(each.peak_bytes == 0);
    }
    CHECK(weir::get_buffer(1024 * KiB));
}

} // namespace
