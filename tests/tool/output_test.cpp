#include "output.hpp"

#include "progress_display.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <csignal>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace output_test {
namespace {
namespace asio = boost::asio;

/// Both ends of a pipe; the reading one does not wait.
struct pipe_ends {
    pipe_ends()
    {
        REQUIRE(::pipe(ends) == 0);
        REQUIRE(::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    }
    ~pipe_ends()
    {
        close_reader();
        ::close(ends[1]);
    }
    void close_reader()
    {
        if (ends[0] >= 0)
            ::close(std::exchange(ends[0], -1));
    }
    std::string read()
    {
        std::string all(1 << 20, '\0');
        const ssize_t count = ::read(ends[0], all.data(), all.size());
        all.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        return all;
    }
    int ends[2];
};

void rethrow(const std::exception_ptr& failure)
{
    if (failure)
        std::rethrow_exception(failure);
}

asio::awaitable<void> print_lines(tool::output& out, int count, bool& ended)
{
    for (int i = 0; i < count; ++i) {
        out.lines() += "line " + std::to_string(i) + "\n";
        out.appended();
        co_await out.room();
    }
    co_await out.drain();
    out.stop();
    ended = true;
}

TEST_CASE("output: every line arrives, in order, however slow the reader is")
{
    asio::io_context context;
    pipe_ends pipe;
    tool::output out(context.get_executor(), pipe.ends[1], [] {});
    bool ended = false;
    asio::co_spawn(context, out.run(), rethrow);
    asio::co_spawn(context, print_lines(out, 100'000, ended), rethrow);
    std::string received;
    while (!ended) {
        context.run_one();
        received += pipe.read();
    }
    context.run();
    received += pipe.read();
    std::string expected;
    for (int i = 0; i < 100'000; ++i)
        expected += "line " + std::to_string(i) + "\n";
    CHECK(received == expected);
}

TEST_CASE("output: who prints more than the reader takes waits")
{
    asio::io_context context;
    pipe_ends pipe;
    tool::output out(context.get_executor(), pipe.ends[1], [] {});
    bool ended = false;
    asio::co_spawn(context, out.run(), rethrow);
    asio::co_spawn(context, print_lines(out, 100'000, ended), rethrow);
    for (int i = 0; i < 1000; ++i) // far more than it could use
        context.poll();
    CHECK_FALSE(ended);
    CHECK(out.lines().size() < (300 << 10));
}

TEST_CASE("output: a line is written soon although nothing follows it")
{
    asio::io_context context;
    pipe_ends pipe;
    tool::output out(context.get_executor(), pipe.ends[1], [] {});
    asio::co_spawn(context, out.run(), rethrow);
    for (const std::string line : {"first\n", "second\n", "third\n"}) {
        out.lines() += line;
        out.appended();
        std::string received;
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (received.empty() && std::chrono::steady_clock::now() < limit) {
            context.run_one_for(std::chrono::seconds(1));
            received = pipe.read();
        }
        CHECK(received == line);
    }
}

TEST_CASE("output: a reader that went away is told once, and to everyone who waits")
{
    asio::io_context context;
    pipe_ends pipe;
    int failures = 0;
    tool::output out(context.get_executor(), pipe.ends[1], [&] { ++failures; });
    bool ended = false;
    std::exception_ptr seen;
    asio::co_spawn(context, out.run(), rethrow);
    asio::co_spawn(context, print_lines(out, 100'000, ended), [&](const std::exception_ptr& failure) {
        seen = failure;
        out.stop();
    });
    std::signal(SIGPIPE, SIG_IGN); // as the command does
    pipe.close_reader();
    context.run();
    CHECK(failures == 1);
    CHECK_FALSE(ended);
    CHECK_THROWS_AS(rethrow(seen), tool::output_error);
    CHECK(out.failure() == std::errc::broken_pipe);
}

TEST_CASE("output: what there is room for is written at once, the rest in its order, and the pipe keeps its mode")
{
    asio::io_context context;
    pipe_ends pipe;
    tool::output out(context.get_executor(), pipe.ends[1], [] {});
    asio::co_spawn(context, out.run(), rethrow);
    out.lines() += "at once\n";
    out.write_now();
    CHECK(out.is_idle());
    CHECK(pipe.read() == "at once\n");
    std::string expected;
    while (expected.size() < 200'000) {
        const std::string line = "line " + std::to_string(expected.size()) + "\n";
        out.lines() += line;
        out.write_now();
        out.appended();
        expected += line;
    }
    CHECK_FALSE(out.is_idle());
    CHECK((::fcntl(pipe.ends[1], F_GETFL) & O_NONBLOCK) == 0);
    std::string received = pipe.read();
    while (!out.is_idle()) {
        context.run_one();
        received += pipe.read();
    }
    CHECK(received == expected);
    CHECK((::fcntl(pipe.ends[1], F_GETFL) & O_NONBLOCK) == 0);
    out.stop();
    context.run();
}

TEST_CASE("progress line: share and time left where they are known, never wider than asked")
{
    weir::progress_snapshot snapshot;
    snapshot.stages.push_back({.name = "read", .done = 3 << 20, .total = {}, .share = {}, .rate = 1 << 20});
    snapshot.elapsed = std::chrono::seconds(3);
    CHECK(tool::progress_line(snapshot, 7, 100) == "3 MiB  1 MiB/s  7 files  0:03");
    snapshot.stages[0].total = 12 << 20;
    snapshot.share = 0.25;
    snapshot.left = std::chrono::seconds(3700);
    CHECK(tool::progress_line(snapshot, 7, 100)
          == "[######..................]  25%  3 MiB of 12 MiB  1 MiB/s  7 files  0:03  ETA 1:01:40");
    CHECK(tool::progress_line(snapshot, 1, 79)
          == "[####...............]  25%  3 MiB of 12 MiB  1 MiB/s  1 file  0:03  ETA 1:01:40");
    CHECK(tool::progress_line(snapshot, 7, 60) == " 25%  3 MiB of 12 MiB  1 MiB/s  7 files  0:03  ETA 1:01:40");
    CHECK(tool::progress_line(snapshot, 7, 53) == " 25%  3 MiB of 12 MiB  1 MiB/s  7 files  ETA 1:01:40");
    CHECK(tool::progress_line(snapshot, 7, 50) == "[#...]  25%  3 MiB of 12 MiB  1 MiB/s  ETA 1:01:40");
    CHECK(tool::progress_line(snapshot, 7, 40) == " 25%  3 MiB of 12 MiB  ETA 1:01:40");
    CHECK(tool::progress_line(snapshot, 7, 30) == "[#.....]  25%  3 MiB of 12 MiB");
    CHECK(tool::progress_line(snapshot, 7, 12) == " 25%  3 MiB");
}

} // namespace
} // namespace output_test
