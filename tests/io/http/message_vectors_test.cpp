// Public test suites of HTTP/1 (llhttp, Web Platform Tests): every answer and every request, whole, byte by byte and at
// random cuts.
#include "support/conversation.hpp"
#include "support/seed.hpp"
#include "vectors.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

namespace {

namespace json = boost::json;
using namespace weir::http;

template <class Reader> auto read_all(const std::string& raw, const std::string& method, std::mt19937_64& random)
{
    return test::read_with_all_cuts<Reader>(
        raw, method, random, [](test::cuts how) { FAIL_CHECK("another outcome when cut: " << static_cast<int>(how)); });
}

void check_header(const fields& header, const json::value& expected)
{
    const json::value* lines = expected.as_object().if_contains("headers");
    if (!lines)
        return;
    REQUIRE(header.size() == lines->as_array().size());
    auto line = header.begin();
    for (const json::value& each : lines->as_array()) {
        CHECK(line->name == each.at(0).as_string());
        CHECK(line->value == each.at(1).as_string());
        ++line;
    }
}

using answers = test::outcome<response_head>;

/// Whether `seen` is what the suite expects to come out, byte for byte.
void check_answers(const answers& seen, const json::array& expected)
{
    REQUIRE(seen.messages.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const test::message<response_head>& message = seen.messages[i];
        CHECK(message.head.status == expected[i].at("status").to_number<unsigned>());
        CHECK(message.body == test::decoded(expected[i].at("body_b64")));
        check_header(message.head.header, expected[i]);
        const bool is_whole = test::is_true(expected[i], "complete_before_eof");
        const json::value* at_end = expected[i].as_object().if_contains("at_eof");
        CHECK((message.is_complete && !message.needed_end_of_stream) == is_whole);
        CHECK(message.is_complete == (is_whole || (at_end && at_end->as_string() == "complete")));
    }
}

/// What came out before an answer was refused: nothing that the suite does not know of.
void check_delivered(const answers& seen, const json::array& expected)
{
    REQUIRE(seen.messages.size() <= expected.size());
    for (std::size_t i = 0; i < seen.messages.size(); ++i) {
        CHECK(seen.messages[i].head.status == expected[i].at("status").to_number<unsigned>());
        CHECK(test::decoded(expected[i].at("body_b64")).starts_with(seen.messages[i].body));
    }
    for (std::size_t i = 0; i < expected.size(); ++i)
        if (test::is_true(expected[i], "complete_before_eof"))
            CHECK((i < seen.messages.size() && seen.messages[i].is_complete));
}

/// Whether the connection ended well, or in the middle of what the suite says is cut off.
bool ended_as_expected(const answers& seen) { return !seen.refused || seen.refused == weir::errc::ended_early; }

void check_answer_case(const json::value& each, std::mt19937_64& random)
{
    const std::string method = each.at("request").at("method").as_string().c_str();
    const answers seen = read_all<response_reader>(test::decoded(each.at("raw_b64")), method, random);
    const std::string_view kind = each.at("class").as_string();
    const json::array& expected = each.at("expect").at("messages").as_array();
    CAPTURE(seen.reason);
    if (kind.ends_with("-accept")) {
        CHECK(ended_as_expected(seen));
        check_answers(seen, expected);
    }
    else if (kind.ends_with("-reject")) {
        CHECK(seen.refused);
        check_delivered(seen, expected);
    }
    else if (!seen.refused && each.at("expect").at("outcome") != "either")
        check_answers(seen, expected);
}

TEST_CASE("vectors: every answer of the suites is accepted or refused as a client must, however it is cut")
{
    const auto vectors = test::read_vectors("responses.json");
    if (!vectors)
        return;
    CAPTURE(test::seed());
    std::mt19937_64 random = test::generator();
    int checked = 0;
    for (const json::value& each : vectors->at("cases").as_array()) {
        CAPTURE(each.at("id").as_string().c_str());
        check_answer_case(each, random);
        ++checked;
    }
    CHECK(checked == 213);
}

using requests = test::outcome<received_request>;

/// Requests where we decide otherwise than the suite, and why. `true`: we accept what it refuses.
const std::map<std::string, bool> differences = {
    {"llhttp-request-invalid-69", true},             // any token is a method of HTTP
    {"llhttp-request-invalid-359", true},            // any token is a method
    {"llhttp-request-content-length-447", false},    // the suite tells its parser to skip bodies
    {"llhttp-request-method-375", false},            // not HTTP
    {"llhttp-request-method-405", false},            // not HTTP
    {"llhttp-request-method-433", false},            // not HTTP
    {"llhttp-request-sample-317", false},            // HTTP/0.9
    {"llhttp-request-transfer-encoding-754", false}, // no coding but `chunked` is understood
    {"llhttp-request-transfer-encoding-796", false}, // no coding but `chunked` is understood
    {"llhttp-request-uri-225", false},               // credentials in a target
};

void check_requests(const requests& seen, const json::array& expected)
{
    CHECK((!seen.refused || seen.refused == weir::errc::ended_early));
    std::size_t i = 0;
    for (const json::value& each : expected) {
        if (i == seen.messages.size()) { // the suite tells of heads that are not whole, too
            CHECK_FALSE(test::is_true(each, "complete"));
            continue;
        }
        const test::message<received_request>& message = seen.messages[i++];
        CHECK(message.head.method == each.at("method").as_string());
        CHECK(message.head.target == each.at("target").as_string());
        CHECK(message.is_complete == test::is_true(each, "complete"));
        CHECK(message.body == test::decoded(each.at("body_b64")));
    }
    CHECK(i == seen.messages.size());
}

void check_request_case(const json::value& each, const std::string& id, std::mt19937_64& random)
{
    const requests seen = read_all<request_reader>(test::with_host(test::decoded(each.at("raw_b64"))), "", random);
    const json::value& expected = each.at("llhttp");
    CAPTURE(seen.reason);
    const auto whole = [](const auto& message) { return message.is_complete; };
    const auto different = differences.find(id);
    if (different != differences.end())
        CHECK((seen.refused == weir::errc::protocol_violation || seen.refused == weir::errc::ended_early)
              == !different->second);
    else if (expected.at("outcome") == "ok")
        check_requests(seen, expected.at("messages").as_array());
    else if (std::string_view(expected.at("reason").as_string()).starts_with("Data after"))
        CHECK((!seen.refused && seen.messages.size() == 1)); // what follows is never read as a request
    else {
        CHECK(seen.refused);
        CHECK(std::ranges::none_of(seen.messages, whole));
    }
}

TEST_CASE("vectors: every request of the suites is accepted or refused as a server must, however it is cut")
{
    const auto vectors = test::read_vectors("requests.json");
    if (!vectors)
        return;
    CAPTURE(test::seed());
    std::mt19937_64 random = test::generator();
    int checked = 0;
    for (const json::value& each : vectors->at("cases").as_array()) {
        const std::string id = each.at("id").as_string().c_str();
        CAPTURE(id);
        check_request_case(each, id, random);
        ++checked;
    }
    CHECK(checked == 114);
}

TEST_CASE("vectors: a request of HTTP/1.1 without a Host is refused")
{
    const auto vectors = test::read_vectors("requests.json");
    if (!vectors)
        return;
    std::mt19937_64 random = test::generator();
    for (const json::value& each : vectors->at("cases").as_array()) {
        CAPTURE(each.at("id").as_string().c_str());
        const std::string raw = test::decoded(each.at("raw_b64"));
        if (test::with_host(raw) != raw && raw.find(" HTTP/1.0\r\n") == std::string::npos)
            CHECK(read_all<request_reader>(raw, "", random).refused);
    }
}

} // namespace
