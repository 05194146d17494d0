#include <weir/net/dial.hpp>

#include "black_hole.hpp"
#include "steps.hpp"
#include "tls_peer.hpp"
#include "tls_world.hpp"

#include <weir/error.hpp>

#include <boost/asio/local/stream_protocol.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::in_an_hour;
using test::tls_world;
using weir::net::dial;
using weir::net::dial_limits;
using weir::net::dial_target;
using weir::net::resolver;
using weir::net::resolver_options;
using weir::net::transport;
using local = asio::local::stream_protocol;

/// Every name is the loopback interface.
resolver_options everything_is_here()
{
    resolver_options options;
    options.lookup = [](const std::string&) { return std::vector{test::listener::loopback(false)}; };
    return options;
}

struct phone {
    weir::result<transport> call(const dial_target& target, std::chrono::steady_clock::time_point deadline = in_an_hour())
    {
        return test::await(context, weir::as_result(dial(names, target, limits, deadline)));
    }

    asio::io_context context;
    resolver names{everything_is_here()};
    dial_limits limits;
};

dial_target tcp_target(std::uint16_t port)
{
    dial_target target;
    target.host = "peer.test";
    target.port = port;
    return target;
}

TEST_CASE("dial: a name becomes a connection")
{
    phone line;
    test::listener there(line.context);
    auto made = line.call(tcp_target(there.port()));
    CHECK(made.value().peer() == "127.0.0.1:" + std::to_string(there.port()));
    CHECK_FALSE(made.value().secure());
    auto theirs = there.accept();
    asio::write(theirs, asio::buffer("hello", 5));
    theirs.close();
    CHECK(test::await(line.context, test::read_to_the_end(made.value())).first == "hello");
}

TEST_CASE("dial: and a secure one, if it shall be")
{
    const tls_world world;
    phone line;
    test::tls_peer there(world.peer, 1, [](SSL* ssl, int) { SSL_write(ssl, "hello", 5); });
    dial_target target = tcp_target(there.port());
    target.tls.emplace(world.trusting());
    auto made = line.call(target);
    CHECK(made.value().secure());
    CHECK(test::await(line.context, test::read_to_the_end(made.value())).first == "hello");
}

TEST_CASE("dial: a proxy can be spoken to before TLS")
{
    const tls_world world;
    phone line;
    test::listener proxy(line.context);
    transport mine = line.call(tcp_target(proxy.port())).value();
    auto theirs = proxy.accept();
    test::await(line.context, asio::async_write(mine, asio::buffer("CONNECT", 7), asio::use_awaitable));
    std::string asked(7, '\0');
    asio::read(theirs, asio::buffer(asked));
    CHECK(asked == "CONNECT");
    const weir::net::tls_server_context server(world.showing(world.peer));
    test::task<transport> accepting(line.context.get_executor(),
                                    weir::net::secured(transport(std::move(theirs)), server, in_an_hour()));
    const weir::net::tls_context client(world.trusting());
    mine = test::await(line.context, weir::net::secured(std::move(mine), client, "peer.test", 443, in_an_hour()));
    CHECK(mine.secure());
}

TEST_CASE("dial: a Unix socket is reached by its path, plain or with TLS for the host")
{
    const tls_world world;
    phone line;
    local::acceptor there(line.context, local::endpoint(world.directory / "socket"));
    dial_target target = tcp_target(443);
    target.unix_path = there.local_endpoint().path();
    auto plain = line.call(target);
    CHECK(plain.value().peer() == target.unix_path);
    CHECK(plain.value().quiet());
    there.accept();
    target.tls.emplace(world.trusting());
    test::task<transport> calling(line.context.get_executor(), dial(line.names, target, line.limits, in_an_hour()));
    test::run_ready(line.context);
    const weir::net::tls_server_context server(world.showing(world.peer));
    const transport theirs
        = test::await(line.context, weir::net::secured(transport(there.accept()), server, in_an_hour()));
    line.context.restart();
    while (!calling.done())
        line.context.run_one();
    CHECK(calling.outcome().value().secure());
}

