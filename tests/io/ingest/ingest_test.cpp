#include "ingesting.hpp"

#include "files/fault_injection.hpp"
#include "ingest/known_files.hpp"
#include "support/coroutine.hpp"
#include "support/recorder.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

#include <weir/cancel.hpp>
#include <weir/chunk_stream.hpp>
#include <weir/error.hpp>
#include <weir/hasher.hpp>
#include <weir/memory_source.hpp>
#include <weir/merkle_tree.hpp>
#include <weir/reading.hpp>
#include <weir/snapshot.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace test;
using clock_type = std::chrono::steady_clock;

TEST_CASE("ingest: files of every size, in a tree, give their chunks, root and digest")
{
    auto random = test::generator();
    temp_dir tree;
    std::map<std::string, std::vector<std::byte>> contents;
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{4000}, 16 * kib - 1, 16 * kib, 16 * kib + 1, 200 * kib, mib - 1, mib,
          mib + 1, 3 * mib + 17}) {
        const auto content = test::random_bytes(size, random());
        contents[tree.write("d" + std::to_string(size % 7) + "/f" + std::to_string(size), content)] = content;
    }
    for (int i = 0; i < 300; ++i) {
        const auto content = test::random_bytes(random() % 12000, random());
        contents[tree.write("many/" + std::to_string(i % 5) + "/" + std::to_string(i), content)] = content;
    }
    for (const auto chosen : {weir::backend::auto_, weir::backend::threads}) {
        weir::ingest_options options;
        options.backend = chosen;
        options.file_digest = weir::hash_algorithm::sha256;
        collecting_sink sink;
        bench b;
        const auto summary = b.run({tree.path()}, sink, options);
        CHECK(summary.files == contents.size());
        CHECK(summary.errors == 0);
        CHECK(sink.files.size() == contents.size());
        std::uint64_t bytes = 0;
        for (const auto& [path, content] : contents) {
            REQUIRE(sink.files.contains(path));
            check_file(sink.files[path], content, options);
            bytes += content.size();
        }
        CHECK(summary.bytes == bytes);
        CHECK(summary.unique_chunks <= summary.chunks);
        CHECK(summary.unique_exact);
    }
}

TEST_CASE("ingest: one average for all, and equal files are found")
{
    temp_dir tree;
    const auto content = test::random_bytes(700 * kib, 3);
    tree.write("a", content);
    tree.write("b", content);
    weir::ingest_options options;
    options.sizes.reset();
    options.chunker = weir::weir1(16 * kib);
    collecting_sink sink;
    bench b;
    const auto summary = b.run({tree.path()}, sink, options);
    check_file(sink.files[tree / "a"], content, options);
    CHECK(summary.bytes == 2 * content.size());
    CHECK(summary.unique_bytes == content.size());
    CHECK(2 * summary.unique_chunks == summary.chunks);
}

TEST_CASE("ingest: what is missing or cannot be read is reported, and the rest goes on")
{
    temp_dir tree;
    const auto content = test::random_bytes(5000, 4);
    const std::string good = tree.write("good", content);
    const std::string missing = tree / "missing";
    collecting_sink sink;
    bench b;
    const auto summary = b.run({missing, good, "ftp://host/x", "/proc/self/mem"}, sink);
    CHECK(summary.files == 1);
    CHECK(summary.errors == 3);
    CHECK(sink.files[missing].error == std::errc::no_such_file_or_directory);
    CHECK(sink.files["ftp://host/x"].error == weir::errc::unsupported_scheme);
    CHECK(sink.files["/proc/self/mem"].error);
    CHECK(sink.files[good].record);
}

