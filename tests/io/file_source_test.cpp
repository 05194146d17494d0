// Files as sources: every way to read them, errors, cancellation.
#include "source_reading.hpp"

#include "support/seed.hpp"
#include "support/temp_dir.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
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
using test::read_all;
using test::ways;

void drop_cache(const std::string& path)
{
    const weir::file_handle file = weir::file_handle::open(path);
    ::fdatasync(file.descriptor());
    ::posix_fadvise(file.descriptor(), 0, 0, POSIX_FADV_DONTNEED);
}

TEST_CASE("file_source: gives the file whatever its size, the size of reads, and the way it is read")
{
    machine on;
    test::temp_dir dir;
    auto random = test::generator(1);
    for (const std::size_t size : {0u, 1u, 4095u, 4096u, 65'536u, 65'537u, 1'000'003u, 3'000'000u}) {
        const std::string text = pattern(size);
        const std::string path = dir.write("file", text);
        for (const weir::file_source_options& way : ways(on)) {
            CAPTURE(size);
            CAPTURE_WAY(way);
            const std::size_t max_bytes = 1 + random() % 400'000;
            CAPTURE(max_bytes);
            CHECK(content(on, weir::open_file(*on.engine, path, way), max_bytes) == text);
        }
    }
    CHECK(on.engine->pool().check());
    CHECK(on.engine->pool().statistics().in_use_bytes == 0);
}

TEST_CASE("file_source: what is not cached is read by the back end, and the rest by the worker")
{
    machine on;
    test::temp_dir dir;
    const std::string text = pattern(20'000'000);
    const std::string path = dir.write("file", text);
    for (const weir::backend backend : {weir::backend::auto_, weir::backend::threads}) {
        drop_cache(path);
        weir::file_source_options way;
        way.backend = backend;
        const weir::reader_statistics before = on.statistics();
        CHECK(content(on, weir::open_file(*on.engine, path, way)) == text);
        const weir::reader_statistics after = on.statistics();
        CHECK(after.bytes - before.bytes == text.size());
        CHECK(after.direct_reads > before.direct_reads);
    }
}

