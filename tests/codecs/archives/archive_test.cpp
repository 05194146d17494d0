#include <weir/archive.hpp>

#include <doctest/doctest.h>

TEST_CASE("archive: a safe name is relative and stays below its directory")
{
    for (const std::string_view name : {"a", "a/b", "dir/", "./a", "a//b", "..a", "a..", "a/...", "a\\..\\b", "."})
        CHECK_MESSAGE(weir::is_safe_name(name), name);
    for (const std::string_view name : {"", "/", "/a", "..", "../a", "a/..", "a/../b", "a/../", "a//.."})
        CHECK_MESSAGE(!weir::is_safe_name(name), name);
    CHECK(!weir::is_safe_name(std::string_view("a\0b", 3)));
}

TEST_CASE("archive: formats have names")
{
    CHECK(weir::to_string(weir::archive_format::tar) == "tar");
    CHECK(weir::to_string(weir::archive_format::zip) == "zip");
}
