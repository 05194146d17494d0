#include "json.hpp"

#include "list.hpp"

#include <weir/hasher.hpp>

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

std::string json_string(std::string_view text)
{
    std::string out;
    tool::append_json_string(out, text);
    return out;
}

bool is_utf8(std::string_view text)
{
    std::string ignored;
    return tool::append_json_string(ignored, text);
}

std::string base64(std::string_view bytes)
{
    std::string out;
    tool::append_base64(out, bytes);
    return out;
}

TEST_CASE("json: what JSON demands is escaped, the rest stands as it is")
{
    CHECK(json_string("plain text") == "\"plain text\"");
    CHECK(json_string("\"\\/") == "\"\\\"\\\\/\"");
    CHECK(json_string("\b\f\n\r\t") == "\"\\b\\f\\n\\r\\t\"");
    CHECK(json_string(std::string_view("\0\x01\x1f\x7f", 4)) == "\"\\u0000\\u0001\\u001f\x7f\"");
    CHECK(json_string("\u00e9\u2028\U0001f600") == "\"\u00e9\u2028\U0001f600\"");
}

TEST_CASE("json: well-formed UTF-8 is what Unicode's table 3-7 says")
{
    for (const char* good : {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
                             "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
        CHECK(is_utf8(good));
    for (const char* bad :
         {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff", "\xe2\x82", "\xf0\x9f\x98"})
        CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("json: every maximal part of an ill-formed sequence is one replacement")
{
    // The examples of Unicode 15, section 3.9, tables 3-8 to 3-11.
    const std::string r = "\ufffd";
    CHECK(json_string("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41") == "\"" + r + r + r + r + r + r + r + r + "A\"");
    CHECK(json_string("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41") == "\"" + r + r + r + r + r + r + r + r + "A\"");
    CHECK(json_string("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42") == "\"" + r + r + r + r + r + "A" + r + r + "B\"");
    CHECK(json_string("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41") == "\"" + r + r + r + r + "A\"");
}

TEST_CASE("json: base64 is that of RFC 4648")
{
    CHECK(base64("") == "");
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foo") == "Zm9v");
    CHECK(base64("foobar") == "Zm9vYmFy");
    CHECK(base64("\xfb\xff\xfe") == "+//+");
}

TEST_CASE("json: a line is an object without blanks, ended by a newline")
{
    std::string out;
    tool::json_line(out, "x")
        .number("n", 18446744073709551615u)
        .fraction("f", 0.5)
        .boolean("b", true)
        .text("t", "a\"")
        .end();
    CHECK(out == "{\"type\":\"x\",\"n\":18446744073709551615,\"f\":0.500000,\"b\":true,\"t\":\"a\\\"\"}\n");
}

TEST_CASE("json: a name of any bytes but NUL survives being written and read")
{
    auto random = test::generator();
    const weir::digest digest = weir::digest_of(weir::hash_algorithm::sha256, {});
    for (int round = 0; round < 2000; ++round) {
        std::string name(1 + random() % 20, '\0');
        for (char& c : name) // half of them from the ranges where UTF-8 is decided
            c = static_cast<char>(random() % 2 ? 1 + random() % 0xff : 0x7e + random() % 0x82);
        CAPTURE(name);
        std::string line;
        tool::json_line(line, "chunk")
            .path("path", name)
            .number("offset", 7)
            .number("length", 9)
            .digest("sha256", digest)
            .end();
        line.pop_back();
        const auto chunk = std::get<tool::listed_chunk>(tool::parse_listed(line));
        CHECK(chunk.path == name);
        CHECK(chunk.offset == 7);
        CHECK(chunk.length == 9);
        CHECK(chunk.digest.value == digest);
    }
}

TEST_CASE("printable: people see control characters as numbers")
{
    std::string out;
    tool::append_printable(out, "a\x1b[2Jb\n\"\\\u00e9\xff");
    CHECK(out == "a\\x1b[2Jb\\x0a\"\\\u00e9\ufffd");
}

TEST_CASE("printable: so are characters beyond ASCII that control a terminal, lines, or the direction of writing")
{
    const auto printable = [](std::string_view text) {
        std::string out;
        tool::append_printable(out, text);
        return out;
    };
    CHECK(printable(std::string_view("\0\x7f", 2)) == "\\x00\\x7f");
    CHECK(printable("a\u0080\u009bb") == "a\\xc2\\x80\\xc2\\x9bb");
    for (const std::string control : {"\u0080", "\u009f", "\u2028", "\u2029", "\u202a", "\u202e", "\u2066", "\u2069"})
        CHECK(printable(control).front() == '\\');
    for (const std::string plain : {"~", "\u00a0", "\u2027", "\u202f", "\u2065", "\u206a", "\U0001f600"})
        CHECK(printable(plain) == plain);
}

} // namespace