TEST_CASE("file_source: one block of memory is enough")
{
    machine on;
    test::temp_dir dir;
    const std::string text = pattern(700'001);
    const std::string path = dir.write("file", text);
    for (const weir::file_source_options& way : ways(on)) {
        CAPTURE_WAY(way);
        weir::reservation rest = on.reserve(on.engine->memory_bytes() / on.engine->block_bytes() - 1);
        CHECK(content(on, weir::open_file(*on.engine, path, way), 1 << 20, 1) == text);
    }
}

TEST_CASE("file_source: a miss at any place is made good by the back end")
{
    machine on;
    test::temp_dir dir;
    const std::string text = pattern(900'000);
    const std::string path = dir.write("file", text);
    auto random = test::generator(2);
    // The worker's reads miss at random; the back end's answers come through the same door, so they must be let in.
    faults missing([&, last = std::uint64_t(-1)](std::uint64_t offset, std::size_t size) mutable -> std::optional<long> {
        const bool again = std::exchange(last, offset) == offset;
        if (!again && random() % 2)
            return -EAGAIN;
        return random() % 2 ? std::optional<long>(1 + static_cast<long>(random() % size)) : std::nullopt;
    });
    weir::detail::scoped_faults install(missing);
    for (const weir::backend backend : {weir::backend::auto_, weir::backend::threads}) {
        weir::file_source_options way;
        way.backend = backend;
        CHECK(content(on, weir::open_file(*on.engine, path, way)) == text);
    }
}

TEST_CASE("file_source: a file system without reads that do not wait is read ahead by the back end")
{
    machine on;
    test::temp_dir dir;
    const std::string text = pattern(3'000'000);
    const std::string path = dir.write("file", text);
    for (const weir::backend backend : {weir::backend::auto_, weir::backend::threads}) {
        std::atomic<int> calls = 0;
        faults refusing([&](std::uint64_t, std::size_t) -> std::optional<long> {
            return calls++ == 0 ? std::optional<long>(-EOPNOTSUPP) : std::nullopt;
        });
        weir::detail::scoped_faults install(refusing);
        weir::file_source_options way;
        way.backend = backend;
        const auto by_back_end = [&] { return on.statistics().reads - on.statistics().direct_reads; };
        const std::uint64_t before = by_back_end();
        const std::unique_ptr<weir::source> file = weir::open_file(*on.engine, path, way);
        weir::reservation memory = on.reserve(12);
        weir::bytes first = asio::co_spawn(on.strand(), file->read(memory, 1000), asio::use_future).get();
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (by_back_end() < before + 3 && std::chrono::steady_clock::now() < limit)
            std::this_thread::yield();
        CHECK(by_back_end() >= before + 3); // nobody asked for these yet
        std::string all(reinterpret_cast<const char*>(first.begin()->data()), first.size());
        first = {};
        all += asio::co_spawn(on.strand(), read_all(*file, memory, 1 << 20), asio::use_future).get();
        CHECK(all == text);
    }
}

TEST_CASE("file_source: an error in mid-file comes after all that was read, with its place, and stays")
{
    machine on;
    test::temp_dir dir;
    const std::string path = dir.write("file", pattern(1'000'000));
    for (const weir::file_source_options& way : ways(on)) {
        if (way.backend == weir::backend::mmap)
            continue;
        CAPTURE_WAY(way);
        faults broken([](std::uint64_t offset, std::size_t) {
            return offset >= 524'288 ? std::optional<long>(-EIO) : std::nullopt;
        });
        weir::detail::scoped_faults install(broken);
        const std::unique_ptr<weir::source> from = weir::open_file(*on.engine, path, way);
        weir::reservation memory = on.reserve(12);
        std::size_t got = 0;
        const auto next = [&] {
            return asio::co_spawn(on.strand(), from->read(memory, 300'000), asio::use_future).get().size();
        };
        std::optional<std::uint64_t> offset;
        const auto read_to_failure = [&] {
            while (const std::size_t count = next())
                got += count;
        };
        CHECK(failure_of(read_to_failure, &offset) == std::errc::io_error);
        CHECK(got == 524'288);
        CHECK(offset == 524'288u);
        CHECK(failure_of([&] { next(); }) == std::errc::io_error);
    }
}

TEST_CASE("file_source: a map needs no descriptor of its own for a window, and is copied where no more can be guarded")
{
    weir::install_mapping_guard();
    machine on;
    test::temp_dir dir;
    const std::string text = pattern(5'000'000);
    const std::string path = dir.write("file", text);
    weir::file_source_options way;
    way.backend = weir::backend::mmap;
    const auto descriptors = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
    };
    {
        const std::unique_ptr<weir::source> from = weir::open_file(*on.engine, path, way);
        weir::reservation memory = on.reserve(80);
        const auto before = descriptors();
        weir::bytes all;
        while (all.size() < text.size())
            all.append(asio::co_spawn(on.strand(), from->read(memory, 100'000), asio::use_future).get());
        CHECK(descriptors() == before);
    }
    std::vector<weir::mapped_file> guarded;
    const weir::map_options page{.length = 1, .direct_access = true};
    const auto file = std::make_shared<const weir::file_handle>(weir::file_handle::open(path));
    const auto fill = [&] {
        for (;;)
            guarded.emplace_back(file, path, page);
    };
    REQUIRE(failure_of(fill) == weir::errc::exhausted);
    CHECK(content(on, weir::open_file(*on.engine, path, way)) == text);
}

TEST_CASE("file_source: where O_DIRECT is refused the cache is used, and the statistics say so")
{
    machine on;
    test::temp_dir dir;
    const std::string text = pattern(500'000);
    const std::string path = dir.write("file", text);
    weir::file_source_options way;
    way.direct = true;
    std::atomic<bool> first = true;
    faults refusing([&](std::uint64_t, std::size_t) {
        return first.exchange(false) ? std::optional<long>(-EINVAL) : std::nullopt;
    });
    weir::detail::scoped_faults install(refusing);
    CHECK(content(on, weir::open_file(*on.engine, path, way)) == text);
    CHECK(on.statistics().direct_refused == 1);
}

TEST_CASE("file_source: what cannot be opened says so with its path")
{
    machine on;
    test::temp_dir dir;
    const auto open = [&](const std::string& path) { return failure_of([&] { (void)weir::open_file(*on.engine, path); }); };
    CHECK(open(dir / "missing") == std::errc::no_such_file_or_directory);
    CHECK(open(dir.path()) == std::errc::is_a_directory);
}

TEST_CASE("file_source: an engine that ends takes a source with direct reads in flight along")
{
    test::temp_dir dir;
    const std::string path = dir.write("file", pattern(8 << 20));
    for (const weir::backend backend : {weir::backend::auto_, weir::backend::threads}) {
        machine on(std::size_t{256} << 10);
        weir::file_source_options way;
        way.direct = true;
        way.backend = backend;
        way.read_ahead_blocks = 16;
        auto read = [](std::unique_ptr<weir::source> from, weir::reservation memory) -> asio::awaitable<void> {
            while (true) {
                const weir::bytes got = co_await from->read(memory, std::size_t{256} << 10);
                if (got.empty())
                    break;
            }
        };
        asio::co_spawn(on.strand(), read(weir::open_file(*on.engine, path, way), on.reserve(20)),
                       [](std::exception_ptr) {});
        on.engine.reset();
    }
}

TEST_CASE("file_source: a cancelled read loses nothing")
{
    machine on;
    test::temp_dir dir;
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    const std::unique_ptr<weir::source> from = weir::open_file(*on.engine, dir / "fifo");
    weir::reservation memory = on.reserve(2);
    asio::cancellation_signal signal;
    auto strand = on.strand();
    std::promise<std::error_code> ended;
    const auto start = [&] {
        asio::co_spawn(strand, from->read(memory, 100),
                       asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr failure, weir::bytes) {
                           ended.set_value(weir::code_of(failure));
                       }));
    };
    asio::post(strand, start);
    // The writer opens when the reader is there; nothing is written, so the read waits.
    const weir::file_handle writer(::open((dir / "fifo").c_str(), O_WRONLY | O_CLOEXEC));
    asio::post(strand, [&] { signal.emit(asio::cancellation_type::terminal); });
    CHECK(ended.get_future().get() == weir::condition::cancelled);
    REQUIRE(::write(writer.descriptor(), "late", 4) == 4);
    CHECK(asio::co_spawn(strand, from->read(memory, 100), asio::use_future).get().size() == 4);
}

TEST_CASE("file_source: a read that is cancelled before its start takes no memory and loses nothing")
{
    machine on;
    test::temp_dir dir;
    const std::string text = pattern(300'000);
    const std::string path = dir.write("file", text);
    for (const weir::file_source_options& way : ways(on)) {
        CAPTURE_WAY(way);
        const std::unique_ptr<weir::source> from = weir::open_file(*on.engine, path, way);
        weir::reservation memory = on.reserve(8);
        CHECK(cancelled_before_its_start(on, *from, memory) == weir::condition::cancelled);
        CHECK(memory.free_blocks() == memory.blocks());
        CHECK(asio::co_spawn(on.strand(), read_all(*from, memory, 1 << 20), asio::use_future).get() == text);
    }
    CHECK(on.engine->pool().check());
}

} // namespace
