#include <weir/http/fields.hpp>

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using weir::http::fields;

TEST_CASE("fields: names are found without case, values in order")
{
    fields head{{"Host", "h"}, {"Accept", "a"}, {"accept", " b\t"}};
    CHECK(head.find("HOST") == "h");
    CHECK(head.find("Accept") == "a");
    CHECK(head.count("ACCEPT") == 2);
    CHECK_FALSE(head.find_only("Accept"));
    CHECK(head.find_only("host") == "h");
    CHECK(head.combined("accept") == "a, b");
    CHECK_FALSE(head.combined("x"));
    CHECK_FALSE(head.contains("Hos"));
    head.set("ACCEPT", "c");
    CHECK(head.count("accept") == 1);
    CHECK(head.find("accept") == "c");
    CHECK(head.erase("accept") == 1);
    CHECK(head.erase("accept") == 0);
    CHECK(head.size() == 1);
}

TEST_CASE("fields: a line may be set to, or erased by, a view of itself")
{
    fields head{{"A", "1"}, {"B", "2"}};
    head.set(head.begin()->name, head.begin()->value);
    CHECK(head == fields{{"B", "2"}, {"A", "1"}});
    CHECK(head.erase(head.begin()->name) == 1);
    CHECK(head == fields{{"A", "1"}});
}

TEST_CASE("fields: nothing gets in that ends a line or is no name")
{
    fields head{{"A", "1"}};
    const fields before = head;
    for (const std::string_view name : {"", "a b", "a:", "a\r\n", "\xc3\xbc", "a\t", "(a)", "a\"b"}) {
        CAPTURE(name);
        CHECK_THROWS_AS(head.add(name, "x"), weir::error);
        CHECK_THROWS_AS(head.set(name, "x"), weir::error);
    }
    for (const std::string_view value :
         {std::string_view("a\r\nB: c"), std::string_view("a\nb"), std::string_view("\r"), std::string_view("a\0b", 3),
          std::string_view("\x1b"), std::string_view("\x7f")}) {
        CHECK_THROWS_AS(head.add("X", value), weir::error);
        CHECK_THROWS_AS(head.set("A", value), weir::error);
    }
    CHECK(head == before);
    head.add("X", "tab\tand \xff stay");
    head.add("Empty", " \t ");
    CHECK(head.find("empty") == "");
}

TEST_CASE("fields: a refusal does not show the value")
{
    try {
        fields{}.add("Authorization", "hunter2\n");
        FAIL("accepted");
    }
    catch (const weir::error& refused) {
        CHECK(std::string_view(refused.what()).find("hunter2") == std::string_view::npos);
        CHECK(std::string_view(refused.what()).find("Authorization") != std::string_view::npos);
    }
}

TEST_CASE("fields: elements of a list come from all its lines, empty ones too")
{
    const fields head{{"Connection", "a ,b,"}, {"connection", ""}, {"Connection", "\tc"}};
    CHECK(head.elements("Connection") == std::vector<std::string_view>{"a", "b", "", "", "c"});
    CHECK(head.elements("X").empty());
}

TEST_CASE("field value: every byte is judged alike at every place of a long value")
{
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        const bool is_control = (byte < 0x20 && c != '\t') || byte == 0x7f;
        for (std::size_t place = 0; place < 19; ++place) {
            std::string text(19, 'a');
            text[place] = c;
            const bool is_blank_at_end = (c == ' ' || c == '\t') && (place == 0 || place == 18);
            CAPTURE(byte);
            CAPTURE(place);
            CHECK(weir::http::is_field_value(text) == (!is_control && !is_blank_at_end));
            text[(place + 7) % 19] = '\xff';
            CHECK(weir::http::is_field_value("a" + text + "a") == !is_control);
        }
    }
}

} // namespace
