// What an origin listens on, what it records, and how it ends.

#include <weir/testing/origin.hpp>

#include "raw_client.hpp"
#include "support/temp_dir.hpp"

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
using test::raw_client;
using test::status_line;
using weir::testing::connection_end;
using weir::testing::origin;
using weir::testing::origin_options;
using weir::testing::origin_record;
using weir::testing::received_request;
using weir::testing::script;

script answering(std::string_view listen = "127.0.0.1:0")
{
    script played;
    played.listen(listen);
    played.on("/*").answer(200).body("ok");
    return played;
}

TEST_CASE("origin: listens on IPv4, IPv6 and Unix sockets")
{
    const test::temp_dir directory;
    for (const std::string& address :
         {std::string("127.0.0.1:0"), std::string("[::1]:0"), "unix:" + (directory / "s")}) {
        CAPTURE(address);
        origin server(answering(address));
        raw_client client(server);
        client.get("/");
        CHECK(status_line(client.read_head()) == "HTTP/1.1 200 OK");
        CHECK(client.read(2) == "ok");
    }
    CHECK_FALSE(std::filesystem::exists(directory / "s"));
}

TEST_CASE("origin: knows its URL")
{
    origin server(answering());
    CHECK(server.port() != 0);
    CHECK(server.url("/a?b") == "http://127.0.0.1:" + std::to_string(server.port()) + "/a?b");
}

TEST_CASE("origin: an address that is none, or is taken, is an error")
{
    CHECK_THROWS_AS(origin(answering("somewhere")), weir::error);
    CHECK_THROWS_AS(origin(answering("127.0.0.1:99999")), weir::error);
    CHECK_THROWS_AS(origin(answering("unix:" + std::string(200, 'x'))), weir::error);
    origin first(answering());
    CHECK_THROWS_AS(origin(answering(first.authority())), weir::error);
}

TEST_CASE("record: requests are there with head, fields and body, whatever frames the body")
{
    origin server(answering());
    raw_client client(server);
    client.send(
        "PUT /a?b=c HTTP/1.1\r\nHost: x\r\nX-Empty:\r\nContent-Length: 3\r\n\r\nabc"
        "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=1\r\nde\r\n1\r\nf\r\n0\r\nTrail: 1\r\n\r\n");
    for (int i = 0; i != 2; ++i) {
        client.read_head();
        client.read(2);
    }
    const std::vector<received_request> seen = server.requests();
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].method == "PUT");
    CHECK(seen[0].target == "/a?b=c");
    CHECK(seen[0].version == "HTTP/1.1");
    CHECK(seen[0].head == "PUT /a?b=c HTTP/1.1\r\nHost: x\r\nX-Empty:\r\nContent-Length: 3\r\n\r\n");
    CHECK(seen[0].field("host") == "x");
    CHECK(seen[0].field("x-empty") == "");
    CHECK_FALSE(seen[0].field("Range"));
    CHECK(seen[0].body == "abc");
    CHECK(seen[0].rule == 0);
    CHECK(seen[1].body == "def");
    CHECK(seen[1].connection == 1);
    CHECK(seen[1].number == 2);
    CHECK(seen[1].complete);
}

TEST_CASE("record: connections are counted, with what was sent and how they ended")
{
    origin server(answering());
    std::size_t bytes = 0;
    {
        raw_client client(server);
        client.get("/");
        bytes = client.read_head().size() + client.read(2).size();
    }
    {
        raw_client client(server);
        client.send("no HTTP\r\n\r\n");
        CHECK(client.read_all().empty());
    }
    raw_client open(server);
    CHECK(server.wait_until(
        [](const origin_record& seen) { return seen.connections.size() == 3 && seen.open_connections() == 1; }));
    const origin_record seen = server.record();
    CHECK(seen.connections[0].requests == 1);
    CHECK(seen.connections[0].bytes_sent == bytes);
    CHECK(seen.bytes_sent() == bytes);
    CHECK(seen.connections[0].end == connection_end::by_peer);
    CHECK(seen.connections[1].end == connection_end::by_origin);
    CHECK(seen.connections[2].end == connection_end::open);
}

TEST_CASE("record: keeps no more than it is told to")
{
    origin_options options;
    options.kept_requests = 10;
    options.kept_body_bytes = 4;
    origin server(answering(), options);
    raw_client client(server);
    for (int i = 0; i != 100; ++i) {
        client.send("PUT /" + std::to_string(i) + " HTTP/1.1\r\nContent-Length: 6\r\n\r\nabcdef");
        client.read_head();
        client.read(2);
    }
    const std::vector<received_request> seen = server.requests();
    CHECK(seen.size() >= 10);
    CHECK(seen.size() <= 20);
    CHECK(seen.back().target == "/99");
    CHECK(seen.back().body == "abcd");
    CHECK(seen.back().body_bytes == 6);
    CHECK(server.record().connections[0].requests == 100);
}

