#include "configuration/toml.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

namespace {

using weir::detail::toml_entry;

std::string shown(const toml_entry& entry)
{
    std::string value;
    if (const auto* text = std::get_if<std::string>(&entry.value))
        value = fmt::format("'{}'", *text);
    else if (const auto* number = std::get_if<std::int64_t>(&entry.value))
        value = fmt::format("{}", *number);
    else if (const auto* flag = std::get_if<bool>(&entry.value))
        value = fmt::format("{}", *flag);
    else
        value = std::holds_alternative<weir::detail::toml_table>(entry.value) ? "table" : "other";
    return fmt::format("{}:{}={}", entry.line, fmt::join(entry.path, "/"), value);
}

/// `line:part/part=value` for every entry, one space between.
std::string entries_of(std::string_view text)
{
    std::string all;
    try {
        for (const toml_entry& entry : weir::detail::parse_toml(text))
            all.append(all.empty() ? "" : " ").append(shown(entry));
    }
    catch (const weir::detail::toml_error& refused) {
        return fmt::format("{}: {}", refused.line(), refused.what());
    }
    return all;
}

std::uint64_t refused_line(std::string_view text)
{
    CAPTURE(text);
    try {
        (void)weir::detail::parse_toml(text);
    }
    catch (const weir::detail::toml_error& refused) {
        CHECK_FALSE(std::string_view(refused.what()).empty());
        return refused.line();
    }
    FAIL_CHECK("accepted");
    return 0;
}

TEST_CASE("toml: tables, keys and values of a document come in order, with their lines")
{
    CHECK(entries_of("") == "");
    CHECK(entries_of(" # nothing\n\t\r\n") == "");
    CHECK(entries_of("a = 1\n[b] # a table\nc=true\n\n d\t= 'x' # text") == "1:a=1 2:b=table 3:b/c=true 5:b/d='x'");
    CHECK(entries_of("\xEF\xBB\xBF[a]\r\nb = false\r\n") == "1:a=table 2:a/b=false");
}

TEST_CASE("toml: a key may be quoted, dotted, and spaced")
{
    CHECK(entries_of("a.b . \"c d\".'e.f' = 1") == "1:a/b/c d/e.f=1");
    CHECK(entries_of("[ a . b ]\n1-2_x = 1") == "1:a/b=table 2:a/b/1-2_x=1");
    CHECK(entries_of("\"\" = 1") == "1:=1");
}

TEST_CASE("toml: whole numbers are read in four bases, what is none is another value")
{
    CHECK(entries_of("a=[]") == "1:a=other");
    for (const auto& [text, value] : {std::pair("0", "0"),
                                      {"+7", "7"},
                                      {"-12_000", "-12000"},
                                      {"0xdead_BEEF", "3735928559"},
                                      {"0o17", "15"},
                                      {"0b101", "5"},
                                      {"9223372036854775807", "9223372036854775807"},
                                      {"-9223372036854775808", "-9223372036854775808"}})
        CHECK(entries_of(std::string("a = ") + text) == std::string("1:a=") + value);
    for (const char* text : {"9223372036854775808",
                             "1.5",
                             "1e9",
                             "inf",
                             "-inf",
                             "nan",
                             "2024-01-01",
                             "07:32:00",
                             "64K",
                             "012",
                             "1__0",
                             "1_",
                             "+-1",
                             "--1",
                             "-0x1",
                             "0x-1",
                             "0x",
                             "0x_1",
                             "0b2",
                             "-",
                             "+_1"})
        CHECK(entries_of(std::string("a = ") + text) == "1:a=other");
}

TEST_CASE("toml: texts have escapes between double quotes, none between single ones")
{
    CHECK(entries_of(R"(a = "1\t\"\\\u00e9\U0001F600\u20AC")") == "1:a='1\t\"\\\u00e9\U0001F600\u20AC'");
    CHECK(entries_of(R"(a = '\t"')") == R"(1:a='\t"')");
    CHECK(entries_of("a = \"caf\u00e9\"") == "1:a='caf\u00e9'");
    CHECK(entries_of("a = \"\"\nb = ''") == "1:a='' 2:b=''");
}

TEST_CASE("toml: texts of several lines lose the first end of line, and what a backslash at the end joins")
{
    CHECK(entries_of("a = \"\"\"\nx\ny\"\"\"\nb = 1") == "1:a='x\ny' 4:b=1");
    CHECK(entries_of("a = \"\"\"x \\  \n\n  y\"\"\"") == "1:a='x y'");
    CHECK(entries_of("a = '''\r\nx\\\n'''") == "1:a='x\\\n'");
    CHECK(entries_of("a = \"\"\"\"\"x\"\"\"\"\"") == "1:a='\"\"x\"\"'");
    CHECK(entries_of("a = '''x''''") == "1:a='x''");
    CHECK(entries_of("a = \"\"\"\"\"\"") == "1:a=''");
}

TEST_CASE("toml: inline tables give their entries, arrays are read and not kept")
{
    CHECK(entries_of("a = { b = 1, c.d = 'x' }") == "1:a=table 1:a/b=1 1:a/c/d='x'");
    CHECK(entries_of("a = {}") == "1:a=table");
    CHECK(entries_of("a = [ 1, # one\n [ 'x', { b = 2, c = [3] } ],\n]\nd = 1") == "1:a=other 4:d=1");
    CHECK(entries_of("[[a]]\nb = 1\n[[a]]\nb = 1") == "1:a=other 2:a/b=1 3:a=other 4:a/b=1");
}

TEST_CASE("toml: a table may be named after one below it, and a dotted key may add to its own table")
{
    CHECK(entries_of("[a.b]\n[a]\nc = 1") == "1:a/b=table 2:a=table 3:a/c=1");
    CHECK(entries_of("a.b = 1\na.c = 2") == "1:a/b=1 2:a/c=2");
    CHECK(entries_of("[a.b.c]\n[a]\nb.d = 1") == "1:a/b/c=table 2:a=table 3:a/b/d=1");
}

TEST_CASE("toml: what is defined twice is refused with its line")
{
    for (const char* text :
         {"a = 1\na = 2", "[a]\n[a]", "a.b = 1\n[a]", "a = {}\na.b = 1", "a = {}\n[a]", "a = 1\n[a.b]",
          "a = 1\na.b = 2", "[[a]]\n[a]", "[a]\n[[a]]", "a = []\n[[a]]", "[a]\n'a' = 1\nb.c = 1\n[a.b]",
          "a = { b = {} }\na.b.c = 1", "[a.b]\n[a]\nb.c = 1", "[a.b.c]\n[a]\nb.d = 1\n[a.b]"})
        CHECK(refused_line(text) >= 2);
    CHECK(refused_line("a = { b = 1, b = 2 }") == 1);
    CHECK(refused_line("a = { b.c = 1, b = 2 }") == 1);
    CHECK(refused_line("a = [{ b = 1, b = 2 }]") == 1);
}

TEST_CASE("toml: what is no TOML is refused with its line")
{
    for (const char* text : {"\n=",
                             "\n= 1",
                             "\na",
                             "\na =",
                             "\na = \n1",
                             "\na 1",
                             "\na = 1 b = 2",
                             "\na = 1,",
                             "\na. = 1",
                             "\n.a = 1",
                             "\na..b = 1",
                             "\n[",
                             "\n[]",
                             "\n[a",
                             "\n[a]b",
                             "\n[a]]",
                             "\n[[a]",
                             "\n[[a] ]",
                             "\n[[[a]]]",
                             "\n[ [a]]",
                             "\n[a.]",
                             "\na = [1 2]",
                             "\na = [,]",
                             "\na = [",
                             "\na = [1,",
                             "\na = {",
                             "\na = { b = 1,}",
                             "\na = { b = 1\n}",
                             "\na = { b }",
                             "\na = truee",
                             "\na = True",
                             "\na = b",
                             "\na = \"x",
                             "\na = 'x",
                             "\na = \"x\ny\"",
                             "\na = 'x\n'",
                             "\na = \"\\x\"",
                             "\na = \"\\u12\"",
                             "\na = \"\\uD800\"",
                             "\na = \"\\U00110000\"",
                             "\na = \"\\u+123\"",
                             "\na = \"\\",
                             "\n\"\"\"a\"\"\" = 1",
                             "\na = !",
                             "\na = \"\"\"x",
                             "\na = '''x''",
                             "\na = 1979-05-27 07:32:00",
                             "\n\u00e9 = 1",
                             "\na = 1 \u00e9"})
        CHECK(refused_line(text) >= 2);
}

TEST_CASE("toml: what no text may hold is refused wherever it stands")
{
    using namespace std::string_literals;
    for (const std::string& bytes :
         {"\0"s, "\1"s, "\x7f"s, "\r"s, "\rx"s, "\x80"s, "\xC0\x80"s, "\xC3"s, "\xC3("s, "\xE0\x80\x80"s,
          "\xED\xA0\x80"s, "\xF0\x80\x80\x80"s, "\xF4\x90\x80\x80"s, "\xF5\x80\x80\x80"s, "\xFF"s, "\xF0\x9F\x98"s})
        for (const std::string& place : {"# "s, "a = '"s, "a = \""s, ""s, "a = "s})
            CHECK(refused_line("\n" + place + bytes + "'\"\n") == 2);
}

TEST_CASE("toml: nesting is limited, so that no file exhausts the stack")
{
    const auto nested = [](std::size_t depth, const std::string& open, const std::string& inner,
                           const std::string& close) {
        std::string text = "a = ";
        for (std::size_t i = 0; i < depth; ++i)
            text += open;
        text += inner;
        for (std::size_t i = 0; i < depth; ++i)
            text += close;
        return text;
    };
    CHECK(entries_of(nested(20, "[", "1", "]")) == "1:a=other");
    CHECK(entries_of(nested(5, "[{b=", "1", "}]")) == "1:a=other");
    CHECK(entries_of(nested(100'000, "[", "1", "]")) == "1: this is nested too deeply");
    CHECK(entries_of(nested(100'000, "{b=", "1", "}")) == "1: this is nested too deeply");
    CHECK(entries_of(nested(100'000, "[{b=", "1", "}]")) == "1: this is nested too deeply");
    std::string key = "a";
    for (int i = 0; i < 100'000; ++i)
        key += ".a";
    CHECK(entries_of(key + " = 1") == "1: this is nested too deeply");
    CHECK(entries_of("[" + key + "]") == "1: this is nested too deeply");
}

TEST_CASE("toml: a refusal says what was expected and what was there")
{
    CHECK(entries_of("[a\n") == "1: expected ], not the end of the line");
    CHECK(entries_of("a = = 3") == "1: expected a value, not '='");
    CHECK(entries_of("\n\u00e9 = 1") == "2: expected a key, not '\u00e9'");
    CHECK(entries_of("[a]\n[a]") == "2: a cannot be defined here: it is there already, or part of what is");
}

} // namespace
