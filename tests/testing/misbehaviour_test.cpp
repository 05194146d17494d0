// Bytes that no honest server sends, at moments when none would send them.

#include <weir/testing/origin.hpp>

#include "raw_client.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace {

using namespace std::chrono_literals;
using test::field_of;
using test::raw_client;
using test::status_line;
using weir::testing::at_body;
using weir::testing::at_byte;
using weir::testing::at_object;
using weir::testing::connection_end;
using weir::testing::generated;
using weir::testing::origin;
using weir::testing::origin_record;
using weir::testing::script;
using clock = std::chrono::steady_clock;

script with_object(std::uint64_t size = 1000)
{
    script played;
    played.object("big", size, 7);
    return played;
}

TEST_CASE("send: exact bytes, as often as asked for, and none that were not")
{
    script played;
    played.on("/a")
        .send("HTTP/1.1 200\r\n")
        .repeat(3, "X: 1\r\n")
        .send(std::string_view("\r\n\0\xff", 4))
        .data(10, 5, 3);
    origin server(std::move(played));
    raw_client client(server);
    client.get("/a");
    const std::string expected =
        "HTTP/1.1 200\r\nX: 1\r\nX: 1\r\nX: 1\r\n\r\n" + std::string("\0\xff", 2) + generated(5, 3, 10);
    CHECK(client.read(expected.size()) == expected);
    CHECK(client.is_quiet());
}

TEST_CASE("send: bytes behind an answer are unsolicited")
{
    script played;
    played.on("/a").answer(200).body("x").send("HTTP/1.1 200 OK\r\n\r\n");
    origin server(std::move(played));
    raw_client client(server);
    client.get("/a");
    const std::string expected = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n";
    CHECK(client.read(expected.size()) == expected);
}

TEST_CASE("repeat: what is repeated for ever ends when the peer leaves")
{
    script played;
    played.on("/flood").repeat(0, "HTTP/1.1 103 Early Hints\r\n\r\n");
    origin server(std::move(played));
    {
        raw_client client(server);
        client.get("/flood");
        CHECK(client.read(1'000'000).size() == 1'000'000);
    }
    CHECK(server.wait_until([](const origin_record& seen) {
        return seen.open_connections() == 0 && seen.connections[0].end == connection_end::reset_by_peer;
    }));
}

TEST_CASE("reset: the bytes before the place arrive, and then the connection is reset")
{
    for (const std::uint64_t at : {1, 17, 500, 999}) {
        CAPTURE(at);
        script played = with_object();
        played.on("/big").serve("big").reset(at_body(at));
        origin server(std::move(played));
        raw_client client(server);
        client.get("/big");
        client.read_head();
        CHECK(client.read_all() == generated(7, 0, at));
        CHECK(client.was_reset());
    }
}

TEST_CASE("reset: a place in all bytes may lie in the head")
{
    script played = with_object();
    played.on("/big").serve("big").reset(at_byte(9));
    origin server(std::move(played));
    raw_client client(server);
    client.get("/big");
    CHECK(client.read_all() == "HTTP/1.1 ");
    CHECK(client.was_reset());
}

TEST_CASE("close: the connection ends in mid-body without a reset")
{
    script played = with_object();
    played.on("/big").serve("big").close(at_body(10));
    origin server(std::move(played));
    raw_client client(server);
    client.get("/big");
    client.read_head();
    CHECK(client.read_all() == generated(7, 0, 10));
    CHECK_FALSE(client.was_reset());
}

TEST_CASE("close: a place just behind the body is met, before the end of chunks")
{
    script played;
    played.on("/a").answer(200).body("abc").chunked().close(at_body(3));
    origin server(std::move(played));
    raw_client client(server);
    client.get("/a");
    client.read_head();
    CHECK(client.read_all() == "3\r\nabc");
}

TEST_CASE("a place behind the end is not met")
{
    script played = with_object();
    played.on("/big").serve("big").reset(at_body(1001)).reset(at_object(1000)).reset(at_byte(5000));
    origin server(std::move(played));
    raw_client client(server);
    for (int i = 0; i != 2; ++i) {
        client.get("/big");
        client.read_head();
        CHECK(client.read(1000).size() == 1000);
    }
}

