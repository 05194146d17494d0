#include <weir/cpu.hpp>

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace {

TEST_CASE("cpu: the levels that can run begin with portable and end with the one detected")
{
    const auto levels = weir::available_cpu_levels();
    REQUIRE(!levels.empty());
    CHECK(levels.front() == weir::cpu_level::portable);
    CHECK(levels.back() == weir::detected_cpu_level());
    CHECK(std::ranges::is_sorted(levels));
}

TEST_CASE("cpu: a level that can run is found by its name")
{
    for (weir::cpu_level level : weir::available_cpu_levels())
        CHECK(weir::require_cpu_level(to_string(level)) == level);
}

void check_refused(const std::string& name)
{
    CAPTURE(name);
    try {
        (void)weir::require_cpu_level(name);
        FAIL("accepted");
    }
    catch (const weir::error& failure) {
        CHECK(failure.code() == weir::errc::kernel_unavailable);
        const std::string text = failure.what();
        CHECK(text.find("WEIR_CPU=" + name) != text.npos);
        for (weir::cpu_level level : weir::available_cpu_levels())
            CHECK(text.find(to_string(level)) != text.npos);
    }
}

TEST_CASE("cpu: an unknown name is refused, and the error says which can run")
{
    check_refused("AVX2 ");
    check_refused("");
    check_refused("sve");
}

TEST_CASE("cpu: a level above the CPU, or of another architecture, is refused")
{
    const auto available = weir::available_cpu_levels();
    int refused = 0;
    for (weir::cpu_level level : {weir::cpu_level::portable, weir::cpu_level::sse, weir::cpu_level::avx2,
                                  weir::cpu_level::avx512, weir::cpu_level::neon})
        if (std::ranges::find(available, level) == available.end()) {
            check_refused(std::string(to_string(level)));
            ++refused;
        }
    CHECK(refused > 0); // no CPU has both NEON and SSE
}

TEST_CASE("cpu: what is active is what WEIR_CPU says, or what was detected")
{
    const char* forced = std::getenv("WEIR_CPU");
    const weir::cpu_level expected = forced && *forced ? weir::require_cpu_level(forced) : weir::detected_cpu_level();
    CHECK(weir::active_cpu_level() == expected);
}

} // namespace
