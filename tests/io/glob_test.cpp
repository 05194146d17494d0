#include <weir/glob.hpp>

#include <doctest/doctest.h>

#include <cwctype>
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

TEST_CASE("glob: a set may hold classes of ASCII, and characters by their names")
{
    CHECK(matches("[[:upper:]]*", "Aa"));
    CHECK_FALSE(matches("[[:upper:]]*", "aA"));
    CHECK(matches("[![:upper:]]", "a"));
    CHECK(matches("[_[:digit:]-]", "-"));
    CHECK(matches("[_[:digit:]a-f]", "7"));
    CHECK_FALSE(matches("[[:alpha:]]", "\xc3\xa9"));
    CHECK(matches("[[.a.]-[.c.]]", "b"));
    CHECK(matches("[[=a=]]", "a"));
    CHECK(matches("[[.].]]", "]"));
    CHECK(matches("[[:]", ":"));
    CHECK_FALSE(matches("[[:alpha:]]", "a]"));
    CHECK_FALSE(matches("[[:letter:]]", "a"));
    CHECK_FALSE(matches("[![:letter:]]", "a"));
    for (const std::string name : {"alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
                                   "space", "upper", "xdigit"}) {
        CAPTURE(name);
        const weir::glob set("[[:" + name + ":]]");
        CHECK(set.is_well_formed());
        const wctype_t type = std::wctype(name.c_str()); // the C locale
        for (int c = 1; c < 128; ++c)
            if (c != '/')
                CHECK(set.matches(std::string(1, static_cast<char>(c))) == (std::iswctype(static_cast<wint_t>(c), type) != 0));
    }
}

TEST_CASE("glob: sets that are not closed and classes that are none are not well formed")
{
    for (const char* good : {"", "*", "[a]", "[]]", "\\[", "[[:alpha:]]", "[[:]", "a\\"})
        CHECK(weir::glob(good).is_well_formed());
    for (const char* bad : {"[", "[]", "[a", "x[!]", "[[:letter:]]", "[[:alpha:]", "[[.ab.]]", "[a\\]"})
        CHECK_FALSE(weir::glob(bad).is_well_formed());
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
    std::string set = "*["; // no end of a class in it
    for (int i = 0; i < 8000; ++i)
        set += "[:";
    CHECK_FALSE(matches(set + "x]q", std::string(200, 'a')));
    std::string pattern;
    for (int i = 0; i < 50; ++i)
        pattern += "*a**/";
    CHECK_FALSE(matches(pattern + "b", std::string(2000, 'a')));
    CHECK_FALSE(matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(2000, 'a')));
}

} // namespace
