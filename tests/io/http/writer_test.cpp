#include <weir/http/writer.hpp>

#include <weir/error.hpp>
#include <weir/http/head_reader.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <span>
#include <string>

namespace {

using namespace weir::http;

constexpr framing no_body{body_end::none, 0, true};

std::string written(const request_head& head, target_form form = target_form::origin, const framing& body = no_body)
{
    std::string out;
    write_head(out, head, form, body);
    return out;
}

std::string written(const response_head& head, const framing& body)
{
    std::string out;
    write_head(out, head, body);
    return out;
}

TEST_CASE("writer: a request has its target in the form that is asked for, and a Host")
{
    const url target = url::parse("http://Example.org:81/a%20b?c");
    CHECK(written({"GET", target, {{"Accept", "*/*"}}})
          == "GET /a%20b?c HTTP/1.1\r\nHost: example.org:81\r\nAccept: */*\r\n\r\n");
    CHECK(written({"GET", target, {}}, target_form::absolute)
          == "GET http://example.org:81/a%20b?c HTTP/1.1\r\nHost: example.org:81\r\n\r\n");
    CHECK(written({"CONNECT", url::parse("https://a/"), {}}, target_form::authority)
          == "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
    CHECK(written({"GET", target, {{"host", "b"}}}) == "GET /a%20b?c HTTP/1.1\r\nhost: b\r\n\r\n");
}

TEST_CASE("writer: the framing of a request is that of its body, whatever the header says")
{
    const url target = url::parse("http://a/");
    const fields lies{{"Content-Length", "7"}, {"Transfer-Encoding", "gzip"}};
    CHECK(written({"PUT", target, lies}, target_form::origin, {body_end::length, 5, true})
          == "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    CHECK(written({"PUT", target, lies}, target_form::origin, {body_end::chunked, 0, true})
          == "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    CHECK(written({"POST", target, lies}) == "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    CHECK(written({"DELETE", target, lies}, target_form::origin, {body_end::none, 0, false})
          == "DELETE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    CHECK(written({"GET", target, {{"Connection", "Close"}}}, target_form::origin, {body_end::none, 0, false})
          == "GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n");
}

TEST_CASE("writer: what would be another line is refused, and nothing is written")
{
    std::string out = "before";
    CHECK_THROWS_AS(
        write_head(out, request_head{"GET /\r\nX:", url::parse("http://a/"), {}}, target_form::origin, no_body),
        weir::error);
    response_head head;
    head.reason = "OK\r\nSet-Cookie: a";
    CHECK_THROWS_AS(write_head(out, head, no_body), weir::error);
    head = {};
    for (const unsigned status : {0u, 99u, 1000u}) {
        head.status = status;
        CHECK_THROWS_AS(write_head(out, head, no_body), weir::error);
    }
    CHECK(out == "before");
}

TEST_CASE("writer: an answer has the reason of its status, and the framing of its body")
{
    response_head head;
    head.status = 404;
    head.header = {{"Content-Length", "7"}, {"ETag", "\"a\""}};
    CHECK(written(head, {body_end::length, 0, true})
          == "HTTP/1.1 404 Not Found\r\nETag: \"a\"\r\nContent-Length: 0\r\n\r\n");
    CHECK(written(head, no_body) == "HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\nETag: \"a\"\r\n\r\n");
    CHECK(written(head, {body_end::close, 0, false})
          == "HTTP/1.1 404 Not Found\r\nETag: \"a\"\r\nConnection: close\r\n\r\n");
    head.status = 599;
    CHECK(written(head, {body_end::chunked, 0, true})
          == "HTTP/1.1 599 \r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST_CASE("writer: what is written is read back")
{
    response_head head;
    head.status = 206;
    head.reason = "Some of it";
    head.header = {{"A", "b"}, {"A", ""}, {"C", "d, e"}};
    response_reader reader;
    const std::string text = written(head, no_body);
    CHECK(reader.feed(std::as_bytes(std::span(text))) == text.size());
    CHECK(reader.take() == head);
}

TEST_CASE("writer: a question about the server names no path, and to a proxy only the server")
{
    request_head about{"OPTIONS", url::parse("http://example.org:8001/a?b"), {}};
    about.about_server = true;
    CHECK(written(about) == "OPTIONS * HTTP/1.1\r\nHost: example.org:8001\r\n\r\n");
    CHECK(written(about, target_form::absolute)
          == "OPTIONS http://example.org:8001 HTTP/1.1\r\nHost: example.org:8001\r\n\r\n");
}

TEST_CASE("writer: a trailer has no fields that frame a message or say what it is")
{
    std::string out;
    write_last_chunk(out, {{"Content-Length", "5"}, {"X-Sum", "6"}, {"transfer-encoding", "chunked"}, {"Host", "a"},
                           {"Set-Cookie", "a"}, {"Content-Type", "text/x"}, {"ETag", "\"a\""}});
    CHECK(out == "0\r\nX-Sum: 6\r\nETag: \"a\"\r\n\r\n");
}

TEST_CASE("writer: sizes of chunks fit, the smallest and the largest")
{
    CHECK(chunk_start(1).text() == "1\r\n");
    CHECK(chunk_start(0x1f4).text() == "1f4\r\n");
    CHECK(chunk_start(std::numeric_limits<std::uint64_t>::max()).text() == "ffffffffffffffff\r\n");
}

} // namespace
