#include "files/descriptor_watch.hpp"

#include <weir/file_handle.hpp>

#include "support/temp_dir.hpp"

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <fcntl.h>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>

namespace descriptor_watch_test {
namespace {

namespace asio = boost::asio;
using weir::detail::descriptor_watch;
using event = descriptor_watch::event;

struct ends {
    weir::file_handle reader, writer;
};

ends make_pipe()
{
    int both[2];
    REQUIRE(::pipe2(both, O_CLOEXEC) == 0);
    return {weir::file_handle(both[0]), weir::file_handle(both[1])};
}

ends make_sockets()
{
    int both[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both) == 0);
    return {weir::file_handle(both[0]), weir::file_handle(both[1])};
}

bool waits(const weir::file_handle& file) { return (::fcntl(file.descriptor(), F_GETFL) & O_NONBLOCK) == 0; }

struct waiting {
    waiting(const weir::file_handle& file, event what)
    {
        std::error_code failure;
        watch.emplace(loop.get_executor(), file.descriptor(), what, failure);
        REQUIRE(!failure);
    }
    void start()
    {
        outcome.reset();
        watch->async_wait([this](boost::system::error_code how) { outcome = how; });
    }
    bool is_over()
    {
        loop.restart();
        loop.poll();
        return outcome.has_value();
    }
    asio::io_context loop;
    std::optional<descriptor_watch> watch;
    std::optional<boost::system::error_code> outcome;
};

TEST_CASE("descriptor_watch: tells of each byte and of the end, and the open file keeps its mode")
{
    for (const bool socket : {false, true}) {
        CAPTURE(socket);
        ends through = socket ? make_sockets() : make_pipe();
        waiting on(through.reader, event::readable);
        for (int i = 0; i < 3; ++i) {
            on.start();
            CHECK_FALSE(on.is_over());
            CHECK(waits(through.reader));
            REQUIRE(::write(through.writer.descriptor(), "x", 1) == 1);
            REQUIRE(on.is_over());
            CHECK_FALSE(*on.outcome);
            on.start(); // nobody has read it yet
            CHECK(on.is_over());
            char read = 0;
            REQUIRE(::read(through.reader.descriptor(), &read, 1) == 1);
        }
        on.start();
        CHECK_FALSE(on.is_over());
        through.writer.close();
        CHECK(on.is_over());
        on.watch.reset();
        CHECK(waits(through.reader));
    }
}

TEST_CASE("descriptor_watch: tells of room, and of a reader that went away")
{
    ends through = make_pipe();
    waiting on(through.writer, event::writable);
    on.start();
    CHECK(on.is_over());
    REQUIRE(::fcntl(through.writer.descriptor(), F_SETFL, O_NONBLOCK) == 0);
    char block[4096] = {};
    while (::write(through.writer.descriptor(), block, sizeof block) > 0) {
    }
    REQUIRE(::fcntl(through.writer.descriptor(), F_SETFL, 0) == 0);
    on.start();
    CHECK_FALSE(on.is_over());
    CHECK(waits(through.writer));
    REQUIRE(::read(through.reader.descriptor(), block, sizeof block) > 0);
    CHECK(on.is_over());
    REQUIRE(::write(through.writer.descriptor(), block, sizeof block) > 0);
    on.start();
    CHECK_FALSE(on.is_over());
    through.reader.close();
    CHECK(on.is_over());
}

TEST_CASE("descriptor_watch: a wait ends when it is cancelled, and with its watch")
{
    const ends through = make_pipe();
    waiting on(through.reader, event::readable);
    on.start();
    CHECK_FALSE(on.is_over());
    on.watch->cancel();
    REQUIRE(on.is_over());
    CHECK(*on.outcome == asio::error::operation_aborted);
    on.start();
    CHECK_FALSE(on.is_over());
    on.watch.reset();
    REQUIRE(on.is_over());
    CHECK(*on.outcome == asio::error::operation_aborted);
}

TEST_CASE("descriptor_watch: what nobody waits at is refused")
{
    const test::temp_dir dir;
    const weir::file_handle file = weir::file_handle::open(dir.write("file", "content"));
    asio::io_context loop;
    std::error_code failure;
    const descriptor_watch none(loop.get_executor(), file.descriptor(), event::readable, failure);
    CHECK(failure == std::errc::operation_not_permitted);
    const descriptor_watch closed(loop.get_executor(), -1, event::readable, failure);
    CHECK(failure == std::errc::bad_file_descriptor);
}

} // namespace
} // namespace descriptor_watch_test
