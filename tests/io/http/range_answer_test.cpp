#include <weir/http/range_answer.hpp>

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace range_answer_test {
namespace {

using weir::http::byte_range;
using weir::http::fields;
using weir::http::judge_range_answer;
using weir::http::known_version;
using weir::http::validator;
using kind = weir::http::range_answer::kind;

const byte_range asked = byte_range::part(100, 50);
const std::string noon = "Sun, 06 Nov 1994 12:00:00 GMT";
const std::string later = "Sun, 06 Nov 1994 12:30:00 GMT";

known_version known(const fields& answer, std::optional<std::uint64_t> length = 1000)
{
    return {validator::of(answer), length};
}

kind judged(unsigned status, const fields& answer, const std::optional<known_version>& version = std::nullopt)
{
    return judge_range_answer(asked, version, status, answer).what;
}

TEST_CASE("range-answer: a part is what was asked for, and says so")
{
    const auto part = judge_range_answer(asked, std::nullopt, 206,
                                         {{"Content-Range", "bytes 100-149/1000"}, {"Content-Length", "50"}});
    CHECK(part.what == kind::part);
    REQUIRE(part.range);
    CHECK(part.range->sent == weir::http::byte_span{100, 149});
    CHECK(part.range->complete_length == 1000);
    CHECK(judged(206, {{"Content-Range", "bytes 100-120/1000"}}) == kind::part);
}

TEST_CASE("range-answer: a 206 that lies is refused")
{
    for (const fields& answer :
         {fields{}, fields{{"Content-Range", "x"}}, fields{{"Content-Range", "bytes */1000"}},
          fields{{"Content-Range", "bytes 0-49/1000"}}, fields{{"Content-Range", "bytes 100-150/1000"}},
          fields{{"Content-Range", "bytes 100-149/1000"}, {"Content-Length", "49"}},
          fields{{"Content-Range", "bytes 100-149/1000"}, {"Content-Length", "x"}},
          fields{{"Content-Range", "bytes 100-149/1000"}, {"Content-Range", "bytes 100-149/1000"}},
          fields{{"Content-Type", "multipart/byteranges; boundary=x"}, {"Content-Length", "50"}},
          fields{{"Content-Type", "Multipart/ByteRanges ;boundary=x"}, {"Content-Range", "bytes 100-149/1000"}}}) {
        try {
            (void)judged(206, answer);
            FAIL_CHECK("accepted");
        }
        catch (const weir::error& refused) {
            CHECK(refused.code() == weir::errc::protocol_violation);
        }
    }
}

TEST_CASE("range-answer: other statuses are told apart")
{
    CHECK(judged(200, {{"Content-Length", "1000"}}) == kind::whole);
    CHECK(judged(412, {}) == kind::changed);
    CHECK(judged(416, {}) == kind::beyond_end);
    for (const unsigned status : {204u, 302u, 304u, 404u, 503u})
        CHECK(judged(status, {{"Content-Range", "bytes 100-149/1000"}}) == kind::other);
    const auto beyond = judge_range_answer(asked, std::nullopt, 416, {{"Content-Range", "bytes */20"}});
    CHECK(beyond.what == kind::beyond_end);
    CHECK(beyond.range->complete_length == 20);
}

TEST_CASE("range-answer: bytes of another version are never taken for the known one")
{
    struct row {
        fields before;
        fields now;
        kind expected;
    };
    for (const row& each :
         {row{{{"ETag", "\"a\""}}, {{"ETag", "\"a\""}}, kind::part},
          row{{{"ETag", "\"a\""}}, {{"ETag", "\"b\""}}, kind::changed},
          row{{{"ETag", "\"a\""}}, {{"ETag", "W/\"a\""}}, kind::changed},
          row{{{"ETag", "W/\"a\""}}, {{"ETag", "W/\"a\""}}, kind::changed},
          row{{{"Last-Modified", noon}}, {{"Last-Modified", noon}}, kind::part},
          row{{{"Last-Modified", noon}}, {{"Last-Modified", later}}, kind::changed},
          row{{{"ETag", "\"a\""}, {"Last-Modified", noon}}, {{"Last-Modified", later}}, kind::changed},
          row{{{"ETag", "\"a\""}, {"Last-Modified", noon}}, {{"ETag", "\"a\""}, {"Last-Modified", later}}, kind::part},
          row{{}, {{"ETag", "\"a\""}}, kind::part}}) {
        CAPTURE(each.before.combined("ETag").value_or("none"));
        CAPTURE(each.now.combined("ETag").value_or("none"));
        fields answer = each.now;
        answer.add("Content-Range", "bytes 100-149/1000");
        CHECK(judged(206, answer, known(each.before)) == each.expected);
        answer.set("Content-Length", "1000");
        CHECK(judged(200, answer, known(each.before)) == (each.expected == kind::part ? kind::whole : kind::changed));
    }
}

TEST_CASE("range-answer: a part without the strong validator that is known is not taken for that version")
{
    const fields dated{{"Last-Modified", noon}, {"Date", later}};
    for (const fields& before : {fields{{"ETag", "\"a\""}}, dated}) {
        CHECK(judged(206, {{"Content-Range", "bytes 100-149/1000"}}, known(before)) == kind::changed);
        CHECK(judged(200, {{"Content-Length", "1000"}}, known(before)) == kind::whole); // is looked at once more
    }
    CHECK(judged(206, {{"Content-Range", "bytes 100-149/1000"}}, known({{"Last-Modified", noon}})) == kind::part); // too young
}

TEST_CASE("range-answer: another content coding is another version, also none where there was one")
{
    const fields plain{{"Content-Range", "bytes 100-149/1000"}, {"ETag", "\"a\""}};
    fields coded = plain, same = plain, identity = plain;
    coded.add("Content-Encoding", "gzip, br");
    same.add("Content-Encoding", "GZip");
    same.add("Content-Encoding", ", identity,br");
    identity.add("Content-Encoding", "identity");
    CHECK(weir::http::codings_of(coded) == std::vector<std::string>{"gzip", "br"});
    CHECK(weir::http::codings_of(identity).empty());
    known_version uncoded = known(plain), by_coding = known(coded);
    by_coding.codings = weir::http::codings_of(coded);
    for (const unsigned status : {200u, 206u}) {
        const kind good = status == 200 ? kind::whole : kind::part;
        CHECK(judged(status, plain, uncoded) == good);
        CHECK(judged(status, identity, uncoded) == good);
        CHECK(judged(status, coded, uncoded) == kind::changed);
        CHECK(judged(status, coded, by_coding) == good);
        CHECK(judged(status, same, by_coding) == good);
        CHECK(judged(status, plain, by_coding) == kind::changed);
    }
    // Of the text of an error that says nothing.
    CHECK(judged(416, {{"Content-Range", "bytes */1000"}, {"Content-Encoding", "gzip"}}, uncoded) == kind::beyond_end);
}

TEST_CASE("range-answer: another length is another version")
{
    const known_version version = known({{"ETag", "\"a\""}});
    CHECK(judged(206, {{"Content-Range", "bytes 100-149/1001"}}, version) == kind::changed);
    CHECK(judged(206, {{"Content-Range", "bytes 100-149/*"}, {"ETag", "\"a\""}}, version) == kind::part);
    CHECK(judged(200, {{"Content-Length", "999"}}, version) == kind::changed);
    CHECK(judged(200, {}, version) == kind::whole);
    CHECK(judged(416, {{"Content-Range", "bytes */20"}}, version) == kind::changed);
    CHECK(judged(416, {{"Content-Range", "bytes */1000"}}, version) == kind::beyond_end);
    CHECK(judged(206, {{"Content-Range", "bytes 100-149/1001"}}, known({}, std::nullopt)) == kind::part);
}

} // namespace
} // namespace range_answer_test