TEST_CASE("a place in the object is met by the range that has it, and by no other")
{
    script played = with_object();
    played.on("/big").serve("big").close(at_object(500));
    origin server(std::move(played));
    {
        raw_client client(server);
        client.get("/big", "Range: bytes=0-499\r\n");
        client.read_head();
        CHECK(client.read(500).size() == 500);
        client.get("/big", "Range: bytes=501-\r\n");
        client.read_head();
        CHECK(client.read(499).size() == 499);
    }
    raw_client client(server);
    client.get("/big", "Range: bytes=450-549\r\n");
    client.read_head();
    CHECK(client.read_all() == generated(7, 450, 50));
}

TEST_CASE("half-close: the peer reads an end, and is still heard")
{
    script played;
    played.on("/a").answer(200).half_close();
    played.on("/b").answer(200);
    origin server(std::move(played));
    raw_client client(server);
    client.get("/a");
    client.read_head();
    CHECK(client.read_all().empty());
    client.get("/b");
    CHECK(server.wait_until([](const origin_record& seen) { return seen.requests_for("/b") == 1; }));
    CHECK(server.record().open_connections() == 1);
}

TEST_CASE("becomes: from an offset on the bytes are of another version, under the head of the first")
{
    script played = with_object();
    played.object("new", 1000, 8);
    played.on("/big").request(1).serve("big").becomes("new", 600);
    played.on("/big").serve("new");
    origin server(std::move(played));
    raw_client client(server);
    client.get("/big");
    const std::string first = field_of(client.read_head(), "ETag");
    CHECK(client.read(1000) == generated(7, 0, 600) + generated(8, 600, 400));
    client.get("/big", "Range: bytes=590-\r\nIf-Range: " + first + "\r\n");
    const std::string head = client.read_head();
    CHECK(status_line(head) == "HTTP/1.1 200 OK");
    CHECK(field_of(head, "ETag") != first);
    CHECK(client.read(1000) == generated(8, 0, 1000));
}

TEST_CASE("header: what the origin would have said is replaced by the lie, and can be left out")
{
    script played = with_object();
    played.on("/lies")
        .serve("big")
        .header("Content-Range", "bytes 0-9/10")
        .header("content-length", "5")
        .header("Content-Length", "6")
        .no_header("ETag")
        .status(200);
    played.on("/ignores").serve("big").no_ranges();
    origin server(std::move(played));
    {
        raw_client client(server);
        client.get("/lies", "Range: bytes=100-199\r\n");
        const std::string head = client.read_head();
        CHECK(status_line(head) == "HTTP/1.1 200 OK");
        CHECK(field_of(head, "Content-Range") == "bytes 0-9/10");
        CHECK(field_of(head, "content-length") == "5");
        CHECK(field_of(head, "Content-Length") == "6");
        CHECK(field_of(head, "ETag") == "(absent)");
        CHECK(client.read(100) == generated(7, 100, 100));
    }
    raw_client client(server);
    client.get("/ignores", "Range: bytes=100-199\r\n");
    CHECK(status_line(client.read_head()) == "HTTP/1.1 200 OK");
    CHECK(client.read(1000) == generated(7, 0, 1000));
}

TEST_CASE("hold: nothing more is sent until the test says so")
{
    script played = with_object();
    played.on("/big").serve("big").hold(at_body(100), "middle");
    origin server(std::move(played));
    raw_client client(server);
    client.get("/big");
    client.read_head();
    CHECK(client.read(100) == generated(7, 0, 100));
    CHECK(server.wait_until([](const origin_record& seen) { return seen.is_holding("middle"); }));
    CHECK(client.is_quiet());
    server.release("middle");
    CHECK(client.read(900) == generated(7, 100, 900));
    CHECK(server.record().holding.empty());
}

TEST_CASE("stall: for ever lasts until the peer leaves")
{
    script played = with_object();
    played.on("/big").serve("big").stall(at_body(100));
    origin server(std::move(played));
    {
        raw_client client(server);
        client.get("/big");
        client.read_head();
        CHECK(client.read(100).size() == 100);
        CHECK(server.record().open_connections() == 1);
    }
    CHECK(server.wait_until([](const origin_record& seen) { return seen.open_connections() == 0; }));
    CHECK(server.record().connections[0].end == connection_end::by_peer);
    CHECK_FALSE(server.requests()[0].answered);
}

