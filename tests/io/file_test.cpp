// One suite over the back ends that are built.
#include <weir/file_handle.hpp>
#include <weir/random_access_file.hpp>
#include <weir/stream_file.hpp>

#include "file_fixtures.hpp"

#include "files/fault_injection.hpp"
#include "files/read_service.hpp"
#include "support/temp_dir.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_at.hpp>
#include <boost/asio/strand.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using test::failure_of;
using test::pattern;
using test::pipe_ends;

std::vector<weir::backend> backends()
{
    asio::io_context context;
    std::string reason;
    std::vector<weir::backend> all{weir::backend::threads};
    if (weir::detail::find_ring(context.get_executor(), reason))
        all.push_back(weir::backend::uring);
    else
        MESSAGE("without io_uring: " << reason);
    return all;
}

struct outcome {
    int calls = 0;
    error_code failure;
    std::size_t count = 0;

    auto handler()
    {
        return [this](error_code e, std::size_t n) {
            ++calls;
            failure = e;
            count = n;
        };
    }
};

// Answers a script of results, one a read; what lies behind its end is read in earnest.
class script final : public weir::detail::fault_injector {
public:
    explicit script(std::deque<long> results, int setup = 0) : results_(std::move(results)), setup_(setup) {}
    std::optional<int> on_setup() override { return setup_ ? std::optional(setup_) : std::nullopt; }
    std::optional<long> on_read(int, std::uint64_t, std::size_t) override
    {
        std::lock_guard lock(mutex_);
        if (results_.empty())
            return std::nullopt;
        const long result = results_.front();
        results_.pop_front();
        return result;
    }
    std::size_t left()
    {
        std::lock_guard lock(mutex_);
        return results_.size();
    }

private:
    std::mutex mutex_;
    std::deque<long> results_;
    int setup_;
};