/// A disk that cannot read from some place of one file on, whoever asks.
class broken_disk final : public weir::detail::fault_injector {
public:
    broken_disk(const std::string& path, std::uint64_t from) : from_(from)
    {
        struct stat found;
        REQUIRE(::stat(path.c_str(), &found) == 0);
        inode_ = found.st_ino;
    }
    std::optional<long> on_read(int descriptor, std::uint64_t offset, std::size_t size) override
    {
        struct stat found;
        if (::fstat(descriptor, &found) != 0 || found.st_ino != inode_ || offset + size <= from_)
            return std::nullopt;
        return offset < from_ ? static_cast<long>(from_ - offset) : -EIO;
    }
    int on_chain_result(unsigned step, int result) override { return step == 1 ? -EIO : result; } // plain calls ask again

private:
    std::uint64_t from_;
    ino_t inode_;
};

TEST_CASE("ingest: a disk error in the middle of a file is that file's, on every back end")
{
    temp_dir tree;
    std::map<std::string, std::vector<std::byte>> contents;
    for (const std::size_t size : {5 * kib, 12 * kib, 2 * mib, 3 * mib})
        contents[tree.write(std::to_string(size), test::random_bytes(size, size))] = test::random_bytes(size, size);
    for (const auto way : {weir::backend::auto_, weir::backend::threads, weir::backend::uring}) {
        bench probe;
        std::error_code unavailable;
        try {
            weir::resolve_backend(probe.context.get_executor(), way);
        }
        catch (const weir::error& failure) {
            unavailable = failure.code();
        }
        if (unavailable)
            continue;
        for (const std::size_t bad_size : {12 * kib, 3 * mib}) {
            CAPTURE(to_string(way));
            CAPTURE(bad_size);
            const std::string bad = tree / std::to_string(bad_size);
            broken_disk disk(bad, bad_size / 2 / 4096 * 4096); // at a page, as disks fail
            const weir::detail::scoped_faults install(disk);
            weir::ingest_options options;
            options.backend = way;
            collecting_sink sink;
            bench b;
            const auto summary = b.run({tree.path()}, sink, options);
            CHECK(summary.files == 3);
            CHECK(summary.errors == 1);
            for (const auto& [path, content] : contents) {
                if (path == bad)
                    CHECK(sink.files[path].error == std::errc::io_error);
                else
                    check_file(sink.files[path], content, options);
            }
        }
    }
}

TEST_CASE("ingest: pipes in a tree are counted and skipped, links are not followed")
{
    temp_dir tree;
    tree.write("file", test::random_bytes(10, 5));
    REQUIRE(mkfifo((tree / "pipe").c_str(), 0600) == 0);
    fs::create_symlink("file", tree / "link");
    collecting_sink sink;
    bench b;
    const auto summary = b.run({tree.path()}, sink);
    CHECK(summary.files == 1);
    CHECK(summary.skipped == 1);
    CHECK(summary.errors == 0);
}

/// Replaces every file of a tree as soon as the first one is open and read: the walk has seen them all by then.
class swapping_peer final : public weir::detail::fault_injector {
public:
    swapping_peer(fs::path tree, fs::path secret) : tree_(std::move(tree)), secret_(std::move(secret)) {}

    std::optional<long> on_read(int, std::uint64_t, std::size_t) override
    {
        if (swapped_.exchange(true))
            return std::nullopt;
        for (int i = 0; i < 20; ++i) {
            const fs::path file = tree_ / std::to_string(i);
            fs::remove(file);
            if (i % 2 == 0)
                fs::create_symlink(secret_, file);
            else if (mkfifo(file.c_str(), 0600) != 0)
                std::abort();
        }
        return std::nullopt;
    }

private:
    fs::path tree_;
    fs::path secret_;
    std::atomic<bool> swapped_ = false;
};

