#include <weir/http/head_reader.hpp>

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <string>

namespace head_reader_test {
namespace {

using namespace weir::http;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

response_head answer(std::string_view text)
{
    response_reader reader;
    CHECK(reader.feed(bytes_of(text)) == text.size());
    REQUIRE(reader.done());
    return reader.take();
}

received_request request(std::string_view text)
{
    request_reader reader;
    CHECK(reader.feed(bytes_of(text)) == text.size());
    REQUIRE(reader.done());
    return reader.take();
}

/// What a reader says of text that it refuses; empty if it does not.
template <class Reader> std::string refusal(Reader reader, std::string_view text)
{
    try {
        (void)reader.feed(bytes_of(text));
    }
    catch (const weir::error& refused) {
        CHECK(refused.code() == weir::errc::protocol_violation);
        return refused.what();
    }
    return {};
}

bool says(const std::string& message, std::string_view what) { return message.find(what) != std::string::npos; }

unsigned status_for(std::string_view text, line_limits limits = head_limits)
{
    request_reader reader(limits);
    CHECK_THROWS_AS((void)reader.feed(bytes_of(text)), weir::error);
    return reader.status_of_refusal();
}

TEST_CASE("response head: status, reason, version and fields come out, and bytes after the head stay")
{
    const std::string text = "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Length:5\r\n\r\nhello";
    response_reader reader;
    CHECK_FALSE(reader.started());
    CHECK(reader.feed(bytes_of(text)) == text.size() - 5);
    REQUIRE(reader.done());
    CHECK(reader.feed(bytes_of("hello")) == 0);
    const response_head head = reader.take();
    CHECK(head.status == 206);
    CHECK(head.reason == "Partial Content");
    CHECK(head.spoken == version::http_1_1);
    CHECK(head.header == fields{{"ETag", "\"a\""}, {"Content-Length", "5"}});
    CHECK_FALSE(reader.started());
}

TEST_CASE("response head: real servers leave out the reason, and the blank before it")
{
    CHECK(answer("HTTP/1.1 301\r\n\r\n").status == 301);
    CHECK(answer("HTTP/1.1 301 \r\n\r\n").reason.empty());
    CHECK(answer("HTTP/1.0 200 OK\r\n\r\n").spoken == version::http_1_0);
    CHECK(answer("HTTP/1.2 200 OK\r\n\r\n").spoken == version::http_1_1);
    CHECK(answer("\r\n\r\nHTTP/1.1 200 OK\r\n\r\n").status == 200);
}

TEST_CASE("response head: a folded value is joined by a blank")
{
    CHECK(answer("HTTP/1.1 200 OK\r\nA: b\r\n \t c\r\n\t\r\n d\r\n\r\n").header == fields{{"A", "b c d"}});
    CHECK(answer("HTTP/1.1 200 OK\r\nA:\r\n b\r\n\r\n").header == fields{{"A", "b"}});
    CHECK(says(refusal(response_reader(), "HTTP/1.1 200 OK\r\n A: b\r\n\r\n"), "folded"));
    CHECK(says(refusal(response_reader(), "HTTP/1.1 200 OK\r\nA: b\r\n c\rd\r\n\r\n"), "folded"));
}

TEST_CASE("response head: a peer of another protocol is refused at its first bytes")
{
    CHECK(says(refusal(response_reader(), "SSH-2.0-OpenSSH_9.2"), "no HTTP/1 answer"));
    CHECK(says(refusal(response_reader(), std::string_view("\x16\x03\x01", 3)), "no HTTP/1 answer"));
    CHECK(says(refusal(response_reader(), "H2"), "no HTTP/1 answer"));
    CHECK(refusal(response_reader(), "HTTP/1").empty());
    CHECK(says(refusal(request_reader(), std::string_view("\x16\x03\x01\x02", 4)), "no HTTP request"));
    CHECK(refusal(request_reader(), "GE").empty());
}

TEST_CASE("response head: messages say what is wrong and where, and show no stranger's control characters")
{
    const std::string message = refusal(response_reader(), "HTTP/1.1 200 OK\r\nA: b\r\nB\x1b[2J: c\r\n\r\n");
    CHECK(says(message, "response head at 23"));
    CHECK(says(message, "B\\x1b[2J"));
    CHECK(says(refusal(response_reader(), "HTTP/1.1 200 OK\nA: b\r\n\r\n"), "without CR"));
    CHECK(says(refusal(response_reader(), "HTTP/1.1 200 OK\r\nSet-Cookie: secret\x01\r\n\r\n"), "Set-Cookie"));
    CHECK_FALSE(says(refusal(response_reader(), "HTTP/1.1 200 OK\r\nSet-Cookie: secret\x01\r\n\r\n"), "secret"));
}

TEST_CASE("head: endless heads end at the limits, to the byte and to the line")
{
    const std::string head = "HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n"; // 4 lines
    CHECK(refusal(response_reader({head.size(), 4}), head).empty());
    CHECK(says(refusal(response_reader({head.size() - 1, 4}), head), "more than 30 bytes"));
    CHECK(says(refusal(response_reader({head.size(), 3}), head), "more than 3 lines"));
    CHECK(says(refusal(response_reader({100, 4}), "HTTP/1.1 200 " + std::string(100, 'a')), "more than 100 bytes"));
    CHECK(says(refusal(response_reader(), std::string(600, '\r') + '\n'), "no status line"));
}

TEST_CASE("head: what one byte more would refuse is refused alike at any cut")
{
    const std::string head = "GET /" + std::string(90, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
    for (std::size_t limit = 1; limit <= head.size() + 1; ++limit) {
        const bool is_whole_refused = !refusal(request_reader({limit, 9}), head).empty();
        request_reader by_bytes({limit, 9});
        bool is_refused = false;
        for (std::size_t i = 0; i < head.size() && !is_refused; ++i) {
            try {
                (void)by_bytes.feed(bytes_of(head.substr(i, 1)));
            }
            catch (const weir::error&) {
                is_refused = true;
            }
        }
        CHECK(is_refused == is_whole_refused);
        CHECK(is_refused == (limit < head.size()));
    }
}

TEST_CASE("head: the end of the connection inside a head is an error, and the reader can begin anew")
{
    response_reader reader;
    (void)reader.feed(bytes_of("HTTP/1.1 200 OK\r\nA: b"));
    CHECK(reader.started());
    CHECK_THROWS_WITH_AS(reader.end_of_stream(), doctest::Contains("response head at 21"), weir::error);
    reader.reset();
    CHECK_FALSE(reader.started());
    (void)reader.feed(bytes_of("HTTP/1.1 204\r\n\r\n"));
    CHECK(reader.take().header.empty());
}

TEST_CASE("request head: method, target and host come out in every form of a target")
{
    const received_request plain = request("GET /a?b HTTP/1.1\r\nHost: example.org:81\r\n\r\n");
    CHECK(plain.method == "GET");
    CHECK(plain.path() == "/a?b");
    CHECK(plain.authority() == "example.org:81");
    const received_request whole = request("GET http://example.org/a HTTP/1.1\r\nHost: EXAMPLE.org\r\n\r\n");
    CHECK(whole.path() == "/a");
    CHECK(whole.authority() == "example.org");
    CHECK(request("GET http://example.org HTTP/1.1\r\nHost: example.org\r\n\r\n").path() == "/");
    CHECK(request("GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n").authority() == "a");
    CHECK(request("GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n").path() == "/?b");
    const received_request tunnel = request("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n");
    CHECK(tunnel.authority() == "a:443");
    CHECK(tunnel.path().empty());
    CHECK(request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").path() == "*");
    CHECK(request("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").path() == "*");
    CHECK(request("OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\n\r\n").path() == "/");
    CHECK(request("GET / HTTP/1.0\r\n\r\n").authority().empty());
    CHECK(request("GET /x://y HTTP/1.0\r\n\r\n").path() == "/x://y");
}

TEST_CASE("request head: what two servers could understand in two ways is refused")
{
    for (const std::string_view text : {
             "GET / HTTP/1.1\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
             "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n",
             "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
             "GET http://u:p@a/ HTTP/1.1\r\nHost: u:p@a\r\n\r\n",
             "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n",
             "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n",
             "CONNECT a: HTTP/1.1\r\nHost: a:\r\n\r\n",
             "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
             "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
             "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
             "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
             "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n d\r\n\r\n",
             "GET / http/1.1\r\nHost: a\r\n\r\n",
             "GET /\r\n\r\n",
         }) {
        CAPTURE(text);
        CHECK_FALSE(refusal(request_reader(), text).empty());
        CHECK(status_for(text) == 400);
    }
}

TEST_CASE("request head: the status of a refusal tells what is too large and what is another version")
{
    CHECK(status_for("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == 505);
    CHECK(status_for("GET /" + std::string(200, 'a'), {100, 10}) == 414);
    CHECK(status_for("GET / HTTP/1.1\r\nA: " + std::string(200, 'a'), {100, 10}) == 431);
    CHECK(status_for("GET / HTTP/1.1\r\nA: b\r\nA: b\r\nA: b\r\n\r\n", {100, 3}) == 431);
}

TEST_CASE("authority: hosts, addresses and ports are told from what is none")
{
    for (const std::string_view good :
         {"", "a", "a.b-c_d", "a:80", "a:", "127.0.0.1:1", "[::1]", "[::1]:80", "0.0.0.0=5000"})
        CHECK_MESSAGE(is_authority(good), good);
    for (const std::string_view bad :
         {"a b", "a/b", "a@b", "a:b", "a:65536", "a:80:80", "[::1", "[]", "[::1]80", "[a.g]"})
        CHECK_FALSE_MESSAGE(is_authority(bad), bad);
}

TEST_CASE("reason phrase: known statuses have one")
{
    CHECK(reason_phrase(200) == "OK");
    CHECK(reason_phrase(505) == "HTTP Version Not Supported");
    CHECK(reason_phrase(299).empty());
    CHECK(reason_phrase(0).empty());
    CHECK(reason_phrase(999).empty());
}

} // namespace
} // namespace head_reader_test
