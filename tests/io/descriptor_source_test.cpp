// What somebody else has opened: pipes, sockets, devices, and files at a position.
#include "source_reading.hpp"

#include "support/temp_dir.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using test::cancelled_before_its_start;
using test::content;
using test::failure_of;
using test::faults;
using test::machine;
using test::pattern;
using test::pipe_ends;
using test::read_all;
using test::ways;

TEST_CASE("descriptor_source: a pipe is read to its end, in blocks however small the writes are")
{
    machine on(std::size_t{16} << 10);
    const std::string text = pattern(200'000);
    pipe_ends pipe;
    std::unique_ptr<weir::source> from = weir::open_descriptor(*on.engine, pipe.read.descriptor(), "-");
    std::thread writer([&] {
        for (std::size_t i = 0; i < text.size();) {
            const std::size_t count = i < 20'000 ? 1 : std::min<std::size_t>(7777, text.size() - i);
            i += static_cast<std::size_t>(::write(pipe.write.descriptor(), text.data() + i, count));
        }
        pipe.write.close();
    });
    // All is kept until the end: 1-byte reads that took a block each would need 20,000 of them.
    const auto keep = [](weir::source& source, weir::reservation& memory) -> asio::awaitable<weir::bytes> {
        weir::bytes all;
        while (true) {
            weir::bytes got = co_await source.read(memory, 1 << 20);
            if (got.empty())
                break;
            all.append(std::move(got));
        }
        co_return all;
    };
    weir::reservation memory = on.reserve(13);
    const weir::bytes all = asio::co_spawn(on.strand(), keep(*from, memory), asio::use_future).get();
    writer.join();
    CHECK(all.slice_count() == 13);
    const std::vector<std::byte> copy = all.copy_out();
    CHECK(std::string(reinterpret_cast<const char*>(copy.data()), copy.size()) == text);
}

TEST_CASE("descriptor_source: a FIFO without a writer waits for one")
{
    machine on;
    test::temp_dir dir;
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    std::unique_ptr<weir::source> from = weir::open_file(*on.engine, dir / "fifo");
    std::thread writer([&] {
        const weir::file_handle end(::open((dir / "fifo").c_str(), O_WRONLY | O_CLOEXEC));
        [[maybe_unused]] const auto written = ::write(end.descriptor(), "hello", 5);
    });
    CHECK(content(on, std::move(from)) == "hello");
    writer.join();
}

TEST_CASE("descriptor_source: sockets and devices are read, and their mode is left alone")
{
    machine on;
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const weir::file_handle here(ends[0]);
    weir::file_handle there(ends[1]);
    REQUIRE(::write(there.descriptor(), "hello", 5) == 5);
    there.close();
    CHECK(content(on, weir::open_descriptor(*on.engine, here.descriptor(), "socket")) == "hello");
    CHECK((::fcntl(here.descriptor(), F_GETFL) & O_NONBLOCK) == 0);

    const std::unique_ptr<weir::source> zeros = weir::open_file(*on.engine, "/dev/zero");
    weir::reservation memory = on.reserve(4);
    const weir::bytes some = asio::co_spawn(on.strand(), zeros->read(memory, 100'000), asio::use_future).get();
    CHECK(some.size() == 100'000);
    CHECK(content(on, weir::open_file(*on.engine, "/dev/null")).empty());
}

TEST_CASE("descriptor_source: a regular file is read from its position, which others keep")
{
    machine on;
    test::temp_dir dir;
    const std::string text = pattern(100'000);
    const weir::file_handle file = weir::file_handle::open(dir.write("file", text));
    REQUIRE(::lseek(file.descriptor(), 777, SEEK_SET) == 777);
    for (const weir::file_source_options& way : ways(on)) {
        CAPTURE_WAY(way);
        std::unique_ptr<weir::source> from = weir::open_descriptor(*on.engine, file.descriptor(), "-", way);
        CHECK(from->size() == text.size() - 777);
        CHECK(content(on, std::move(from)) == text.substr(777));
        CHECK(::lseek(file.descriptor(), 0, SEEK_CUR) == 777);
    }
}

TEST_CASE("descriptor_source: a read that is cancelled before its start takes no memory and loses nothing")
{
    machine on;
    pipe_ends pipe;
    REQUIRE(::write(pipe.write.descriptor(), "0123456789", 10) == 10);
    const std::unique_ptr<weir::source> from = weir::open_descriptor(*on.engine, pipe.read.descriptor(), "-");
    weir::reservation memory = on.reserve(2);
    CHECK(cancelled_before_its_start(on, *from, memory) == weir::condition::cancelled);
    CHECK(memory.free_blocks() == memory.blocks());
    pipe.write.close();
    CHECK(asio::co_spawn(on.strand(), read_all(*from, memory, 100), asio::use_future).get() == "0123456789");
}

TEST_CASE("descriptor_source: an error comes after all that was read")
{
    machine on;
    pipe_ends pipe;
    REQUIRE(::write(pipe.write.descriptor(), "0123456789", 10) == 10);
    faults broken([](std::uint64_t offset, std::size_t) {
        return offset == 0 ? std::optional<long>(4) : std::optional<long>(-EIO);
    });
    weir::detail::scoped_faults install(broken);
    const std::unique_ptr<weir::source> from = weir::open_descriptor(*on.engine, pipe.read.descriptor(), "-");
    weir::reservation memory = on.reserve(1);
    const auto next = [&] { return asio::co_spawn(on.strand(), from->read(memory, 100), asio::use_future).get().size(); };
    CHECK(next() == 4);
    CHECK(failure_of([&] { next(); }) == std::errc::io_error);
}

} // namespace