TEST_CASE("ingest: files that are swapped for FIFOs and links while it runs are skipped, and nothing hangs")
{
    temp_dir outside;
    const std::string secret = outside.write("secret", test::random_bytes(1000, 3));
    for (const bool direct : {false, true}) { // in a batch, and each by a stream of its own
        CAPTURE(direct);
        temp_dir tree;
        for (int i = 0; i < 20; ++i)
            tree.write(std::to_string(i), test::random_bytes(100, 5));
        swapping_peer peer(tree.path(), secret);
        const weir::detail::scoped_faults install(peer);
        weir::ingest_options options;
        options.backend = weir::backend::threads;
        options.direct = direct;
        collecting_sink sink;
        bench b;
        const auto summary = b.run({tree.path()}, sink, options);
        CHECK(summary.files == 1);
        CHECK(summary.skipped == 19);
        CHECK(summary.errors == 0);
        for (const auto& [path, got] : sink.files)
            CHECK((got.record && got.record->size == 100));
    }
}

TEST_CASE("ingest: the smallest pool does it too, slower")
{
    temp_dir tree;
    std::map<std::string, std::vector<std::byte>> contents;
    for (int i = 0; i < 40; ++i) {
        const auto content = test::random_bytes(static_cast<std::size_t>(i) * 30000, static_cast<std::uint64_t>(i));
        contents[tree.write(std::to_string(i), content)] = content;
    }
    weir::ingest_options options;
    options.sizes.reset();
    options.chunker = weir::weir1(256 * kib);
    collecting_sink sink;
    bench b(weir::required_memory_bytes(options.chunker, 1, 256 * kib));
    const auto summary = b.run({tree.path()}, sink, options);
    CHECK(summary.files == contents.size());
    for (const auto& [path, content] : contents)
        check_file(sink.files[path], content, options);
}

TEST_CASE("ingest: a pool below the largest chunk is refused, with the numbers")
{
    bench b(4 * mib);
    collecting_sink sink;
    try {
        weir::ingest_job job(b.engine, {}, sink);
        FAIL("accepted");
    }
    catch (const weir::error& refused) {
        CHECK(refused.code() == weir::errc::pool_too_small);
        CHECK(std::string(refused.what()).find("8388608") != std::string::npos);
    }
}

TEST_CASE("ingest: a sink that fails ends the job with its error")
{
    temp_dir tree;
    for (int i = 0; i < 200; ++i)
        tree.write(std::to_string(i), test::random_bytes(40000, static_cast<std::uint64_t>(i)));
    collecting_sink sink;
    sink.fails = true;
    bench b;
    weir::ingest_job job(b.engine, {}, sink);
    CHECK_THROWS_WITH_AS(test::run(b.context, job.run(supply({tree.path()}))),
                         "write sink: no space left on device", weir::error);
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
}

TEST_CASE("ingest: a job may be destroyed as soon as it has ended, though its lanes never suspended")
{
    bench bench;
    for (int turn = 0; turn < 300; ++turn) {
        collecting_sink sink;
        CHECK(bench.run({"missing"}, sink).errors == 1);
    }
}

/// Takes nothing until it is cancelled.
class parked_sink final : public weir::ingest_sink {
public:
    asio::awaitable<void> chunks(const weir::file_origin&, std::span<const weir::chunk_record>) override { return wait(); }
    asio::awaitable<void> file(const weir::file_record&) override { return wait(); }
    asio::awaitable<void> failed(std::string_view, std::error_code, std::string_view) override { return wait(); }

    bool parked = false;

private:
    asio::awaitable<void> wait()
    {
        parked = true;
        asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        co_await never.async_wait(asio::use_awaitable);
    }
};

asio::awaitable<void> run_own_job(weir::engine& engine, weir::ingest_sink& sink, std::string path)
{
    weir::ingest_job job(engine, {}, sink);
    weir::path_supplier paths = supply({path});
    co_await job.run(std::move(paths));
}

TEST_CASE("ingest: a job whose sink waits outlives its engine, and ends with the io_context")
{
    temp_dir tree;
    const std::string path = tree.write("file", test::random_bytes(5000, 8));
    parked_sink sink;
    bool told = false;
    {
        asio::io_context context;
        weir::engine engine(context.get_executor(), bench::options(32 * mib));
        asio::co_spawn(context, run_own_job(engine, sink, path), [&](const std::exception_ptr&) { told = true; });
        while (!sink.parked)
            context.run_one();
    } // the engine first, then the context with the job in a frame of it
    CHECK(!told);
}

