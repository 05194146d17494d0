// Public test suites of HTTP/1 (llhttp, Web Platform Tests), as far as the head of a message decides: read where they
// lie, if they are there.
#include <weir/http/framing.hpp>

#include <weir/error.hpp>

#include "vectors.hpp"

#include <boost/json/src.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

namespace json = boost::json;
using test::decoded;
using test::is_true;
using test::read_vectors;
using weir::http::body_end;
using weir::http::fields;
using weir::http::framing;
using weir::http::version;

fields fields_of(const json::value& message)
{
    fields head;
    for (const json::value& line : message.at("headers").as_array())
        head.add(std::string_view(line.at(0).as_string()), std::string_view(line.at(1).as_string()));
    return head;
}

/// The field lines of a raw answer.
fields fields_of_raw(std::string_view raw)
{
    fields head;
    std::string_view rest = raw.substr(raw.find("\r\n") + 2);
    for (std::size_t end = rest.find("\r\n"); end != 0 && end != std::string_view::npos; end = rest.find("\r\n")) {
        const std::size_t colon = rest.find(':');
        head.add(rest.substr(0, colon), rest.substr(colon + 1, end - colon - 1));
        rest.remove_prefix(end + 2);
    }
    return head;
}

/// Whether what a head decides agrees with the body that the suite expects.
void check_message(const json::value& message, const std::string& method, version spoken)
{
    const auto status = message.at("status").to_number<unsigned>();
    const framing decided = weir::http::framing_of_response(method, status, spoken, fields_of(message));
    const std::size_t size = decoded(message.at("body_b64")).size();
    const bool complete = is_true(message, "complete_before_eof");
    CAPTURE(static_cast<int>(decided.end));
    switch (decided.end) {
    case body_end::none:
    case body_end::tunnel: CHECK(size == 0); break;
    case body_end::length: CHECK((complete ? size == decided.length : size <= decided.length)); break;
    case body_end::close: CHECK_FALSE(complete); break;
    case body_end::chunked: CHECK(decided.length == 0); break;
    }
}

TEST_CASE("vectors: heads that a client must accept frame the body that the suites expect")
{
    const auto vectors = read_vectors("responses.json");
    if (!vectors)
        return;
    int checked = 0;
    for (const json::value& each : vectors->at("cases").as_array()) {
        if (!each.at("class").as_string().ends_with("-accept"))
            continue;
        CAPTURE(each.at("id").as_string().c_str());
        const std::string method = each.at("request").at("method").as_string().c_str();
        const bool is_old = decoded(each.at("raw_b64")).starts_with("HTTP/1.0");
        for (const json::value& message : each.at("expect").at("messages").as_array()) {
            if (!message.as_object().contains("headers"))
                continue;
            check_message(message, method, is_old ? version::http_1_0 : version::http_1_1);
            ++checked;
        }
    }
    CHECK(checked > 30);
}

TEST_CASE("vectors: every spelling of a length is accepted or refused as Web Platform Tests expect")
{
    const auto vectors = read_vectors("responses.json");
    if (!vectors)
        return;
    int checked = 0;
    for (const json::value& each : vectors->at("cases").as_array()) {
        if (!each.at("id").as_string().starts_with("wpt-cl-"))
            continue;
        CAPTURE(each.at("title").as_string().c_str());
        const fields head = fields_of_raw(decoded(each.at("raw_b64")));
        ++checked;
        if (each.at("class").as_string().ends_with("-reject")) {
            CHECK_THROWS_AS((void)weir::http::content_length(head), weir::error);
            continue;
        }
        const auto length = weir::http::content_length(head);
        CHECK(length == decoded(each.at("expect").at("messages").at(0).at("body_b64")).size());
    }
    CHECK(checked == 28);
}

} // namespace