TEST_CASE("file_handle: a path that is too long for the system is opened part by part, wherever its parts end")
{
    test::temp_dir dir;
    for (const std::size_t length : {63u, 200u, 255u}) {
        CAPTURE(length);
        weir::file_handle at = weir::file_handle::open(dir.path());
        const std::string name(length, 'd');
        std::string path = dir.path();
        std::error_code failure;
        while (path.size() < 3 * PATH_MAX) {
            if (::mkdirat(at.descriptor(), name.c_str(), 0700) != 0)
                REQUIRE(errno == EEXIST);
            at = at.open_below(name.c_str(), weir::open_flags::directory, failure);
            REQUIRE_FALSE(failure);
            path += path.size() % 3 == 0 ? "///" : "/";
            path += name;
        }
        const weir::file_handle made(::openat(at.descriptor(), "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        REQUIRE(made);
        CHECK(weir::file_handle::open(path + "/f").info().inode == made.info().inode);
        CHECK(weir::file_handle::open(path + "//").info().inode == at.info().inode);
        CHECK_FALSE(weir::file_handle::open((path + "/none").c_str(), weir::open_flags::none, failure));
        CHECK(failure == std::errc::no_such_file_or_directory);
        CHECK_FALSE(weir::file_handle::open((path + "/f/x").c_str(), weir::open_flags::none, failure));
        CHECK(failure == std::errc::not_a_directory);
    }
    std::error_code failure;
    for (const std::string& name : {std::string(PATH_MAX, 'x'), "/" + std::string(2 * PATH_MAX, 'x'), std::string(300, 'x')}) {
        CHECK_FALSE(weir::file_handle::open(name.c_str(), weir::open_flags::none, failure));
        CHECK(failure == std::errc::filename_too_long);
    }
}

TEST_CASE("file: async_read_at reads what it is asked for, and says eof at the end")
{
    test::temp_dir dir;
    const std::string text = pattern(300'000);
    const std::string path = dir.write("file", text);
    for (const weir::backend backend : backends()) {
        CAPTURE(to_string(backend));
        asio::io_context context;
        weir::random_access_file file(context.get_executor(), path, {.backend = backend});
        CHECK(file.backend() == backend);
        CHECK(file.size() == text.size());
        std::string middle(100'000, '\0'), tail(100'000, '\0'), beyond(1, '\0'), nothing;
        outcome first, second, third, fourth;
        asio::async_read_at(file, 150'001, asio::buffer(middle), first.handler());
        asio::async_read_at(file, 290'000, asio::buffer(tail), second.handler());
        asio::async_read_at(file, 300'000, asio::buffer(beyond), third.handler());
        file.async_read_some_at(0, asio::buffer(nothing), fourth.handler());
        CHECK(first.calls + second.calls + third.calls + fourth.calls == 0);
        context.run();
        CHECK(middle == text.substr(150'001, 100'000));
        CHECK_FALSE(first.failure);
        CHECK(second.failure == asio::error::eof);
        CHECK(tail.substr(0, second.count) == text.substr(290'000));
        CHECK(third.failure == asio::error::eof);
        CHECK_FALSE(fourth.failure);
        CHECK(fourth.calls == 1);
    }
}

TEST_CASE("file: an offset that no file has is an error, whoever reads")
{
    test::temp_dir dir;
    const std::string path = dir.write("file", "text");
    for (const weir::backend backend : backends())
        for (const std::uint64_t offset : {std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
            CAPTURE(to_string(backend));
            asio::io_context context;
            weir::random_access_file file(context.get_executor(), path, {.backend = backend});
            std::string read(4, '\0');
            outcome result;
            file.async_read_some_at(offset, asio::buffer(read), result.handler());
            context.run();
            CHECK(result.failure == std::errc::invalid_argument);
            CHECK(result.count == 0);
        }
}

TEST_CASE("file: offsets past 4 GiB are read")
{
    test::temp_dir dir;
    const std::string path = dir.write("file", "");
    constexpr std::uint64_t far = (std::uint64_t{5} << 30) + 3;
    {
        const weir::file_handle file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        REQUIRE(::pwrite(file.descriptor(), "far away", 8, far) == 8);
    }
    for (const weir::backend backend : backends()) {
        asio::io_context context;
        weir::random_access_file file(context.get_executor(), path, {.backend = backend});
        std::string text(8, '\0');
        outcome read;
        asio::async_read_at(file, far, asio::buffer(text), read.handler());
        context.run();
        CHECK(text == "far away");
    }
}

TEST_CASE("file: a stream file is read in order by async_read, from where it was set")
{
    test::temp_dir dir;
    const std::string text = pattern(100'000);
    const std::string path = dir.write("file", text);
    for (const weir::backend backend : backends()) {
        asio::io_context context;
        weir::stream_file file(context.get_executor(), path, {.backend = backend});
        std::string head(1000, '\0'), rest(200'000, '\0');
        outcome first, second;
        asio::async_read(file, asio::buffer(head), [&](error_code failure, std::size_t count) {
            first.handler()(failure, count);
            CHECK(file.position() == 1000);
            file.seek(999);
            asio::async_read(file, asio::buffer(rest), second.handler());
        });
        context.run();
        CHECK(head == text.substr(0, 1000));
        CHECK(second.failure == asio::error::eof);
        CHECK(rest.substr(0, second.count) == text.substr(999));
        CHECK(file.position() == text.size());
    }
}

TEST_CASE("file: handlers run on their executor, and a file works on a strand")
{
    test::temp_dir dir;
    const std::string path = dir.write("file", pattern(100));
    for (const weir::backend backend : backends()) {
        asio::io_context context;
        auto strand = asio::make_strand(context);
        weir::random_access_file file(strand, path, {.backend = backend});
        std::string text(100, '\0');
        bool inside = false;
        asio::async_read_at(file, 0, asio::buffer(text), [&](error_code, std::size_t) {
            inside = strand.running_in_this_thread();
        });
        context.run();
        CHECK(inside);
    }
}

TEST_CASE("file: many reads at once from several threads all complete")
{
    test::temp_dir dir;
    const std::string text = pattern(1 << 20);
    const std::string path = dir.write("file", text);
    for (const weir::backend backend : backends()) {
        asio::io_context context;
        weir::random_access_file file(context.get_executor(), path, {.backend = backend});
        std::vector<std::string> blocks(600, std::string(10'000, '\0'));
        std::atomic<int> good = 0;
        const auto start = [&](std::size_t from, std::size_t to) {
            for (std::size_t i = from; i < to; ++i)
                asio::async_read_at(file, i * 1731, asio::buffer(blocks[i]), [&, i](error_code, std::size_t) {
                    good += blocks[i] == text.substr(i * 1731, 10'000);
                });
        };
        std::thread other([&] { start(300, 600); });
        start(0, 300);
        other.join();
        std::thread second([&] { context.run(); });
        context.run();
        second.join();
        CHECK(good == 600);
        CHECK(weir::file_statistics(context.get_executor()).in_flight == 0);
    }
}

TEST_CASE("file: what has no positions is refused without waiting for it")
{
    test::temp_dir dir;
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    asio::io_context context;
    const auto open = [&](const std::string& path) {
        return failure_of([&] { weir::random_access_file(context.get_executor(), path); });
    };
    CHECK(open(dir / "fifo") == weir::errc::not_seekable);
    CHECK(open(dir.path()) == std::errc::is_a_directory);
    CHECK(open(dir / "missing") == std::errc::no_such_file_or_directory);
    const auto mapped = [&] {
        weir::random_access_file(context.get_executor(), dir.write("f", ""), {.backend = weir::backend::mmap});
    };
    CHECK(failure_of(mapped) == weir::errc::backend_unavailable);
}

TEST_CASE("file: short reads and passing interruptions are not seen by the caller")
{
    test::temp_dir dir;
    const std::string text = pattern(50'000);
    const std::string path = dir.write("file", text);
    for (const weir::backend backend : backends()) {
        CAPTURE(to_string(backend));
        asio::io_context context;
        weir::random_access_file file(context.get_executor(), path, {.backend = backend});
        script faults({-EINTR, 1, -EAGAIN, 4096, -ECANCELED, -EINTR, 7});
        weir::detail::scoped_faults install(faults);
        std::string read(50'000, '\0');
        outcome result;
        asio::async_read_at(file, 0, asio::buffer(read), result.handler());
        context.run();
        CHECK_FALSE(result.failure);
        CHECK(read == text);
        CHECK(faults.left() == 0);
        CHECK(weir::file_statistics(context.get_executor()).retries == 4);
    }
}

TEST_CASE("file: an interruption that never ends is an error at last, and so is EIO")
{
    test::temp_dir dir;
    const std::string path = dir.write("file", pattern(100));
    for (const weir::backend backend : backends()) {
        for (const int number : {EINTR, EIO}) {
            asio::io_context context;
            weir::random_access_file file(context.get_executor(), path, {.backend = backend});
            script faults(std::deque<long>(100, -number));
            weir::detail::scoped_faults install(faults);
            std::string read(10, '\0');
            outcome result;
            asio::async_read_at(file, 0, asio::buffer(read), result.handler());
            context.run();
            CHECK(result.failure == error_code(number, boost::system::system_category()));
            CHECK(faults.left() == (number == EIO ? 99 : 99 - weir::detail::max_retries));
            CHECK(weir::file_statistics(context.get_executor()).failures == 1);
        }
    }
}

TEST_CASE("file: where io_uring is refused threads read instead, and the statistics say why")
{
    test::temp_dir dir;
    const std::string path = dir.write("file", pattern(100));
    for (const int number : {ENOSYS, EPERM, ENOMEM, EINVAL}) {
        asio::io_context context;
        script faults({}, -number);
        weir::detail::scoped_faults install(faults);
        weir::random_access_file file(context.get_executor(), path);
        CHECK(file.backend() == weir::backend::threads);
        std::string read(100, '\0');
        outcome result;
        asio::async_read_at(file, 0, asio::buffer(read), result.handler());
        context.run();
        CHECK(read == pattern(100));
        const weir::reader_statistics statistics = weir::file_statistics(context.get_executor());
        CHECK(statistics.backend == "threads");
        CHECK(statistics.fallback.find("io_uring") != std::string::npos);
        CHECK(weir::resolve_backend(context.get_executor(), weir::backend::auto_) == weir::backend::threads);
        const auto forced = [&] { weir::resolve_backend(context.get_executor(), weir::backend::uring); };
        CHECK(failure_of(forced) == weir::errc::backend_unavailable);
    }
}

TEST_CASE("file: a read that is cancelled before it is started ends once, and on a ring with operation_aborted")
{
    test::temp_dir dir;
    const std::string path = dir.write("file", pattern(100));
    for (const weir::backend backend : backends()) {
        CAPTURE(to_string(backend));
        asio::io_context context;
        weir::random_access_file file(context.get_executor(), path, {.backend = backend});
        asio::cancellation_signal signal;
        std::string read(100, '\0');
        outcome result;
        file.async_read_some_at(0, asio::buffer(read), asio::bind_cancellation_slot(signal.slot(), result.handler()));
        signal.emit(asio::cancellation_type::terminal);
        context.run();
        CHECK(result.calls == 1);
        if (backend == weir::backend::threads && !result.failure) // a thread had it already
            CHECK(read == pattern(100));
        else
            CHECK(result.failure == asio::error::operation_aborted);
        signal.emit(asio::cancellation_type::terminal); // after the end: nothing
    }
}

// An operation on any descriptor, straight at the back end, as the files make them.
class probe final : public weir::detail::read_operation {
public:
    explicit probe(std::function<void(std::error_code, std::size_t)> told, int from, std::span<std::byte> memory)
        : told_(std::move(told))
    {
        descriptor = from;
        offset = static_cast<std::uint64_t>(-1);
        data = memory.data();
        size = memory.size();
    }
    void complete(std::error_code failure, std::size_t count) noexcept override { told_(failure, count); }

private:
    std::function<void(std::error_code, std::size_t)> told_;
};

weir::detail::read_service* ring_of(asio::io_context& context)
{
    std::string reason;
    return weir::detail::find_ring(context.get_executor(), reason);
}

TEST_CASE("ring: a read that waits is cancelled, and ends with its own completion")
{
    asio::io_context context;
    weir::detail::read_service* ring = ring_of(context);
    if (!ring)
        return;
    pipe_ends pipe;
    std::array<std::byte, 10> memory;
    std::error_code failure;
    int calls = 0;
    auto read = std::make_unique<probe>(
        [&](std::error_code e, std::size_t) {
            ++calls;
            failure = e;
        },
        pipe.read.descriptor(), memory);
    const std::uint64_t id = read->id = ring->next_id();
    ring->start(std::move(read));
    while (context.poll() > 0) {
    }
    CHECK(calls == 0);
    ring->cancel(id);
    context.run();
    CHECK(calls == 1);
    CHECK(failure == std::errc::operation_canceled);
    CHECK(ring->counters().in_flight == 0);
}

TEST_CASE("ring: an io_context that is destroyed takes back what it lent, and completes nothing")
{
    pipe_ends pipe;
    const auto memory = std::make_shared<std::array<std::byte, 10>>();
    int calls = 0;
    {
        asio::io_context context;
        weir::detail::read_service* ring = ring_of(context);
        if (!ring)
            return;
        for (int i = 0; i < 3; ++i) {
            auto read = std::make_unique<probe>([&calls, memory](std::error_code, std::size_t) { ++calls; },
                                                pipe.read.descriptor(), *memory);
            read->id = ring->next_id();
            ring->start(std::move(read));
        }
        while (context.poll() > 0) {
        }
    }
    CHECK(calls == 0);
    CHECK(memory.use_count() == 1);
    memory->fill(std::byte(1));
    REQUIRE(::write(pipe.write.descriptor(), "stolen", 6) == 6);
    CHECK(std::all_of(memory->begin(), memory->end(), [](std::byte b) { return b == std::byte(1); }));
}

TEST_CASE("ring: 16 direct reads in flight at the end of the io_context are waited for")
{
    test::temp_dir dir;
    constexpr std::size_t block = 1 << 20;
    const std::string path = dir.write("file", pattern(16 * block));
    for (const weir::backend backend : backends()) {
        std::vector<std::unique_ptr<std::byte, decltype(&std::free)>> blocks;
        for (int i = 0; i < 16; ++i)
            blocks.emplace_back(static_cast<std::byte*>(std::aligned_alloc(4096, block)), &std::free);
        int calls = 0;
        try {
            asio::io_context context;
            weir::random_access_file file(context.get_executor(), path, {.backend = backend, .direct = true});
            for (std::size_t i = 0; i < 16; ++i)
                file.async_read_some_at(i * block, asio::buffer(blocks[i].get(), block),
                                        [&](error_code, std::size_t) { ++calls; });
            context.run_one(); // the ring's turn: all are submitted
        }
        catch (const weir::error& failure) {
            MESSAGE("no O_DIRECT here: " << failure.what());
            return;
        }
        CHECK(calls < 16);
        for (const auto& memory : blocks)
            std::fill_n(memory.get(), block, std::byte(0xee));
        // A late write of the kernel would show, now or when the blocks are freed under ASan.
        for (const auto& memory : blocks)
            CHECK(std::all_of(memory.get(), memory.get() + block, [](std::byte b) { return b == std::byte(0xee); }));
    }
}

TEST_CASE("ring: after a fork the parent goes on with its reads, and the child has a ring of its own")
{
    asio::io_context context;
    weir::detail::read_service* ring = ring_of(context);
    if (!ring)
        return;
    test::temp_dir dir;
    const weir::file_handle file = weir::file_handle::open(dir.write("file", "0123456789"));
    pipe_ends pipe;
    std::array<std::byte, 10> memory;
    std::size_t got = 0;
    const auto start = [&](int descriptor, std::uint64_t offset) {
        auto read = std::make_unique<probe>([&](std::error_code, std::size_t count) { got = count; }, descriptor, memory);
        read->offset = offset;
        const std::uint64_t id = read->id = ring->next_id();
        ring->start(std::move(read));
        return id;
    };
    const std::uint64_t waiting = start(pipe.read.descriptor(), static_cast<std::uint64_t>(-1));
    while (context.poll() > 0) {
    }
    context.notify_fork(asio::execution_context::fork_prepare);
    const pid_t child = ::fork();
    if (child == 0) {
        context.notify_fork(asio::execution_context::fork_child);
        ring->cancel(waiting); // it is the parent's pipe
        context.run();
        context.restart();
        start(file.descriptor(), 4);
        context.run();
        ::_exit(got == 6 ? 0 : 1);
    }
    context.notify_fork(asio::execution_context::fork_parent);
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    while (context.poll() > 0) {
    }
    REQUIRE(::write(pipe.write.descriptor(), "hello", 5) == 5);
    context.run();
    CHECK(got == 5);
}

TEST_CASE("ring: reads go on when the thread that submitted them has ended")
{
    asio::io_context context;
    weir::detail::read_service* ring = ring_of(context);
    if (!ring)
        return;
    pipe_ends pipe;
    std::array<std::byte, 10> memory;
    std::size_t got = 0;
    auto read = std::make_unique<probe>([&](std::error_code, std::size_t count) { got = count; },
                                        pipe.read.descriptor(), memory);
    read->id = ring->next_id();
    ring->start(std::move(read));
    std::thread([&] {
        while (context.poll() > 0) {
        }
    }).join();
    REQUIRE(::write(pipe.write.descriptor(), "hello", 5) == 5);
    context.restart();
    context.run();
    CHECK(got == 5);
}

TEST_CASE("threads: what waits for a thread can be cancelled, what a thread is in completes")
{
    asio::io_context context;
    weir::detail::read_service& threads = weir::detail::find_threads(context.get_executor());
    test::temp_dir dir;
    const weir::file_handle file = weir::file_handle::open(dir.write("file", "0123456789"));

    // Holds every read until the gate opens.
    class gate final : public weir::detail::fault_injector {
    public:
        std::optional<long> on_read(int, std::uint64_t, std::size_t) override
        {
            ++entered;
            opened.wait(false);
            return std::nullopt;
        }
        std::atomic<int> entered = 0;
        std::atomic<bool> opened = false;
    } held;
    weir::detail::scoped_faults install(held);

    std::array<std::byte, 10> memory[5];
    std::atomic<int> aborted = 0, read = 0;
    std::uint64_t last = 0;
    for (auto& each : memory) {
        auto operation = std::make_unique<probe>(
            [&](std::error_code failure, std::size_t) {
                ++(failure ? aborted : read);
                read.notify_all();
            },
            file.descriptor(), each);
        operation->offset = 0;
        last = operation->id = threads.next_id();
        threads.start(std::move(operation));
    }
    threads.cancel(last); // four threads: the fifth waits
    CHECK(aborted == 1);
    held.opened = true;
    held.opened.notify_all();
    for (int now = read; now < 4; now = read)
        read.wait(now);
    CHECK(read == 4);
}

} // namespace
