// Files whose sizes say little: they change while they are read, are full of holes, or are of /proc.
#include "source_reading.hpp"

#include "support/temp_dir.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using test::content;
using test::failure_of;
using test::machine;
using test::pattern;
using test::ways;

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

} // namespace
