#include "body_output.hpp"

#include "output.hpp"

#include <weir/buffer_pool.hpp>
#include <weir/worker_pool.hpp>

#include "support/coroutine.hpp"
#include "support/files.hpp"
#include "support/run.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace body_output_test {
namespace {

namespace asio = boost::asio;

/// A descriptor to write to, and one to read from without waiting.
struct ends {
    ~ends()
    {
        close_reader();
        ::close(writer);
    }
    void close_reader()
    {
        if (reader >= 0)
            ::close(std::exchange(reader, -1));
    }
    std::string read()
    {
        std::string some(1 << 20, '\0');
        const ssize_t count = ::read(reader, some.data(), some.size());
        some.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        return some;
    }
    int reader = -1;
    int writer = -1;
};

struct pipe_ends : ends {
    pipe_ends()
    {
        int both[2];
        REQUIRE(::pipe(both) == 0);
        reader = both[0];
        writer = both[1];
        REQUIRE(::fcntl(reader, F_SETFL, O_NONBLOCK) == 0);
    }
};

struct socket_ends : ends {
    socket_ends()
    {
        int both[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
        reader = both[0];
        writer = both[1];
        REQUIRE(::fcntl(reader, F_SETFL, O_NONBLOCK) == 0);
    }
};

/// Content in many slices of several blocks.
struct content {
    explicit content(std::size_t size) : expected(size, '\0')
    {
        const auto random = test::random_bytes(size, 7);
        std::memcpy(expected.data(), random.data(), size);
        for (std::size_t at = 0; at < size; at += 10'000) {
            weir::buffer block = pool.acquire_now(10'000);
            const std::size_t count = std::min<std::size_t>(10'000, size - at);
            std::memcpy(block.spare().data(), random.data() + at, count);
            block.commit(count);
            bytes.append(std::move(block).freeze());
        }
    }
    weir::buffer_pool pool;
    weir::bytes bytes;
    std::string expected;
};

struct bench {
    asio::io_context context;
    weir::worker_pool workers{[] {
        weir::worker_options one;
        one.threads = 1;
        return one;
    }()};
    tool::body_output to(int descriptor)
    {
        return {context.get_executor(), workers.executor(), descriptor, "standard output"};
    }
};

std::string all_that_comes(bench& on, ends& through, const content& sent)
{
    tool::body_output out = on.to(through.writer);
    test::task<void> writing(on.context.get_executor(), out.write(sent.bytes));
    std::string received;
    while (!writing.done()) {
        on.context.poll();
        on.context.restart();
        received += through.read();
    }
    writing.outcome().value();
    return received + through.read();
}

TEST_CASE("body output: all comes, in order, through a pipe and through a socket")
{
    const content sent(3'000'000);
    bench on;
    pipe_ends pipe;
    CHECK(all_that_comes(on, pipe, sent) == sent.expected);
    socket_ends socket;
    CHECK(all_that_comes(on, socket, sent) == sent.expected);
    CHECK((::fcntl(pipe.writer, F_GETFL) & O_NONBLOCK) == 0);
    CHECK((::fcntl(socket.writer, F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("body output: a pipe keeps its mode, and a reader that sleeps does not keep the loop")
{
    const content sent(1'000'000);
    bench on;
    pipe_ends pipe;
    tool::body_output out = on.to(pipe.writer);
    test::task<void> writing(on.context.get_executor(), out.write(sent.bytes));
    for (int i = 0; i < 100; ++i) // far more than it could use
        on.context.poll();
    CHECK_FALSE(writing.done());
    CHECK((::fcntl(pipe.writer, F_GETFL) & O_NONBLOCK) == 0);
    writing.cancel();
    on.context.run();
    CHECK(writing.done());
    CHECK(writing.outcome().code() == weir::condition::cancelled);
}

TEST_CASE("body output: a reader that went away is the error of the write")
{
    const content sent(1'000'000);
    std::signal(SIGPIPE, SIG_IGN); // as the command does
    bench on;
    pipe_ends pipe;
    pipe.close_reader();
    CHECK_THROWS_AS(test::run(on.context, on.to(pipe.writer).write(sent.bytes)), tool::output_error);
    socket_ends socket;
    socket.close_reader();
    CHECK_THROWS_AS(test::run(on.context, on.to(socket.writer).write(sent.bytes)), tool::output_error);
}

TEST_CASE("body output: a file is written behind what others have written")
{
    const content sent(2'000'000);
    const test::temp_dir directory;
    const std::string path = directory.write("file", "");
    const int file = ::open(path.c_str(), O_WRONLY);
    REQUIRE(::write(file, "before", 6) == 6);
    bench on;
    tool::body_output out = on.to(file);
    test::run(on.context, out.write(sent.bytes));
    test::run(on.context, out.write(weir::bytes()));
    ::close(file);
    CHECK(test::content_of(path) == "before" + sent.expected);
}

TEST_CASE("body output: a full device is the error of the write")
{
    const content sent(10);
    bench on;
    const int full = ::open("/dev/full", O_WRONLY);
    CHECK_THROWS_AS(test::run(on.context, on.to(full).write(sent.bytes)), tool::output_error);
    ::close(full);
}

} // namespace
} // namespace body_output_test
