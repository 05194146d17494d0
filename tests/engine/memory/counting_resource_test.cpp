#include <weir/counting_resource.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <memory_resource>
#include <new>
#include <string>
#include <vector>

namespace {

TEST_CASE("counting_resource: counts what is held, the peak and how often")
{
    weir::counting_resource memory;
    {
        std::pmr::vector<char> first(1000, 'x', &memory);
        CHECK(memory.current_bytes() == 1000);
        {
            const std::pmr::vector<char> second(500, 'y', &memory);
            CHECK(memory.current_count() == 2);
        }
        CHECK(memory.current_bytes() == 1000);
    }
    CHECK(memory.current_bytes() == 0);
    CHECK(memory.current_count() == 0);
    CHECK(memory.peak_bytes() == 1500);
    CHECK(memory.total_count() == 2);
    CHECK(memory.leak_report().empty());
}

TEST_CASE("counting_resource: an allocation beyond the limit is refused and changes nothing")
{
    weir::counting_resource memory(100);
    const std::pmr::vector<char> held(60, 'x', &memory);
    CHECK_THROWS_AS((void)memory.allocate(41, 1), std::bad_alloc);
    CHECK(memory.current_bytes() == 60);
    CHECK(memory.refused_count() == 1);
    void* const rest = memory.allocate(40, 1);
    CHECK(memory.current_bytes() == 100);
    memory.deallocate(rest, 40, 1);
}

TEST_CASE("counting_resource: the report names what is still held, the largest first")
{
    weir::counting_resource memory;
    weir::counting_resource::label names(memory, "names");
    weir::counting_resource::label more_names(memory, "names");
    weir::counting_resource::label index(memory, "index");
    const std::pmr::vector<char> a(10, 'x', &names);
    const std::pmr::vector<char> b(20, 'x', &more_names);
    const std::pmr::vector<char> c(40, 'x', &index);
    const std::pmr::vector<char> d(1, 'x', &memory);
    { const std::pmr::vector<char> gone(99, 'x', &index); }
    CHECK(memory.leak_report()
          == "index: 40 bytes in 1 allocation\n"
             "names: 30 bytes in 2 allocations\n"
             "(no label): 1 bytes in 1 allocation\n");
    CHECK(memory.peak_bytes() == 170);
    CHECK(names.is_equal(index));
    CHECK(!names.is_equal(memory));
}

TEST_CASE("counting_resource: over-aligned memory is counted and aligned")
{
    weir::counting_resource memory;
    void* const aligned = memory.allocate(100, 4096);
    CHECK(reinterpret_cast<std::uintptr_t>(aligned) % 4096 == 0);
    CHECK(memory.current_bytes() == 100);
    memory.deallocate(aligned, 100, 4096);
    CHECK(memory.current_bytes() == 0);
}

} // namespace