TEST_CASE("ingest: an observer is told of batches of small files, of streams, and of the job")
{
    temp_dir tree;
    for (int i = 0; i < 20; ++i)
        tree.write("small/" + std::to_string(i), test::random_bytes(1000, static_cast<std::uint64_t>(i)));
    const std::string large = tree.write("large", test::random_bytes(3 * mib, 7));
    test::recorder seen;
    asio::io_context context;
    weir::engine_options options = bench::options(32 * mib);
    options.observer = &seen;
    weir::engine engine(context.get_executor(), options);
    collecting_sink sink;
    weir::ingest_job job(engine, {}, sink);
    test::run(context, job.run(supply({tree.path()})));

    std::uint64_t small_files = 0;
    std::uint64_t large_bytes = 0;
    for (const test::recorded& each : seen.of(weir::event_kind::read)) {
        small_files += each.subject == "small files" ? each.count : 0;
        large_bytes += each.subject == large ? each.bytes : 0;
    }
    CHECK(small_files == 21); // the large one is met in a batch too
    CHECK(large_bytes == 3 * mib);
    CHECK(test::bytes_of(seen.of(weir::event_kind::stage, "digest")) == 3 * mib + 20'000);
    const auto jobs = seen.of(weir::event_kind::flow, "ingest");
    REQUIRE(jobs.size() == 1);
    CHECK(jobs.front().bytes == 3 * mib + 20'000);
    CHECK(jobs.front().count == 21);
    CHECK(seen.of(weir::event_kind::flow, "stream").size() == 1);

    const std::uint64_t peak_before = weir::peak_memory_bytes();
    const weir::snapshot all = weir::take_snapshot(engine);
    const weir::flow_statistics flow = job.summary().as_flow();
    CHECK(all.flows.bytes == flow.bytes);
    CHECK(all.flows.chunks == flow.chunks);
    CHECK(all.flows.elapsed >= flow.elapsed);
    CHECK(all.pool.max_bytes == 32 * mib);
    CHECK(all.workers.done > 0);
    CHECK(all.readers.bytes >= 3 * mib);
    CHECK(all.resources.of(weir::resource_kind::flow).total == 2);
    CHECK(all.peak_memory_bytes >= peak_before);
    CHECK(all.peak_memory_bytes <= weir::peak_memory_bytes());
    CHECK(flow.dedup_ratio() == doctest::Approx(1));
    CHECK(flow.throughput() > 0);
    CHECK(flow.slowest_stage());
}

void make_old(const std::string& path)
{
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
}

TEST_CASE("ingest: a file with several names is read once, and told of by each")
{
    for (const std::size_t size : {100 * kib, 3 * mib}) {
        CAPTURE(size);
        for (const std::size_t remembered : {std::size_t{0}, std::size_t{10}}) {
            temp_dir tree;
            const auto content = test::random_bytes(size, 9);
            const std::string path = tree.write("0", content);
            make_old(path);
            for (int i = 1; i < 4; ++i)
                fs::create_hard_link(path, tree / std::to_string(i));
            test::recorder seen;
            asio::io_context context;
            weir::engine_options options = bench::options(32 * mib);
            options.observer = &seen;
            weir::engine engine(context.get_executor(), options);
            weir::ingest_options how;
            how.jobs = 1;
            how.batch_files = 1;
            how.file_cache_size = remembered;
            how.file_digest = weir::hash_algorithm::sha256;
            collecting_sink sink;
            weir::ingest_job job(engine, how, sink);
            test::run(context, job.run(supply({tree.path()})));
            REQUIRE(sink.files.size() == 4);
            for (const auto& [name, found] : sink.files)
                check_file(found, content, how);
            CHECK(job.summary().bytes == 4 * size);
            const std::size_t read = test::bytes_of(seen.of(weir::event_kind::stage, "digest"));
            CHECK(read == (remembered == 0 ? 4 : 1) * size);
        }
    }
}

TEST_CASE("known files: only what has other names, is settled, and was not changed is found again")
{
    temp_dir tree;
    const std::string path = tree.write("a", test::random_bytes(100, 9));
    weir::detail::known_files known(4);
    const weir::file_handle file = weir::file_handle::open(path);
    CHECK(!known.stamp(file)); // it has one name
    fs::create_hard_link(path, tree / "b");
    const auto young = known.stamp(file);
    REQUIRE(young);
    make_old(path);
    const auto stamp = known.stamp(file);
    REQUIRE(stamp);
    weir::detail::known_file found;
    found.file.size = 100;

    auto other = *stamp;
    ++other.changed;
    known.put(*stamp, other, found);
    known.put(*stamp, std::nullopt, found);
    CHECK(!known.find(*stamp)); // changed while it was read

    known.put(*young, young, found);
    CHECK(!known.find(*young)); // a change in the same tick of the clock would not be seen

    known.put(*stamp, stamp, found);
    CHECK(known.find(*stamp));
    for (auto member : {&weir::detail::file_stamp::changed, &weir::detail::file_stamp::modified}) {
        auto changed = *stamp;
        ++(changed.*member);
        CHECK(!known.find(changed));
    }
    CHECK(!weir::detail::known_files(0).stamp(file));
}

TEST_CASE("ingest: a clean-up of the engine ends the job, blames no file, and leaves nothing")
{
    temp_dir tree;
    for (int i = 0; i < 30; ++i)
        tree.write(std::to_string(i), test::random_bytes(static_cast<std::size_t>(i) * 70000, 6));
    for (int steps = 0; steps < 12; ++steps) {
        collecting_sink sink;
        bench b;
        weir::ingest_job job(b.engine, {}, sink);
        test::task<void> running(b.context.get_executor(), job.run(supply({tree.path()})));
        for (int i = 0; i <= steps && !running.done(); ++i)
            b.context.run_one();
        const bool done = running.done();
        const auto deadline = clock_type::now() + std::chrono::seconds(10);
        const weir::cleanup_report report = test::await(b.context, b.engine.resources().cleanup_all(deadline));
        CHECK(report.total().forced + report.total().unfinished + report.total().failures == 0);
        b.context.restart();
        b.context.run();
        CHECK(b.engine.resources().leak_report().empty());
        CHECK(b.engine.pool().statistics().in_use_bytes == 0);
        if (!done && !running.outcome()) // else it had read everything
            CHECK(running.outcome().code() == weir::errc::closed);
        for (const auto& [path, found] : sink.files)
            CHECK(!found.error);
        CHECK_THROWS_WITH_AS(weir::ingest_job(b.engine, {}, sink), "ingest: closed", weir::error);
    }
}

TEST_CASE("ingest: cancelled at any step it ends, and everything is back")
{
    temp_dir tree;
    for (int i = 0; i < 30; ++i)
        tree.write(std::to_string(i), test::random_bytes(static_cast<std::size_t>(i) * 70000, 6));
    for (int steps = 0; steps < 12; ++steps) {
        collecting_sink sink;
        bench b;
        weir::ingest_job job(b.engine, {}, sink);
        asio::cancellation_signal stop;
        bool ended = false;
        std::exception_ptr failure;
        asio::co_spawn(b.context, job.run(supply({tree.path()})),
                       asio::bind_cancellation_slot(stop.slot(), [&](const std::exception_ptr& thrown) {
                           ended = true;
                           failure = thrown;
                       }));
        for (int i = 0; i < steps && !ended; ++i)
            b.context.run_one();
        if (!ended)
            stop.emit(asio::cancellation_type::terminal);
        b.context.run();
        CHECK(ended);
        CHECK((!failure || weir::code_of(failure) == weir::condition::cancelled));
        CHECK(b.engine.pool().statistics().in_use_bytes == 0);
        CHECK(job.summary().files <= 30);
    }
}

} // namespace
