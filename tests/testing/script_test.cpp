// Scripts as text, and scripts that make no sense.

#include <weir/testing/origin.hpp>

#include "raw_client.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace {

using test::field_of;
using test::raw_client;
using test::status_line;
using weir::errc;
using weir::testing::generated;
using weir::testing::origin;
using weir::testing::script;
using weir::testing::script_error;

TEST_CASE("parse: a script says in text what it says in C++")
{
    origin server(script::parse(R"(
# comments and empty lines mean nothing
listen 127.0.0.1:0
object big 1KiB seed 7
object new 1KiB seed 8
object text "two\r\nlines\x21 \"quoted\""

on /big request 1
    serve big
    header ETag: "a b"
    close at body 100

on /big request 1..3 with "If-Range: \"x\"" without X-No
    serve big
    becomes new at 512

on /big
    serve text
    chunked 5
    trailer X: y

on PUT /up
    early
    answer 100
    receive
    answer 201 Made it
    body "a" "b"

on /raw
    split every 3 pause 1ms
    send "HTTP/1.1 200 OK\r\n"
    repeat 2 "X: 1\r\n"
    send "\r\n\0"
    data 4 seed 9 from 2
    stall 1ms
    close
)"));
    {
        raw_client client(server);
        client.get("/big");
        CHECK(field_of(client.read_head(), "ETag") == "\"a b\"");
        CHECK(client.read_all() == generated(7, 0, 100));
    }
    raw_client client(server);
    client.get("/big");
    client.read_head();
    const std::string text = "5\r\ntwo\r\n\r\n5\r\nlines\r\n5\r\n! \"qu\r\n5\r\noted\"\r\n0\r\nX: y\r\n\r\n";
    CHECK(client.read(text.size()) == text);
    client.get("/big", "If-Range: \"x\"\r\n");
    client.read_head();
    CHECK(client.read(1024) == generated(7, 0, 512) + generated(8, 512, 512));
    client.send("PUT /up HTTP/1.1\r\nContent-Length: 1\r\n\r\n");
    client.read_head();
    client.send("x");
    CHECK(status_line(client.read_head()) == "HTTP/1.1 201 Made it");
    CHECK(client.read(2) == "ab");
    client.get("/raw");
    CHECK(client.read_all() == "HTTP/1.1 200 OK\r\nX: 1\r\nX: 1\r\n\r\n" + std::string(1, '\0') + generated(9, 2, 4));
}

TEST_CASE("parse: every statement is read in each of its forms")
{
    static_cast<void>(
        script::parse("accept connection 2..\n round-trip 50ms\n pace 1MiB per 50ms\r\n"
                      "tls certificate.pem \"key file.pem\"\nobject a 10\nobject b \"\"\n"
                      "on *\n tunnel\n tunnel 127.0.0.1:443\n"
                      "on CONNECT *:443 connection 1 request 2.. without A with B\n answer 407\n"
                      "on /a\n serve a\n no-ranges\n no-header ETag\n until-close\n status 206 Some\n"
                      " chunked\n redirect 302 /b\n half-close\n reset\n hold x\n stall\n"
                      " stall at 5\n stall 5us at object 1KiB\n hold x at body 7\n close at 1\n"
                      " reset at 2\n cut-off\n cut-off at 9\n half-close at 3\n split at 1 2 3\n split at 1 pause 1s\n split every 2\n"
                      " early\n receive\n receive 100\n repeat forever \"x\"\n"));
}

TEST_CASE("parse: what is wrong is said, with its line")
{
    struct wrong {
        std::string_view text;
        errc code;
        std::uint64_t line;
        std::string_view said;
    };
    const wrong all[] = {
        {"\n\nfrobnicate 1", errc::bad_format, 3, "no statement is called 'frobnicate'"},
        {"answer 200", errc::bad_format, 1, "'answer' belongs below an on or accept"},
        {"on", errc::bad_format, 1, "a pattern is missing"},
        {"on /a twice", errc::bad_format, 1, "'twice' is no condition"},
        {"on /a request", errc::bad_format, 1, "a number is missing"},
        {"on /a request x", errc::bad_format, 1, "not 'x'"},
        {"on /a request 0", errc::bad_configuration, 1, "numbers begin with 1"},
        {"on /a request 3..2", errc::bad_configuration, 1, "do not run backwards"},
        {"accept request 1", errc::bad_configuration, 1, "there is no request"},
        {"accept\nanswer 200", errc::bad_configuration, 2, "there is no request"},
        {"tls certificate.pem", errc::bad_format, 1, "the file of its key is missing"},
        {"on /a\nanswer", errc::bad_format, 2, "the status is missing"},
        {"on /a\nanswer 99", errc::bad_configuration, 2, "three digits"},
        {"on /a\nanswer 99999999999999999999", errc::bad_format, 2, "the status is a whole number"},
        {"on /a\nserve big", errc::bad_configuration, 2, "no object is called 'big' above"},
        {"object a 1\nobject a 2", errc::bad_configuration, 2, "there is an object 'a' already"},
        {"object a 9EiB", errc::bad_format, 1, "is a size"},
        {"object a 9223372036854775808", errc::bad_configuration, 1, "2^63-1"},
        {"on /a\nbody \"x\"", errc::bad_configuration, 2, "body belongs behind answer"},
        {"on /a\nanswer 200\nclose\nheader A: b", errc::bad_configuration, 4, "header belongs behind answer"},
        {"on /a\nanswer 200\nheader A", errc::bad_format, 3, "Name: value"},
        {"on /a\nanswer 200\ntrailer A: b", errc::bad_configuration, 3, "behind chunked"},
        {"on /a\nanswer 200\nchunked 0", errc::bad_configuration, 3, "a chunk has a byte"},
        {"on /a\nsend \"open", errc::bad_format, 2, "a quote is not closed"},
        {"on /a\nsend \"\\q\"", errc::bad_format, 2, "after a backslash"},
        {"on /a\nsend \"\\x4\"", errc::bad_format, 2, "after a backslash"},
        {"on /a\nsend \"a\"b", errc::bad_format, 2, "a blank belongs"},
        {"on /a\nsend", errc::bad_format, 2, "a text is missing"},
        {"on /a\nstall 5", errc::bad_format, 2, "is a time"},
        {"on /a\nstall 5000000000s", errc::bad_format, 2, "is a time"},
        {"on /a\nreset at", errc::bad_format, 2, "the place is missing"},
        {"on /a\nreset now", errc::bad_format, 2, "too many words, from 'now' on"},
        {"on /a\nreceive", errc::bad_configuration, 2, "receive belongs behind early"},
        {"on /a\nround-trip 5ms", errc::bad_configuration, 2, "round-trip belongs in accept"},
        {"on /a\nsplit every 0", errc::bad_configuration, 2, "a piece has a byte"},
        {"on /a\nrepeat 0 \"x\"", errc::bad_format, 2, "can be left out"},
        {"on /a\nrepeat forever \"\"", errc::bad_configuration, 2, "nothing cannot be repeated"},
        {"on /a\npace 5", errc::bad_format, 2, "'per' is missing"},
        {"on /a\npace 0 per 5ms", errc::bad_configuration, 2, "is a stall"},
    };
    for (const wrong& each : all) {
        CAPTURE(each.text);
        try {
            static_cast<void>(script::parse(each.text, "bad.script"));
            FAIL_CHECK("was accepted");
        }
        catch (const script_error& refused) {
            CHECK(refused.code() == each.code);
            CHECK(refused.line() == each.line);
            CHECK(refused.subject() == "bad.script:" + std::to_string(each.line));
            CHECK(std::string_view(refused.what()).find(each.said) != std::string_view::npos);
        }
    }
}

TEST_CASE("script: what makes no sense is refused in C++ too, where it is said")
{
    script played;
    CHECK_THROWS_AS(played.on("/a").serve("nothing"), script_error);
    CHECK_THROWS_AS(played.on("/a").header("A", "b"), script_error);
    CHECK_THROWS_AS(played.on("/a").stall(std::chrono::seconds(-1)), script_error);
    CHECK_THROWS_AS(played.accept().answer(200), script_error);
}

} // namespace
