#include "block_io.hpp"

#include "output.hpp"

#include <weir/file_handle.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <string>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace {

struct pipe_ends {
    explicit pipe_ends(int flags = 0)
    {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), flags) == 0);
        in = weir::file_handle(ends[0]);
        out = weir::file_handle(ends[1]);
    }

    weir::file_handle in;
    weir::file_handle out;
};

std::string content(std::size_t size)
{
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>(i * 31 + (i >> 9));
    return text;
}

void write_in_pieces(tool::block_writer& out, std::string_view text, std::size_t piece, bool flushes)
{
    while (!text.empty()) {
        const std::span<std::byte> room = out.room();
        const std::size_t count = std::min({piece, room.size(), text.size()});
        std::ranges::copy(std::as_bytes(std::span(text.substr(0, count))), room.begin());
        out.commit(count);
        text.remove_prefix(count);
        if (flushes)
            out.flush();
    }
    out.finish();
}

std::string read_all(int descriptor)
{
    tool::block_reader in(descriptor, "pipe");
    std::string out(std::size_t{8} << 20, '\0');
    return out.substr(0, in.read(std::as_writable_bytes(std::span(out)), out.size()).size());
}

/// While it lives there are no more threads.
struct no_threads {
    no_threads() noexcept { refused = true; }
    no_threads(const no_threads&) = delete;
    no_threads& operator=(const no_threads&) = delete;
    ~no_threads() { refused = false; }

    static inline std::atomic<bool> refused = false;
};

} // namespace

/// In front of the C library's, for all of this program.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*work)(void*), void* argument)
{
    using signature = int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    static auto* const real = reinterpret_cast<signature*>(::dlsym(RTLD_NEXT, "pthread_create"));
    return no_threads::refused ? EAGAIN : real(thread, attributes, work, argument);
}

TEST_CASE("block writer: everything comes in order, in whatever pieces, with a reader that lags behind")
{
    const std::string text = content(3'000'001);
    for (const std::size_t piece : {std::size_t{1000}, std::size_t{100'000}, std::size_t{2'000'000}}) {
        for (const bool flushes : {false, true}) {
            for (const int flags : {0, int{O_NONBLOCK}}) {
                pipe_ends ends(flags);
                std::string seen;
                std::thread reader([&] { seen = read_all(ends.in.descriptor()); });
                tool::block_writer out(ends.out.descriptor(), "pipe");
                write_in_pieces(out, text, piece, flushes);
                ends.out.close();
                reader.join();
                CHECK(seen == text);
            }
        }
    }
}

TEST_CASE("block writer: what a write reports is thrown, and the rest dropped")
{
    const weir::file_handle full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    REQUIRE(full);
    for (const std::size_t size : {std::size_t{10}, std::size_t{5'000'000}}) {
        tool::block_writer out(full.descriptor(), "name");
        CHECK_THROWS_WITH_AS(write_in_pieces(out, content(size), 100'000, false), "write name: no space left on device",
                             tool::output_error);
    }
}

TEST_CASE("block writer: where there are no more threads it writes by itself")
{
    const std::string text = content(3'000'001);
    pipe_ends ends;
    std::string seen;
    std::thread reader([&] { seen = read_all(ends.in.descriptor()); });
    {
        const no_threads from_here;
        CHECK_THROWS_AS(std::thread([] {}), std::system_error);
        tool::block_writer out(ends.out.descriptor(), "pipe");
        write_in_pieces(out, text, 100'000, false);
        const weir::file_handle full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
        tool::block_writer failing(full.descriptor(), "name");
        CHECK_THROWS_AS(write_in_pieces(failing, text, 100'000, false), tool::output_error);
    }
    ends.out.close();
    reader.join();
    CHECK(seen == text);
}

TEST_CASE("block writer: nowhere takes everything")
{
    tool::block_writer out(tool::block_writer::nowhere, "");
    write_in_pieces(out, content(5'000'000), 400'000, true);
}

TEST_CASE("block reader: gives at least what is asked for, and less only at the end")
{
    pipe_ends ends;
    REQUIRE(::write(ends.out.descriptor(), "abcdef", 6) == 6);
    tool::block_reader in(ends.in.descriptor(), "pipe");
    std::array<std::byte, 4> room;
    CHECK(in.read(room, 1).size() == 4);
    ends.out.close();
    CHECK(in.read(room, 4).size() == 2);
    CHECK(in.read(room, 4).empty());
}

TEST_CASE("block reader: what a read reports has the name and the offset")
{
    const weir::file_handle folder = weir::file_handle::open(".");
    tool::block_reader in(folder.descriptor(), "folder");
    std::array<std::byte, 4> room;
    CHECK_THROWS_WITH(in.read(room, 1), "read folder at 0: is a directory");
}
