#include <weir/glob.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

bool matches(std::string pattern, std::string_view path) { return weir::glob(std::move(pattern)).matches(path); }

TEST_CASE("glob: a star and a question mark stay within one part of the path")
{
    CHECK(matches("*.o", "main.o"));
    CHECK(matches("*.o", ".o"));
    CHECK(matches("*", ".hidden"));
    CHECK_FALSE(matches("*.o", "src/main.o"));
    CHECK_FALSE(matches("*", "a/b"));
    CHECK(matches("src/*.o", "src/main.o"));
    CHECK_FALSE(matches("src?main", "src/main"));
    CHECK(matches("a?c", "abc"));
    CHECK_FALSE(matches("a?c", "ac"));
}

TEST_CASE("glob: two stars span directories")
{
    CHECK(matches("**/*.o", "main.o"));
    CHECK(matches("**/*.o", "a/b/main.o"));
    CHECK_FALSE(matches("**/in.o", "a/main.o"));
    CHECK(matches("a/**/z", "a/z"));
    CHECK(matches("a/**/z", "a/b/c/z"));
    CHECK_FALSE(matches("a/**/z", "a/b/cz"));
    CHECK(matches("a/**", "a/b/c"));
    CHECK_FALSE(matches("a/**", "a"));
    CHECK(matches("**", "a/b"));
    CHECK(matches("a**z", "ab/cz"));
    CHECK(matches("**/x/**/y", "x/a/x/b/y"));
}

TEST_CASE("glob: brackets hold characters, ranges and their opposites")
{
    CHECK(matches("[abc]", "b"));
    CHECK(matches("[a-c]x", "bx"));
    CHECK_FALSE(matches("[!a-c]", "b"));
    CHECK(matches("[^a-c]", "d"));
    CHECK(matches("[]]", "]"));
    CHECK(matches("[a-]", "-"));
    CHECK(matches("[\\]x]", "]"));
    CHECK_FALSE(matches("a[!b]c", "a/c"));
    CHECK(matches("[ab", "[ab"));
}

TEST_CASE("glob: a backslash makes the next character plain")
{
    CHECK(matches("\\*", "*"));
    CHECK_FALSE(matches("\\*", "a"));
    CHECK(matches("a\\", "a\\"));
}

TEST_CASE("glob: a character is a code point, or one byte of what is not UTF-8")
{
    CHECK(matches("?", "\xc3\xa9"));
    CHECK(matches("[\xc3\xa0-\xc3\xbf]", "\xc3\xa9"));
    CHECK_FALSE(matches("[\xc3\xa0-\xc3\xa8]", "\xc3\xa9"));
    CHECK(matches("?", "\xff"));
    CHECK(matches("a\xff*", "a\xff\xfe"));
    CHECK_FALSE(matches("?", "\xff\xfe"));
}

TEST_CASE("glob: the base name or the whole path may match")
{
    const weir::glob name("*.o");
    CHECK(name.matches_name_or_path("src/main.o"));
    CHECK(name.matches_name_or_path("main.o"));
    CHECK_FALSE(name.matches_name_or_path("main.o/x"));
    CHECK(weir::glob("src/*").matches_name_or_path("src/main.o"));
}

TEST_CASE("glob: many stars cost no more than a product of the lengths")
{
    std::string pattern;
    for (int i = 0; i < 50; ++i)
        pattern += "*a**/";
    CHECK_FALSE(matches(pattern + "b", std::string(2000, 'a')));
    CHECK_FALSE(matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(2000, 'a')));
}

} // namespace
