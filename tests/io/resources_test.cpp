// Which files and maps a registry knows, and how a clean-up ends them.

#include <weir/chunk_stream.hpp>
#include <weir/file_source.hpp>
#include <weir/mapped_file.hpp>
#include <weir/random_access_file.hpp>
#include <weir/stream_file.hpp>

#include "support/coroutine.hpp"
#include "support/recorder.hpp"
#include "support/temp_dir.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/read_at.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <unistd.h>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using weir::resource_kind;

weir::cleanup_report clean_up(asio::io_context& context, weir::registry& resources)
{
    return test::await(context, resources.cleanup_all(std::chrono::steady_clock::now() + 10s));
}

struct bench {
    asio::io_context context;
    weir::engine engine{context.get_executor(), {.memory_bytes = 16 << 20, .workers = {.threads = 2}}};
    [[nodiscard]] weir::kind_statistics of(resource_kind kind) const
    {
        return engine.resources().statistics().of(kind);
    }
};

TEST_CASE("resources: files that are sources are known by name and size until their flow ends")
{
    test::temp_dir dir;
    const std::string path = dir.write("a.bin", std::string(100'000, 'x'));
    weir::install_mapping_guard();
    bench b;
    for (const weir::backend backend : {weir::backend::auto_, weir::backend::threads, weir::backend::mmap}) {
        CAPTURE(to_string(backend));
        weir::chunk_stream chunks(b.engine, weir::open_file(b.engine, path, {.backend = backend}));
        CHECK(b.of(resource_kind::file).live == 1);
        CHECK(b.of(resource_kind::file).live_bytes == 100'000);
        CHECK(b.engine.resources().leak_report().find("file " + path + ", 100000 bytes") != std::string::npos);
        auto first = test::await(b.context, chunks.next());
        CHECK(b.of(resource_kind::mapping).live == (backend == weir::backend::mmap ? 1 : 0));
        first.reset();
        CHECK(!test::await(b.context, chunks.next()));
        CHECK(b.engine.resources().leak_report().empty());
    }
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const weir::file_handle reader(ends[0]);
    const weir::file_handle writer(ends[1]);
    const auto pipe = weir::open_descriptor(b.engine, ends[0], "pipe");
    CHECK(b.engine.resources().leak_report().starts_with("file pipe, 0 bytes"));
}

TEST_CASE("resources: a clean-up closes a flow's file with the flow, and no file is opened afterwards")
{
    test::temp_dir dir;
    const std::string path = dir.write("a.bin", std::string(100'000, 'x'));
    bench b;
    weir::chunk_stream chunks(b.engine, weir::open_file(b.engine, path));
    CHECK(clean_up(b.context, b.engine.resources()).left == 0);
    CHECK_THROWS_WITH_AS((void)weir::open_file(b.engine, path), ("open " + path + ": closed").c_str(), weir::error);
    CHECK_THROWS_WITH_AS((void)weir::open_descriptor(b.engine, STDIN_FILENO, "-"), "open -: closed", weir::error);
}

TEST_CASE("resources: a clean-up closes low-level files, after the reads that are under way")
{
    test::temp_dir dir;
    const std::string path = dir.write("a.bin", std::string(1000, 'x'));
    asio::io_context context;
    weir::registry resources;
    weir::random_access_file busy(context.get_executor(), path, {.resources = &resources});
    weir::stream_file idle(context.get_executor(), path, {.resources = &resources});
    CHECK(resources.statistics().of(resource_kind::file).live == 2);

    std::string read(1000, '\0');
    boost::system::error_code outcome = asio::error::would_block;
    asio::async_read_at(busy, 0, asio::buffer(read), [&](boost::system::error_code e, std::size_t) { outcome = e; });
    const weir::cleanup_report report = clean_up(context, resources);
    CHECK(report.total().immediate + report.total().background == 2);
    CHECK(report.left == 0);
    CHECK(busy.handle().descriptor() < 0);
    context.restart();
    context.run();
    CHECK(!outcome);
    CHECK(read == std::string(1000, 'x'));

    asio::async_read_at(busy, 0, asio::buffer(read), [&](boost::system::error_code e, std::size_t) { outcome = e; });
    context.restart();
    context.run();
    CHECK(std::error_code(outcome) == weir::errc::closed);
}

TEST_CASE("resources: a file that is dropped while it is read is forgotten when the read has ended")
{
    test::temp_dir dir;
    const std::string path = dir.write("a.bin", std::string(1000, 'x'));
    asio::io_context context;
    weir::registry resources;
    std::string read(1000, '\0');
    {
        weir::random_access_file file(context.get_executor(), path, {.resources = &resources});
        file.async_read_some_at(0, asio::buffer(read), [](boost::system::error_code e, std::size_t) { CHECK(!e); });
    }
    context.run();
    CHECK(resources.leak_report().empty());
    CHECK(resources.statistics().of(resource_kind::file).total == 1);
}

TEST_CASE("observer: a low-level file tells of every read")
{
    test::temp_dir dir;
    const std::string path = dir.write("a.bin", std::string(1000, 'x'));
    test::recorder seen;
    for (const weir::backend backend : {weir::backend::threads, weir::backend::auto_}) {
        asio::io_context context;
        weir::random_access_file file(context.get_executor(), path, {.backend = backend, .observer = &seen});
        std::string read(1500, '\0');
        asio::async_read_at(file, 0, asio::buffer(read), [](boost::system::error_code, std::size_t) {});
        context.run();
    }
    const auto reads = seen.of(weir::event_kind::read);
    REQUIRE(reads.size() == 4); // the second of each finds the end
    CHECK(test::bytes_of(reads) == 2000);
    CHECK(reads.front().subject == path);
    CHECK(!reads.front().outcome);
}

TEST_CASE("resources: a map is known while it lives, wherever it is moved, and stays mapped in a clean-up")
{
    test::temp_dir dir;
    const std::string path = dir.write("a.bin", std::string(5000, 'x'));
    weir::install_mapping_guard();
    asio::io_context context;
    weir::registry resources;
    {
        auto first = weir::mapped_file::open(path, {.offset = 1000, .direct_access = true, .resources = &resources});
        const weir::mapped_file moved(std::move(first));
        CHECK(resources.statistics().of(resource_kind::mapping).live_bytes == 4000);
        CHECK(clean_up(context, resources).left == 1);
        CHECK(resources.leak_report().starts_with("mapping " + path + ", 4000 bytes"));
        CHECK(moved.view(0, 1)[0] == std::byte{'x'});
    }
    CHECK(resources.leak_report().empty());
}

} // namespace