TEST_CASE("stall: for a time lasts that time")
{
    script played;
    played.on("/a").stall(40ms).answer(200).body("x").stall(at_body(0), 40ms);
    origin server(std::move(played));
    raw_client client(server);
    const auto begin = clock::now();
    client.get("/a");
    client.read_head();
    CHECK(client.read(1) == "x");
    CHECK(clock::now() - begin >= 80ms);
}

TEST_CASE("split: every cut is the end of a write")
{
    script played;
    played.on("/every").answer(200).body("abcdef").split_every(7, 3ms);
    played.on("/at").answer(200).body("abcdef").split_at({17, 3}, 3ms);
    origin server(std::move(played));
    raw_client client(server);
    const std::string expected = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabcdef";
    client.get("/every");
    std::string all;
    while (all.size() < expected.size()) {
        const std::string piece = client.read_some();
        // A slow reader may see several at once, never a part of one.
        CHECK((piece.size() % 7 == 0 || all.size() + piece.size() == expected.size()));
        all += piece;
    }
    CHECK(all == expected);
    client.get("/at");
    all.clear();
    while (all.size() < expected.size()) {
        all += client.read_some();
        CHECK((all.size() == 3 || all.size() == 17 || all.size() == expected.size()));
    }
    CHECK(all == expected);
}

TEST_CASE("pace: a trickle takes its time")
{
    script played = with_object(100);
    played.on("/big").serve("big").no_header("Last-Modified").pace(50, 10ms);
    origin server(std::move(played));
    raw_client client(server);
    const auto begin = clock::now();
    client.get("/big");
    const std::size_t size = client.read_head().size() + client.read(100).size();
    CHECK(clock::now() - begin >= ((size + 49) / 50 - 1) * 10ms);
}

TEST_CASE("accept: pace and round trip hold for all of a connection, and each has its own")
{
    script played = with_object(100'000);
    played.accept().connections(1, 2).pace(20'000, 20ms).round_trip(30ms);
    played.on("/big").serve("big");
    played.on("/a").answer(200);
    origin server(std::move(played));
    raw_client first(server);
    raw_client second(server);
    const auto begin = clock::now();
    first.get("/big");
    second.get("/big");
    for (raw_client* each : {&first, &second}) {
        each->read_head();
        CHECK(each->read(100'000).size() == 100'000);
    }
    CHECK(clock::now() - begin >= 30ms + 5 * 20ms);
    const auto again = clock::now();
    first.get("/a");
    first.read_head();
    CHECK(clock::now() - again >= 30ms);
}

TEST_CASE("accept: a connection can end, or hear something, before it has asked")
{
    script played;
    played.accept().connection(1).reset();
    played.accept().connection(2).close();
    played.accept().connection(3).send("SSH-2.0-x\r\n");
    played.on("/a").answer(204);
    origin server(std::move(played));
    {
        raw_client client(server);
        CHECK(client.read_all().empty());
        CHECK(client.was_reset());
    }
    {
        raw_client client(server);
        CHECK(client.read_all().empty());
        CHECK_FALSE(client.was_reset());
    }
    {
        raw_client client(server);
        CHECK(client.read(11) == "SSH-2.0-x\r\n");
    }
    raw_client client(server);
    client.get("/a");
    CHECK(status_line(client.read_head()) == "HTTP/1.1 204 No Content");
}

TEST_CASE("early: an answer comes before the body of its request, which is read when the script says so")
{
    script played;
    played.on("PUT", "/a").early().answer(100).receive(5).answer(201);
    origin server(std::move(played));
    raw_client client(server);
    client.send("PUT /a HTTP/1.1\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client.read_head() == "HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(client.is_quiet());
    client.send("01234");
    CHECK(status_line(client.read_head()) == "HTTP/1.1 201 Created");
    CHECK_FALSE(server.requests()[0].complete);
    client.send("56789");
    CHECK(server.wait_until([](const origin_record& seen) { return seen.requests[0].complete; }));
    CHECK(server.requests()[0].body == "0123456789");
}

TEST_CASE("early: a server that answers and closes does not read the body")
{
    script played;
    played.on("PUT", "/a").early().answer(413, "Too Large").header("Connection", "close").close();
    origin server(std::move(played));
    raw_client client(server);
    client.send("PUT /a HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n");
    client.send(std::string(100'000, 'x'));
    CHECK(status_line(client.read_all()) == "HTTP/1.1 413 Too Large");
    CHECK_FALSE(client.was_reset());
    CHECK(server.requests()[0].body_bytes == 0);
}

} // namespace
