// An origin in the part of a proxy.

#include <weir/testing/origin.hpp>

#include "raw_client.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

using test::raw_client;
using test::status_line;
using weir::testing::at_byte;
using weir::testing::generated;
using weir::testing::origin;
using weir::testing::origin_record;
using weir::testing::script;

script target_script()
{
    script played;
    played.object("big", 1'000'000, 7);
    played.on("PUT", "/up").answer(201);
    played.on("/big").serve("big");
    played.on("/cut").serve("big").reset(weir::testing::at_body(1000));
    return played;
}

TEST_CASE("proxy: a request in absolute form is matched by its path, or by all of it")
{
    script played;
    played.on("http://other.test/*").answer(201);
    played.on("/a").answer(202);
    played.on("/").answer(203);
    origin proxy(std::move(played));
    raw_client client(proxy);
    const auto status = [&](const std::string& target) {
        client.get(target);
        return status_line(client.read_head()).substr(9, 3);
    };
    CHECK(status("http://other.test/a") == "201");
    CHECK(status("http://example.test/a?b") == "202");
    CHECK(status("http://example.test") == "203");
    CHECK(proxy.requests()[0].target == "http://other.test/a");
}

TEST_CASE("tunnel: CONNECT copies bytes both ways, to the host that was asked for or to another")
{
    origin target(target_script());
    for (const bool elsewhere : {false, true}) {
        script played;
        if (elsewhere)
            played.on("CONNECT", "*").tunnel(target.authority());
        else
            played.on("CONNECT", "*").tunnel();
        origin proxy(std::move(played));
        raw_client client(proxy);
        client.send("CONNECT " + (elsewhere ? "secure.test:443" : target.authority()) + " HTTP/1.1\r\n\r\n");
        CHECK(status_line(client.read_head()) == "HTTP/1.1 200 Connection established");
        client.get("/big");
        client.read_head();
        CHECK(client.read(1'000'000) == generated(7, 0, 1'000'000));
        client.send("PUT /up HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'u'));
        CHECK(status_line(client.read_head()) == "HTTP/1.1 201 Created");
        client.end();
        CHECK(client.read_all().empty());
    }
    CHECK(target.requests().back().body_bytes == 100'000);
    CHECK(target.wait_until([](const origin_record& seen) { return seen.open_connections() == 0; }));
}

TEST_CASE("tunnel: bytes that came with CONNECT reach the target")
{
    origin target(target_script());
    script played;
    played.on("CONNECT", "*").tunnel();
    origin proxy(std::move(played));
    raw_client client(proxy);
    client.send("CONNECT " + target.authority() + " HTTP/1.1\r\n\r\nHEAD /big HTTP/1.1\r\n\r\n");
    client.read_head();
    CHECK(status_line(client.read_head()) == "HTTP/1.1 200 OK");
}

TEST_CASE("tunnel: a target that breaks off ends the client's connection")
{
    origin target(target_script());
    script played;
    played.on("CONNECT", "*").tunnel();
    origin proxy(std::move(played));
    raw_client client(proxy);
    client.send("CONNECT " + target.authority() + " HTTP/1.1\r\n\r\n");
    client.read_head();
    client.get("/cut");
    client.read_head();
    CHECK(client.read_all() == generated(7, 0, 1000));
}

TEST_CASE("tunnel: what goes through it can be shaped like any answer")
{
    origin target(target_script());
    script played;
    played.on("CONNECT", "*").tunnel().reset(at_byte(100));
    origin proxy(std::move(played));
    raw_client client(proxy);
    client.send("CONNECT " + target.authority() + " HTTP/1.1\r\n\r\n");
    const std::size_t before = client.read_head().size();
    client.get("/big");
    CHECK(client.read_all().size() == 100 - before);
    CHECK(client.was_reset());
    CHECK(target.wait_until([](const origin_record& seen) { return seen.open_connections() == 0; }));
}

TEST_CASE("tunnel: nobody at the target is a bad gateway; names are not looked up")
{
    std::string unused;
    {
        origin gone(target_script());
        unused = gone.authority();
    }
    script played;
    played.on("CONNECT", "*").tunnel();
    origin proxy(std::move(played));
    for (const std::string& authority : {unused, std::string("name.test:80"), std::string("nonsense")}) {
        raw_client client(proxy);
        client.send("CONNECT " + authority + " HTTP/1.1\r\n\r\n");
        CHECK(status_line(client.read_head()) == "HTTP/1.1 502 Bad Gateway");
    }
}

TEST_CASE("proxy: a login is asked for by 407")
{
    origin target(target_script());
    script played;
    played.on("CONNECT", "*")
        .without("Proxy-Authorization")
        .answer(407)
        .header("Proxy-Authenticate", "Basic realm=\"x\"");
    played.on("CONNECT", "*").tunnel();
    origin proxy(std::move(played));
    raw_client client(proxy);
    client.send("CONNECT " + target.authority() + " HTTP/1.1\r\n\r\n");
    CHECK(status_line(client.read_head()) == "HTTP/1.1 407 Proxy Authentication Required");
    client.send("CONNECT " + target.authority() + " HTTP/1.1\r\nProxy-Authorization: Basic eDp5\r\n\r\n");
    CHECK(status_line(client.read_head()) == "HTTP/1.1 200 Connection established");
}

} // namespace