TEST_CASE("dial: a path that leads nowhere is the system's error, with the path")
{
    const test::temp_dir directory;
    phone line;
    dial_target target;
    target.unix_path = directory / "nothing";
    const auto nothing = line.call(target);
    CHECK(nothing.code() == std::errc::no_such_file_or_directory);
    CHECK(nothing.message() == "connect to " + target.unix_path + ": no such file or directory");
    target.unix_path = directory / std::string(200, 'x');
    CHECK(line.call(target).code() == std::errc::filename_too_long);
    target.unix_path = directory.write("file", "no socket");
    CHECK(line.call(target).code() == std::errc::connection_refused);
    CHECK(line.call(target, std::chrono::steady_clock::now() - 1ms).code() == weir::errc::deadline_exceeded);
}

TEST_CASE("dial: a host that is not trusted is not connected to")
{
    const tls_world world;
    const tls_world elsewhere;
    phone line;
    const std::size_t before = test::open_sockets();
    {
        test::tls_peer there(elsewhere.peer, 1, [](SSL*, int) {});
        dial_target target = tcp_target(there.port());
        target.tls.emplace(world.trusting());
        CHECK(line.call(target).code() == weir::errc::tls_failed);
    }
    CHECK(test::open_sockets() == before);
}

TEST_CASE("dial: a step that takes too long is told by name, and so is the deadline of the whole")
{
    // Of a look-up that never ends.
    struct gate {
        std::mutex mutex;
        std::condition_variable opened;
        bool open = false;
    };
    const auto closed = std::make_shared<gate>();
    const tls_world world;
    phone line;
    const test::black_hole silent(line.context);
    test::listener mute(line.context);
    resolver_options never = everything_is_here();
    never.lookup = [closed](const std::string&) {
        std::unique_lock lock(closed->mutex);
        closed->opened.wait(lock, [&] { return closed->open; });
        return std::vector{test::listener::loopback(false)};
    };
    resolver slow_names(never);
    dial_target target = tcp_target(mute.port());
    resolver* names = &line.names;
    std::string step;
    const dial_limits::duration brief{2};
    SUBCASE("resolve")
    {
        names = &slow_names;
        line.limits.resolve = brief;
        step = "resolve peer.test:";
    }
    SUBCASE("connect")
    {
        target.port = silent.endpoint().port();
        line.limits.connect = brief;
        step = "connect to peer.test:" + std::to_string(target.port) + ":";
    }
    SUBCASE("TLS")
    {
        target.tls.emplace(world.trusting());
        line.limits.tls = brief;
        step = "make a TLS connection to peer.test:" + std::to_string(target.port) + ":";
    }
    const std::size_t before = test::open_sockets();
    const auto slow = test::await(line.context, weir::as_result(dial(*names, target, line.limits, in_an_hour())));
    CHECK(slow.code() == weir::errc::connect_timeout);
    CHECK(slow.message().starts_with(step));
    line.limits = dial_limits{};
    const auto deadline = std::chrono::steady_clock::now() + 2ms;
    const auto late = test::await(line.context, weir::as_result(dial(*names, target, line.limits, deadline)));
    CHECK(late.code() == weir::errc::deadline_exceeded);
    CHECK(test::open_sockets() == before);
    const std::lock_guard lock(closed->mutex);
    closed->open = true;
    closed->opened.notify_all();
}

TEST_CASE("dial: cancelled after any number of steps it leaves no socket")
{
    const tls_world world;
    // Accepts whoever comes, and answers the hand-shake.
    struct service {
        service(asio::io_context& context, const tls_world& world)
            : listening(context), names(everything_is_here()), server(world.showing(world.peer))
        {}
        static asio::awaitable<void> serve(std::shared_ptr<service> self)
        {
            transport theirs(co_await self->listening.acceptor.async_accept(asio::use_awaitable));
            weir::net::tls_server_context server = self->server;
            const auto done = co_await weir::as_result(
                weir::net::secured(std::move(theirs), std::move(server), in_an_hour()));
        }
        test::listener listening;
        resolver names;
        weir::net::tls_server_context server;
        dial_target target;
        dial_limits limits;
    };
    test::await_all_steps([&](asio::io_context& context) {
        auto there = std::make_shared<service>(context, world);
        there->target = tcp_target(there->listening.port());
        there->target.tls.emplace(world.trusting());
        return [there, &context] {
            asio::co_spawn(context, service::serve(there), [](std::exception_ptr) {});
            return dial(there->names, there->target, there->limits, in_an_hour());
        };
    });
}

} // namespace