TEST_CASE("record: what is not over is kept, and told of, however much has come since")
{
    std::mutex mutex;
    std::vector<std::string> told;
    origin_options options;
    options.kept_requests = 1;
    options.on_finished = [&](const received_request& request) {
        const std::lock_guard lock(mutex);
        told.push_back(request.target);
    };
    script played;
    played.on("/long").hold("end").answer(200);
    played.on("/*").answer(200);
    {
        origin server(std::move(played), std::move(options));
        raw_client patient(server);
        patient.send("GET /long HTTP/1.1\r\n\r\n");
        REQUIRE(server.wait_until([](const auto& seen) { return seen.is_holding("end"); }));
        raw_client client(server);
        for (int i = 0; i != 10; ++i) {
            client.send("GET /" + std::to_string(i) + " HTTP/1.1\r\n\r\n");
            client.read_head();
        }
        CHECK(server.requests().front().target == "/long");
        CHECK(!server.requests().front().over);
        server.release("end");
        patient.read_head();
    }
    CHECK(told.size() == 11);
    CHECK(std::ranges::count(told, "/long") == 1);
}

TEST_CASE("record: who wants to know is told of each request that is over, answered or not")
{
    std::mutex mutex;
    std::vector<std::string> told;
    origin_options options;
    options.on_finished = [&](const received_request& request) {
        const std::lock_guard lock(mutex);
        told.push_back(request.target + (request.answered ? " " + std::to_string(request.answer_bytes) : " left"));
    };
    script played;
    played.on("/a").answer(200);
    played.on("/b").stall();
    played.on("/c").close();
    {
        origin server(std::move(played), std::move(options));
        raw_client client(server);
        client.get("/a");
        client.read_head();
        client.get("/c");
        CHECK(client.read_all().empty());
        raw_client(server).get("/b");
        CHECK(server.wait_until([](const origin_record& seen) {
            return seen.requests.size() == 3 && seen.open_connections() == 0;
        }));
    }
    std::ranges::sort(told); // each connection tells of its own
    CHECK(told == std::vector<std::string>{"/a 38", "/b left", "/c 0"});
}

TEST_CASE("wait_until: gives up after its patience")
{
    origin server(answering());
    CHECK_FALSE(server.wait_until([](const origin_record& seen) { return !seen.requests.empty(); }, 1ms));
}

TEST_CASE("origin: HTTP/1.0 and Connection: close end the connection behind the answer")
{
    origin server(answering());
    for (const std::string request : {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n"}) {
        raw_client client(server);
        client.send(request);
        CHECK(client.read_all().ends_with("\r\nConnection: close\r\n\r\nok"));
    }
}

TEST_CASE("origin: ends at once, whatever its connections are waiting for")
{
    script played;
    played.object("big", std::uint64_t{1} << 40);
    played.accept().connection(2).stall();
    played.on("/stall").stall();
    played.on("/hold").hold("here");
    played.on("/big").serve("big");
    played.on("/slow").stall(1h);
    played.on("/paced").serve("big").pace(1, 1h);
    auto server = std::make_unique<origin>(std::move(played));
    std::vector<std::unique_ptr<raw_client>> clients;
    for (const char* target : {"/stall", "/silent", "/hold", "/big", "/slow", "/paced"}) {
        clients.push_back(std::make_unique<raw_client>(*server));
        if (target != std::string_view("/silent"))
            clients.back()->get(target);
    }
    CHECK(server->wait_until([](const origin_record& seen) { return seen.requests.size() == 5; }));
    const auto begin = std::chrono::steady_clock::now();
    server.reset();
    CHECK(std::chrono::steady_clock::now() - begin < 2s);
}

TEST_CASE("origin: serves many connections at once")
{
    script played;
    played.object("small", 8192, 3);
    played.on("/small").serve("small");
    origin server(std::move(played));
    std::vector<std::unique_ptr<raw_client>> clients;
    for (int i = 0; i != 64; ++i)
        clients.push_back(std::make_unique<raw_client>(server));
    for (int round = 0; round != 4; ++round) {
        for (const auto& client : clients)
            client->get("/small");
        for (const auto& client : clients) {
            client->read_head();
            CHECK(client->read(8192) == weir::testing::generated(3, 0, 8192));
        }
    }
    CHECK(server.record().connections.size() == 64);
}

} // namespace
