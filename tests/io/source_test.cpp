// Files, pipes and maps as sources, read by a coroutine on a worker as a flow reads them.
#include <weir/file_source.hpp>
#include <weir/mapped_file.hpp>
#include <weir/reading.hpp>

#include "machine.hpp"

#include "files/fault_injection.hpp"
#include "support/seed.hpp"
#include "support/temp_dir.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace source_test {
namespace {

namespace asio = boost::asio;
using test::machine;

std::string pattern(std::size_t size)
{
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>(i * 131 + i / 257 + i / 65'539);
    return text;
}

asio::awaitable<std::string> read_all(weir::source& from, weir::reservation& memory, std::size_t max_bytes)
{
    std::string all;
    while (true) {
        const weir::bytes got = co_await from.read(memory, max_bytes);
        if (got.size() > max_bytes)
            throw std::logic_error("more than was asked for");
        if (got.empty())
            break;
        for (const weir::slice& part : got)
            all.append(reinterpret_cast<const char*>(part.data()), part.size());
    }
    const weir::bytes after = co_await from.read(memory, max_bytes);
    if (!after.empty())
        throw std::logic_error("something behind the end");
    co_await from.close();
    co_await from.close();
    co_return all;
}

std::string content(machine& on, std::unique_ptr<weir::source> from, std::size_t max_bytes = 1 << 20,
                    std::size_t blocks = 4)
{
    weir::reservation memory = on.reserve(blocks);
    return asio::co_spawn(on.strand(), read_all(*from, memory, max_bytes), asio::use_future).get();
}

template <class Call> std::error_code failure_of(Call call, std::optional<std::uint64_t>* offset = nullptr)
{
    try {
        call();
    }
    catch (const weir::error& failure) {
        if (offset)
            *offset = failure.offset();
        return failure.code();
    }
    return {};
}

std::vector<weir::file_source_options> ways(machine& on)
{
    weir::install_mapping_guard();
    std::vector<weir::file_source_options> all(1);
    for (const weir::backend backend : {weir::backend::threads, weir::backend::uring, weir::backend::mmap}) {
        for (const bool direct : {false, true}) {
            weir::file_source_options options;
            options.backend = backend;
            options.direct = direct;
            if (backend == weir::backend::mmap && direct)
                continue;
            if (!failure_of([&] { weir::resolve_backend(on.context.get_executor(), backend); }))
                all.push_back(options);
        }
    }
    return all;
}

#define CAPTURE_WAY(way) \
    CAPTURE(to_string((way).backend)); \
    CAPTURE((way).direct)

class faults final : public weir::detail::fault_injector {
public:
    explicit faults(std::function<std::optional<long>(std::uint64_t, std::size_t)> answer) : answer_(std::move(answer)) {}
    std::optional<long> on_read(int, std::uint64_t offset, std::size_t size) override
    {
        std::lock_guard lock(mutex_);
        return answer_(offset, size);
    }

private:
    std::mutex mutex_;
    std::function<std::optional<long>(std::uint64_t, std::size_t)> answer_;
};

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

TEST_CASE("file_source: a file that shrinks is an error that says where its end is")
{
    machine on;
    test::temp_dir dir;
    for (const weir::file_source_options& way : ways(on)) {
        CAPTURE_WAY(way);
        const std::string path = dir.write("file", pattern(1'000'000));
        std::unique_ptr<weir::source> from = weir::open_file(*on.engine, path, way);
        std::filesystem::resize_file(path, 200'000);
        std::optional<std::uint64_t> offset;
        const std::error_code failure = failure_of([&] { content(on, std::move(from)); }, &offset);
        const bool mapped = way.backend == weir::backend::mmap;
        CHECK(failure == (mapped ? weir::errc::mapping_broken : weir::errc::file_shrank));
        if (!mapped)
            CHECK(offset == 200'000u);
    }
}

TEST_CASE("file_source: a file that grows is read to what is there when its first end is reached")
{
    machine on;
    test::temp_dir dir;
    for (const weir::file_source_options& way : ways(on)) {
        CAPTURE_WAY(way);
        const std::string path = dir.write("file", pattern(300'000));
        std::unique_ptr<weir::source> from = weir::open_file(*on.engine, path, way);
        dir.write("file", pattern(500'001));
        CHECK(from->size() == 300'000u);
        CHECK(content(on, std::move(from)) == pattern(500'001));
    }
}

TEST_CASE("file_source: a truncation under a map is seen at the end at the latest, when the memory was given back")
{
    weir::install_mapping_guard();
    machine on;
    test::temp_dir dir;
    const std::string path = dir.write("file", pattern(300'000));
    weir::file_source_options way;
    way.backend = weir::backend::mmap;
    const std::unique_ptr<weir::source> from = weir::open_file(*on.engine, path, way);
    weir::reservation memory = on.reserve(8);
    weir::bytes seen = asio::co_spawn(on.strand(), from->read(memory, 1 << 20), asio::use_future).get();
    CHECK(seen.size() == 300'000);
    std::filesystem::resize_file(path, 0);
    CHECK(seen.begin()->data()[299'999] == std::byte(0));
    const auto close = [&] { asio::co_spawn(on.strand(), from->close(), asio::use_future).get(); };
    CHECK(failure_of(close) == weir::errc::mapping_broken);
    seen.clear();
    CHECK(failure_of(close) == weir::errc::mapping_broken);
}

TEST_CASE("file_source: a truncation under a map counts only where it was seen while a slice was in use")
{
    weir::install_mapping_guard();
    machine on;
    test::temp_dir dir;
    weir::file_source_options way;
    way.backend = weir::backend::mmap;
    for (const bool still_in_use : {false, true}) {
        CAPTURE(still_in_use);
        const std::string path = dir.write("file", pattern(300'000));
        const std::unique_ptr<weir::source> from = weir::open_file(*on.engine, path, way);
        weir::reservation memory = on.reserve(8);
        weir::bytes seen = asio::co_spawn(on.strand(), from->read(memory, 1 << 20), asio::use_future).get();
        REQUIRE(seen.size() == 300'000);
        if (!still_in_use)
            seen.clear();
        std::filesystem::resize_file(path, 299'999); // within the last page: no signal says it
        const auto close = [&] { asio::co_spawn(on.strand(), from->close(), asio::use_future).get(); };
        CHECK(failure_of(close) == (still_in_use ? weir::errc::mapping_broken : std::error_code()));
    }
}

TEST_CASE("file_source: holes are given without reading, and memory does not grow with them")
{
    machine on;
    test::temp_dir dir;
    constexpr std::uint64_t size = std::uint64_t{20} << 30;
    const std::string path = dir.write("file", "head");
    {
        const weir::file_handle file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        REQUIRE(::pwrite(file.descriptor(), "middle", 6, std::int64_t{7} << 30) == 6);
        REQUIRE(::ftruncate(file.descriptor(), size) == 0);
    }
    if (weir::file_handle::open(path).info().allocated_bytes > 1 << 20) {
        MESSAGE("no sparse files here");
        return;
    }
    const auto count = [](weir::source& from, weir::reservation& memory) -> asio::awaitable<std::uint64_t> {
        std::uint64_t total = 0;
        int found = 0;
        while (true) {
            const weir::bytes got = co_await from.read(memory, std::size_t{64} << 20);
            if (got.empty())
                break;
            for (const weir::slice& part : got)
                found += part.size() > 5 && std::memcmp(part.data(), "middle", 6) == 0;
            total += got.size();
        }
        CHECK(found == 1);
        co_return total;
    };
    for (const weir::file_source_options& way : ways(on)) {
        CAPTURE_WAY(way);
        const std::uint64_t read_before = on.statistics().bytes;
        const std::unique_ptr<weir::source> from = weir::open_file(*on.engine, path, way);
        weir::reservation memory = on.reserve(12);
        CHECK(asio::co_spawn(on.strand(), count(*from, memory), asio::use_future).get() == size);
        CHECK(on.statistics().bytes - read_before < 1 << 20);
    }
}

TEST_CASE("file_source: a hole that is truncated away is a file that shrank")
{
    machine on;
    test::temp_dir dir;
    const std::string path = dir.write("file", "head");
    std::filesystem::resize_file(path, 10'000'000);
    std::unique_ptr<weir::source> from = weir::open_file(*on.engine, path);
    std::filesystem::resize_file(path, 1'000'000);
    std::optional<std::uint64_t> offset;
    CHECK(failure_of([&] { content(on, std::move(from)); }, &offset) == weir::errc::file_shrank);
    CHECK(offset == 1'000'000u);
}

TEST_CASE("file_source: a sparse file that shrinks or is written to while its holes are given is found out")
{
    machine on;
    test::temp_dir dir;
    constexpr std::size_t hole = std::size_t{100} << 20; // more than is believed at a time
    const std::vector<std::byte> zeros(1 << 20);
    const auto zeros_then = [&](const weir::file_source_options& way, auto change) {
        const std::string path = dir.write("file", "");
        std::filesystem::resize_file(path, hole);
        std::unique_ptr<weir::source> from = weir::open_file(*on.engine, path, way);
        weir::reservation memory = on.reserve(8);
        CHECK(asio::co_spawn(on.strand(), from->read(memory, 1 << 20), asio::use_future).get().size() == 1 << 20);
        change(path);
        std::size_t other_than_zero = 0;
        const auto rest = [&]() -> asio::awaitable<void> {
            for (;;) {
                const weir::bytes got = co_await from->read(memory, 1 << 20);
                if (got.empty())
                    break;
                for (const weir::slice& part : got)
                    if (std::memcmp(part.data(), zeros.data(), part.size()) != 0)
                        other_than_zero += part.size() - static_cast<std::size_t>(std::ranges::count(part.span(), std::byte(0)));
            }
        };
        asio::co_spawn(on.strand(), rest(), asio::use_future).get();
        return other_than_zero;
    };
    for (const weir::file_source_options& way : ways(on)) {
        CAPTURE_WAY(way);
        const bool mapped = way.backend == weir::backend::mmap;
        for (const std::size_t left : {std::size_t{0}, hole - 1}) {
            const auto shrink = [&](const std::string& path) { std::filesystem::resize_file(path, left); };
            CHECK(failure_of([&] { zeros_then(way, shrink); })
                  == (mapped ? weir::errc::mapping_broken : weir::errc::file_shrank));
        }
        const auto write = [](const std::string& path) {
            const weir::file_handle file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
            REQUIRE(::pwrite(file.descriptor(), "written", 7, hole - 7) == 7);
        };
        CHECK(zeros_then(way, write) == 7);
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

TEST_CASE("file_source: files of /proc and /sys, whose sizes say nothing, are read to their end")
{
    machine on;
    const std::string in_sys = "/sys/kernel/mm/transparent_hugepage/enabled";
    for (const weir::file_source_options& way : ways(on)) {
        CAPTURE_WAY(way);
        CHECK(content(on, weir::open_file(*on.engine, "/proc/self/status", way)).find("VmRSS") != std::string::npos);
        if (std::filesystem::exists(in_sys))
            CHECK(content(on, weir::open_file(*on.engine, in_sys, way)).find("never") != std::string::npos);
    }
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

/// How a read ends whose caller was cancelled before it began.
asio::awaitable<std::error_code> read_when_cancelled(weir::source& from, weir::reservation& memory)
{
    const auto strand = co_await asio::this_coro::executor;
    co_await asio::this_coro::throw_if_cancelled(false);
    for (;;) {
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            break;
        co_await asio::post(strand, asio::use_awaitable);
    }
    co_await asio::this_coro::throw_if_cancelled(true);
    std::error_code outcome;
    try {
        const weir::bytes got = co_await from.read(memory, 100);
    }
    catch (...) {
        outcome = weir::code_of(std::current_exception());
    }
    co_await asio::this_coro::throw_if_cancelled(false); // else co_spawn's own last step throws
    co_return outcome;
}

std::error_code cancelled_before_its_start(machine& on, weir::source& from, weir::reservation& memory)
{
    asio::cancellation_signal signal;
    std::promise<std::error_code> ended;
    auto strand = on.strand();
    asio::co_spawn(strand, read_when_cancelled(from, memory),
                   asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr, std::error_code outcome) {
                       ended.set_value(outcome);
                   }));
    asio::post(strand, [&] { signal.emit(asio::cancellation_type::terminal); });
    return ended.get_future().get();
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

struct pipe_ends {
    weir::file_handle read, write;
    pipe_ends()
    {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        read = weir::file_handle(ends[0]);
        write = weir::file_handle(ends[1]);
    }
};

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
} // namespace source_test
