#include <weir/http/etag.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using weir::http::entity_tag;
using weir::http::fields;
using weir::http::validator;

TEST_CASE("etag: strong and weak tags are read and written")
{
    for (const std::string_view text : {"\"xyzzy\"", "W/\"xyzzy\"", "\"\"", "W/\"\"", "\"a,b\"", "\"!#\\x\xff\""}) {
        CAPTURE(text);
        const auto tag = entity_tag::parse(text);
        REQUIRE(tag);
        CHECK(tag->to_string() == text);
        CHECK(tag->is_weak() == text.starts_with('W'));
    }
    for (const std::string_view text : {"", "\"", "xyzzy", "w/\"x\"", "W/x", "W/", "W \"x\"", "\"a b\"", "\"a\"b\"",
                                        "\"a\" ", "'a'", "\"a\", \"b\"", "\"\t\"", "W/\"", "\"\x7f\""}) {
        CAPTURE(text);
        CHECK_FALSE(entity_tag::parse(text));
    }
}

// RFC 9110, section 8.8.3.2
TEST_CASE("etag: comparisons follow the table of RFC 9110")
{
    struct row {
        const char* a;
        const char* b;
        bool strong;
        bool weak;
    };
    for (const row& each : {row{"W/\"1\"", "W/\"1\"", false, true}, row{"W/\"1\"", "W/\"2\"", false, false},
                            row{"W/\"1\"", "\"1\"", false, true}, row{"\"1\"", "\"1\"", true, true},
                            row{"\"1\"", "\"2\"", false, false}}) {
        CAPTURE(each.a);
        CAPTURE(each.b);
        const entity_tag a = entity_tag::parse(each.a).value();
        const entity_tag b = entity_tag::parse(each.b).value();
        CHECK(strongly_equal(a, b) == each.strong);
        CHECK(strongly_equal(b, a) == each.strong);
        CHECK(weakly_equal(a, b) == each.weak);
    }
}

const std::string noon = "Sun, 06 Nov 1994 12:00:00 GMT";
const std::string a_minute_later = "Sun, 06 Nov 1994 12:01:00 GMT";
const std::string almost_a_minute_later = "Sun, 06 Nov 1994 12:00:59 GMT";

TEST_CASE("validator: a strong tag is demanded by If-Match, and preferred to a date")
{
    const validator found = validator::of({{"ETag", "\"a\""}, {"Last-Modified", noon}, {"Date", a_minute_later}});
    CHECK(found.is_strong());
    CHECK(found.if_range() == "\"a\"");
    fields request{{"Range", "bytes=5-"}};
    CHECK(found.demand_in(request));
    CHECK(request == fields{{"Range", "bytes=5-"}, {"If-Match", "\"a\""}});
}

TEST_CASE("validator: a date of modification is strong once a minute has passed")
{
    const validator found = validator::of({{"Last-Modified", noon}, {"Date", a_minute_later}});
    CHECK(found.is_strong());
    CHECK(found.if_range() == noon);
    fields request;
    CHECK(found.demand_in(request));
    CHECK(request == fields{{"If-Unmodified-Since", noon}});
}

TEST_CASE("validator: what is weak, unclear or not there demands nothing")
{
    for (const fields& answer :
         {fields{}, fields{{"ETag", "W/\"a\""}}, fields{{"ETag", "a"}}, fields{{"ETag", "\"a\""}, {"ETag", "\"a\""}},
          fields{{"Last-Modified", noon}}, fields{{"Last-Modified", noon}, {"Date", almost_a_minute_later}},
          fields{{"Last-Modified", a_minute_later}, {"Date", noon}}, fields{{"Last-Modified", "x"}, {"Date", noon}},
          // A weak tag says that even old bytes may differ.
          fields{{"ETag", "W/\"a\""}, {"Last-Modified", noon}, {"Date", a_minute_later}}}) {
        const validator found = validator::of(answer);
        CHECK_FALSE(found.is_strong());
        CHECK_FALSE(found.if_range());
        fields request;
        CHECK_FALSE(found.demand_in(request));
        CHECK(request.empty());
        CHECK_FALSE(found.certainly_same(found));
    }
}

TEST_CASE("validator: two answers are certainly the same only by the same kind of strong validator")
{
    const validator a = validator::of({{"ETag", "\"a\""}, {"Last-Modified", noon}, {"Date", a_minute_later}});
    const validator b = validator::of({{"ETag", "\"b\""}, {"Last-Modified", noon}, {"Date", a_minute_later}});
    const validator dated = validator::of({{"Last-Modified", noon}, {"Date", a_minute_later}});
    CHECK(a.certainly_same(a));
    CHECK_FALSE(a.certainly_same(b));
    CHECK_FALSE(a.certainly_same(dated));
    CHECK_FALSE(dated.certainly_same(a));
    CHECK(dated.certainly_same(dated));
}

} // namespace
