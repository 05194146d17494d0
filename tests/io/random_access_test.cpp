// Parts of files and of memory as sources.
#include <weir/mapped_file.hpp>
#include <weir/memory_input.hpp>
#include <weir/random_access.hpp>
#include <weir/reading.hpp>

#include "machine.hpp"

#include "support/coroutine.hpp"
#include "support/seed.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <future>
#include <optional>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using test::machine;
using byte_vector = std::vector<std::byte>;

asio::awaitable<byte_vector> read_all(std::unique_ptr<weir::source> from, weir::reservation memory, std::size_t most)
{
    byte_vector out;
    for (;;) {
        const weir::bytes piece = co_await from->read(memory, most);
        if (piece.empty())
            break;
        const byte_vector copy = piece.copy_out();
        out.insert(out.end(), copy.begin(), copy.end());
    }
    co_await from->close();
    co_return out;
}

std::future<byte_vector> start_reading(machine& on, weir::random_access_input& from, std::uint64_t offset,
                                       std::uint64_t length, std::size_t most = 1 << 20)
{
    weir::reservation memory = on.reserve(2);
    return asio::co_spawn(on.strand(),
                          read_all(from.open(offset, length), std::move(memory), most), asio::use_future);
}

std::vector<weir::file_source_options> ways_of_parts(machine& on)
{
    weir::install_mapping_guard();
    std::vector<weir::file_source_options> all(1);
    all[0].direct = true; // which parts cannot be
    for (const weir::backend backend : {weir::backend::threads, weir::backend::uring, weir::backend::mmap}) {
        try {
            weir::resolve_backend(on.context.get_executor(), backend);
            all.emplace_back().backend = backend;
        }
        catch (const weir::error&) {
            MESSAGE("skipped: " << weir::to_string(backend));
        }
    }
    return all;
}

void check_parts(machine& on, weir::random_access_input& input, const byte_vector& content)
{
    REQUIRE(input.size() == content.size());
    std::mt19937_64 random = test::generator(50);
    for (int round = 0; round < 10; ++round) {
        std::vector<std::pair<std::span<const std::byte>, std::future<byte_vector>>> parts;
        for (int i = 0; i < 8; ++i) {
            const std::uint64_t offset = random() % (content.size() + 1);
            const std::uint64_t length = random() % (content.size() - offset + 1);
            const std::size_t most = 1 + random() % 200'000;
            parts.emplace_back(std::span(content).subspan(offset, length),
                               start_reading(on, input, offset, length, most));
        }
        for (auto& [expected, reading] : parts)
            CHECK(std::ranges::equal(reading.get(), expected));
    }
    CHECK(start_reading(on, input, content.size(), 0).get().empty());
}

std::error_code failure_of(std::future<byte_vector> reading, std::optional<std::uint64_t>* offset = nullptr)
{
    try {
        static_cast<void>(reading.get());
    }
    catch (const weir::error& failure) {
        if (offset)
            *offset = failure.offset();
        return failure.code();
    }
    return {};
}

} // namespace

TEST_CASE("random access: parts of a file are what they are in it, several at a time, by every back end")
{
    machine on;
    const test::temp_dir tree;
    const byte_vector content = test::random_bytes(1'000'000, 51);
    const std::string path = tree.write("file", content);
    for (const weir::file_source_options& way : ways_of_parts(on)) {
        CAPTURE(weir::to_string(way.backend));
        const auto input = weir::open_random_access(*on.engine, path, way);
        CHECK(input->name() == path);
        check_parts(on, *input, content);
    }
    CHECK(on.engine->pool().check());
}

TEST_CASE("random access: a sparse file's holes are zeros")
{
    machine on;
    const test::temp_dir tree;
    byte_vector content = test::random_bytes(100'000, 52);
    const std::string path = tree.write("file", content);
    REQUIRE(::truncate(path.c_str(), 900'000) == 0);
    content.resize(900'000);
    for (const weir::file_source_options& way : ways_of_parts(on))
        check_parts(on, *weir::open_random_access(*on.engine, path, way), content);
}

TEST_CASE("random access: a file that grows is read as it was, one that shrinks is told")
{
    machine on;
    const test::temp_dir tree;
    const byte_vector content = test::random_bytes(300'000, 53);
    for (const weir::file_source_options& way : ways_of_parts(on)) {
        CAPTURE(weir::to_string(way.backend));
        const std::string path = tree.write("file", content);
        const auto input = weir::open_random_access(*on.engine, path, way);
        REQUIRE(::truncate(path.c_str(), 400'000) == 0);
        CHECK(start_reading(on, *input, 0, input->size()).get() == content);
        REQUIRE(::truncate(path.c_str(), 200'000) == 0);
        std::optional<std::uint64_t> offset;
        const std::error_code failure = failure_of(start_reading(on, *input, 150'000, 100'000), &offset);
        CHECK(failure
              == (way.backend == weir::backend::mmap ? weir::errc::mapping_broken : weir::errc::file_shrank));
        CHECK(offset >= 150'000);
        CHECK(failure_of(start_reading(on, *input, 100, 1000)) == std::error_code());
    }
}

TEST_CASE("random access: its file is registered once, until the last source has gone")
{
    machine on;
    const test::temp_dir tree;
    const std::string path = tree.write("file", std::string_view("content"));
    auto input = weir::open_random_access(*on.engine, path);
    const auto files = [&] { 
        const auto kind = static_cast<std::size_t>(weir::resource_kind::file);
        return on.engine->resources().statistics().kinds[kind].live;
    };
    CHECK(files() == 1);
    auto part = input->open(1, 3);
    CHECK(files() == 1);
    input.reset();
    CHECK(files() == 1);
    part.reset();
    CHECK(files() == 0);
}

TEST_CASE("random access: what has no positions is refused")
{
    machine on;
    const test::temp_dir tree;
    REQUIRE(::mkfifo((tree / "fifo").c_str(), 0600) == 0);
    const auto failure = [&](const std::string& path) {
        try {
            static_cast<void>(weir::open_random_access(*on.engine, path));
        }
        catch (const weir::error& refused) {
            CHECK(refused.subject() == path);
            return refused.code();
        }
        return std::error_code();
    };
    CHECK(failure(tree / "fifo") == weir::errc::not_seekable);
    CHECK(failure(tree.path()) == std::errc::is_a_directory);
    CHECK(failure(tree / "nothing") == std::errc::no_such_file_or_directory);
}

TEST_CASE("random access: memory is given as it lies, as long as a slice of it exists")
{
    machine on;
    auto content = std::make_shared<const byte_vector>(test::random_bytes(10'000, 54));
    auto input = std::make_unique<weir::memory_input>(*content, content, "name");
    CHECK(input->name() == "name");
    check_parts(on, *input, *content);
    auto part = input->open(10, 20);
    CHECK(part->name() == "name");
    CHECK(part->size() == 20);
    input.reset();
    CHECK(content.use_count() == 2);
    part.reset();
    CHECK(content.use_count() == 1);
}
