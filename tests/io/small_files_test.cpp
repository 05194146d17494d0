#include <weir/small_files.hpp>

#include "files/fault_injection.hpp"
#include "files/read_service.hpp"
#include "support/temp_dir.hpp"

#include <weir/buffer_pool.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr std::size_t slot_bytes = std::size_t{16} << 10;

struct batch {
    explicit batch(std::vector<weir::tree_entry> files) : entries(std::move(files)), results(entries.size())
    {
        weir::buffer_pool pool;
        while (slots.size() < entries.size())
            for (weir::buffer& slot : weir::split(pool.acquire_now(slot_bytes), slot_bytes))
                if (slots.size() < entries.size())
                    slots.push_back(std::move(slot));
    }

    std::string content(std::size_t i) const
    {
        const auto filled = slots[i].span();
        return std::string(reinterpret_cast<const char*>(filled.data()), filled.size());
    }

    std::vector<weir::tree_entry> entries;
    std::vector<weir::buffer> slots;
    std::vector<weir::small_file> results;
};

batch walk_and_read(const std::string& root, weir::backend how)
{
    weir::tree_walker walker;
    walker.add(root);
    std::vector<weir::tree_entry> entries;
    while (walker.next_batch(entries, 100)) {
    }
    batch all(std::move(entries));
    weir::read_small_files(all.entries, all.slots, all.results, how);
    return all;
}

std::vector<weir::backend> ways()
{
    std::vector<weir::backend> all{weir::backend::threads, weir::backend::auto_};
    test::temp_dir dir;
    dir.write("file", "x");
    try {
        walk_and_read(dir.path(), weir::backend::uring);
        all.push_back(weir::backend::uring);
    }
    catch (const weir::error& failure) {
        MESSAGE(failure.what());
    }
    return all;
}

TEST_CASE("small_files: each is read whole into its slot, those that fill it are handed back open")
{
    test::temp_dir dir;
    std::map<std::string, std::string> expected;
    for (std::size_t i = 0; i < 300; ++i) {
        const std::size_t size = i % 50 == 0 ? slot_bytes - 1 + i / 50 : i % 50 == 1 ? i / 50 * 4096 : i * 37;
        std::string text(size, static_cast<char>('a' + i % 26));
        const std::string path = dir.write("d" + std::to_string(i % 7) + "/" + std::to_string(i), text);
        expected.emplace(path, std::move(text));
    }
    for (const weir::backend way : ways()) {
        CAPTURE(to_string(way));
        const batch read = walk_and_read(dir.path(), way);
        REQUIRE(read.entries.size() == expected.size());
        for (std::size_t i = 0; i < read.entries.size(); ++i) {
            const std::string& text = expected.at(read.entries[i].path);
            const weir::small_file& result = read.results[i];
            CHECK_FALSE(result.error);
            CHECK((result.result == weir::small_file::outcome::large) == (text.size() >= slot_bytes));
            if (result.result == weir::small_file::outcome::whole)
                CHECK(read.content(i) == text);
            else
                CHECK(result.file.info().size == text.size());
        }
    }
}

TEST_CASE("small_files: one that vanished or was replaced fails alone")
{
    test::temp_dir dir;
    for (int i = 0; i < 100; ++i)
        dir.write(std::to_string(i), "text");
    for (const weir::backend way : ways()) {
        weir::tree_walker walker;
        walker.add(dir.path());
        std::vector<weir::tree_entry> entries;
        while (walker.next_batch(entries, 1000)) {
        }
        batch all(std::move(entries));
        std::filesystem::remove(dir / "50");
        std::filesystem::remove(dir / "51");
        std::filesystem::create_directory(dir / "51");
        weir::read_small_files(all.entries, all.slots, all.results, way);
        for (std::size_t i = 0; i < all.entries.size(); ++i) {
            const std::string name = all.entries[i].name();
            if (name == "50")
                CHECK(all.results[i].error == std::errc::no_such_file_or_directory);
            else if (name == "51")
                CHECK(all.results[i].error == std::errc::is_a_directory);
            else
                CHECK(all.content(i) == "text");
            CHECK((all.results[i].result == weir::small_file::outcome::failed) == (name == "50" || name == "51"));
        }
        std::filesystem::remove(dir / "51");
        dir.write("50", "text");
        dir.write("51", "text");
    }
}

TEST_CASE("small_files: what was swapped for a FIFO or a link after the walk is skipped, and delays none of the others")
{
    test::temp_dir outside;
    const std::string secret = outside.write("secret", "not of this tree");
    for (const weir::backend way : ways()) {
        CAPTURE(to_string(way));
        test::temp_dir dir;
        for (int i = 0; i < 100; ++i)
            dir.write(std::to_string(i), "text");
        weir::tree_walker walker;
        walker.add(dir.path());
        std::vector<weir::tree_entry> entries;
        while (walker.next_batch(entries, 1000)) {
        }
        batch all(std::move(entries));
        for (const char* name : {"10", "20", "30"})
            std::filesystem::remove(dir / name);
        REQUIRE(::mkfifo((dir / "10").c_str(), 0600) == 0);
        REQUIRE(::mkfifo((dir / "20").c_str(), 0600) == 0);
        const weir::file_handle silent_writer(::open((dir / "20").c_str(), O_RDWR | O_CLOEXEC));
        std::filesystem::create_symlink(secret, dir / "30");
        weir::read_small_files(all.entries, all.slots, all.results, way);
        for (std::size_t i = 0; i < all.entries.size(); ++i) {
            const std::string name = all.entries[i].name();
            const bool swapped = name == "10" || name == "20" || name == "30";
            CAPTURE(name);
            CHECK(all.content(i) == (swapped ? "" : "text"));
            CHECK_FALSE(all.results[i].error);
            CHECK((all.results[i].result == weir::small_file::outcome::skipped) == swapped);
        }
    }
}

TEST_CASE("small_files: links are followed where the walk follows them, and an argument that became a FIFO is open")
{
    test::temp_dir outside;
    const std::string target = outside.write("target", "elsewhere");
    weir::tree_entry fifo;
    fifo.path = outside / "fifo";
    REQUIRE(::mkfifo(fifo.path.c_str(), 0600) == 0);
    test::temp_dir dir;
    std::filesystem::create_symlink(target, dir / "link");
    weir::tree_walker walker({.follow_links = true});
    walker.add(dir.path());
    std::vector<weir::tree_entry> entries{fifo};
    while (walker.next_batch(entries, 1000)) {
    }
    for (const weir::backend way : {weir::backend::threads, weir::backend::auto_}) {
        CAPTURE(to_string(way));
        batch all(entries);
        weir::read_small_files(all.entries, all.slots, all.results, way);
        CHECK(all.results[0].result == weir::small_file::outcome::large);
        CHECK(all.results[0].file.info().type == weir::file_type::fifo);
        CHECK(all.content(1) == "elsewhere");
    }
}

TEST_CASE("small_files: an argument without a size that is on no disk, as in /proc, is open and unread: it may wait")
{
    weir::tree_entry entry;
    entry.path = "/proc/self/status";
    test::temp_dir dir;
    weir::tree_entry empty;
    empty.path = dir.write("empty", "");
    for (const weir::backend way : ways()) {
        batch all({entry, empty});
        weir::read_small_files(all.entries, all.slots, all.results, way);
        CHECK(all.results[0].result == weir::small_file::outcome::large);
        REQUIRE(all.results[0].file);
        CHECK(::lseek(all.results[0].file.descriptor(), 0, SEEK_CUR) == 0);
        CHECK(all.results[1].result == weir::small_file::outcome::whole);
    }
}

TEST_CASE("small_files: a link into /proc from another file system is read until nothing comes too")
{
    const std::string in_proc = "/proc/self/maps"; // as long as that, and told by the page
    test::temp_dir dir;
    std::filesystem::create_symlink(in_proc, dir / "link");
    weir::tree_walker walker({.follow_links = true});
    walker.add(dir.path());
    std::vector<weir::tree_entry> entries;
    while (walker.next_batch(entries, 1000)) {
    }
    REQUIRE(entries.size() == 1);
    for (const weir::backend way : ways()) {
        CAPTURE(to_string(way));
        batch all(entries);
        weir::read_small_files(all.entries, all.slots, all.results, way);
        const bool whole = all.results[0].result == weir::small_file::outcome::whole;
        const bool large = all.results[0].result == weir::small_file::outcome::large; // it filled its slot
        CHECK((large || (whole && all.content(0).find("[stack]") != std::string::npos)));
    }
}

TEST_CASE("small_files: without a ring plain calls read, and a ring that was asked for is an error")
{
    class refusing final : public weir::detail::fault_injector {
        std::optional<int> on_setup() override { return -EPERM; }
    } faults;
    weir::detail::scoped_faults install(faults);
    test::temp_dir dir;
    dir.write("file", "text");
    // In a thread of its own, which has no ring yet.
    std::thread([&] {
        CHECK(walk_and_read(dir.path(), weir::backend::auto_).content(0) == "text");
        std::error_code failure;
        try {
            walk_and_read(dir.path(), weir::backend::uring);
        }
        catch (const weir::error& refused) {
            failure = refused.code();
        }
        CHECK(failure == weir::errc::backend_unavailable);
    }).join();
}

TEST_CASE("small_files: the ring needs no plain call for what fits its slot")
{
    class failing final : public weir::detail::fault_injector {
        std::optional<long> on_read(int, std::uint64_t, std::size_t) override { return -EIO; }
    } faults;
    const std::vector<weir::backend> possible = ways();
    if (std::find(possible.begin(), possible.end(), weir::backend::uring) == possible.end())
        return;
    test::temp_dir dir;
    for (int i = 1; i <= 200; ++i)
        dir.write(std::to_string(i), std::string(static_cast<std::size_t>(i), 'x'));
    weir::detail::scoped_faults install(faults);
    const batch all = walk_and_read(dir.path(), weir::backend::uring);
    for (std::size_t i = 0; i < all.entries.size(); ++i)
        CHECK(all.content(i).size() == std::stoul(all.entries[i].name()));
}

TEST_CASE("small_files: an error while reading is that file's alone, and an interruption is not seen")
{
    class scripted final : public weir::detail::fault_injector {
    public:
        std::optional<long> on_read(int, std::uint64_t, std::size_t) override
        {
            switch (calls++) {
            case 0: return -EINTR;
            case 2: return -EIO;
            default: return std::nullopt;
            }
        }
        int calls = 0;
    } faults;
    test::temp_dir dir;
    dir.write("one", "text");
    dir.write("two", "text");
    weir::detail::scoped_faults install(faults);
    const batch all = walk_and_read(dir.path(), weir::backend::threads);
    const bool second_failed = all.results[1].error == std::errc::io_error;
    const bool first_failed = all.results[0].error == std::errc::io_error; // where the end takes a read of its own
    CHECK(first_failed != second_failed);
    CHECK(all.content(0) == (first_failed ? "" : "text"));
    CHECK(all.content(1) == (second_failed ? "" : "text"));
}

TEST_CASE("small_files: a read that only has to be made again is made again, but not for ever")
{
    class scripted final : public weir::detail::fault_injector {
    public:
        explicit scripted(int refusals) : left(refusals) {}
        std::optional<long> on_read(int, std::uint64_t, std::size_t) override
        {
            constexpr std::array<long, 3> kinds{-EINTR, -EAGAIN, -ECANCELED};
            return left > 0 ? std::optional(kinds[static_cast<std::size_t>(--left) % 3]) : std::nullopt;
        }
        int left;
    };
    test::temp_dir dir;
    dir.write("file", "text");
    for (const bool too_many : {false, true}) {
        CAPTURE(too_many);
        scripted faults(static_cast<int>(weir::detail::max_retries) + too_many);
        weir::detail::scoped_faults install(faults);
        const batch all = walk_and_read(dir.path(), weir::backend::threads);
        CHECK(faults.left == 0);
        CHECK(bool(all.results[0].error) == too_many);
        CHECK(all.content(0) == (too_many ? "" : "text"));
    }
}

TEST_CASE("small_files: a disk error behind the first page, which makes a read short, is no end")
{
    class bad_page final : public weir::detail::fault_injector {
    public:
        std::optional<long> on_read(int, std::uint64_t offset, std::size_t) override
        {
            return offset < 4096 ? 4096 : -EIO;
        }
        int on_chain_result(unsigned step, int result) override { return step == 1 ? 4096 : result; }
    } faults;
    test::temp_dir dir;
    dir.write("file", std::string(12'000, 'x'));
    for (const weir::backend way : ways()) {
        CAPTURE(to_string(way));
        weir::detail::scoped_faults install(faults);
        const batch all = walk_and_read(dir.path(), way);
        CHECK(all.results[0].error == std::errc::io_error);
        CHECK(all.content(0).empty());
    }
}

bool has_ring()
{
    const std::vector<weir::backend> possible = ways();
    return std::find(possible.begin(), possible.end(), weir::backend::uring) != possible.end();
}

// The name of each file is its length. None is empty: that is made sure of by a plain call.
std::size_t write_files(const test::temp_dir& dir, std::size_t count)
{
    for (std::size_t i = 1; i <= count; ++i)
        dir.write(std::to_string(i), std::string(i, 'x'));
    return count;
}

void check_lengths(const batch& all)
{
    for (std::size_t i = 0; i < all.entries.size(); ++i) {
        CHECK_FALSE(all.results[i].error);
        CHECK(all.content(i).size() == std::stoul(all.entries[i].name()));
    }
}

TEST_CASE("small_files: a chain that nobody cancelled, that was interrupted or put off is read by plain calls")
{
    class scripted final : public weir::detail::fault_injector {
    public:
        int on_chain_result(unsigned step, int result) override
        {
            constexpr std::array<int, 3> kinds{-ECANCELED, -EINTR, -EAGAIN};
            return step == failing && ++changed % 2 == 0 ? kinds[changed % 3] : result;
        }
        std::optional<long> on_read(int, std::uint64_t, std::size_t) override
        {
            ++plain_reads;
            return std::nullopt;
        }
        unsigned failing = 0;
        std::size_t changed = 0;
        std::size_t plain_reads = 0;
    };
    if (!has_ring())
        return;
    test::temp_dir dir;
    const std::size_t count = write_files(dir, 200);
    for (const unsigned step : {0U, 1U}) { // to open, to read
        CAPTURE(step);
        scripted faults;
        faults.failing = step;
        weir::detail::scoped_faults install(faults);
        check_lengths(walk_and_read(dir.path(), weir::backend::uring));
        CHECK(faults.plain_reads == 2 * (count / 2)); // the second of each gives nothing
    }
}

TEST_CASE("small_files: a ring that takes nothing any more is given up, and the files are read all the same")
{
    class refusing final : public weir::detail::fault_injector {
    public:
        std::optional<int> on_submit() override
        {
            return submissions++ < accepted ? std::nullopt : std::optional(-EAGAIN);
        }
        unsigned submissions = 0;
        unsigned accepted = 0;
    };
    if (!has_ring())
        return;
    test::temp_dir dir;
    const std::size_t count = write_files(dir, 300);
    for (const unsigned accepted : {0U, 1U, 3U}) { // some of the files have been read by then, some are under way
        CAPTURE(accepted);
        std::thread([&] { // has a ring of its own
            weir::tree_walker walker;
            walker.add(dir.path());
            std::vector<weir::tree_entry> entries;
            while (walker.next_batch(entries, count)) {
            }
            batch all(std::move(entries));
            refusing faults;
            faults.accepted = accepted;
            {
                weir::detail::scoped_faults install(faults);
                weir::read_small_files(all.entries, all.slots, all.results, weir::backend::uring);
            }
            check_lengths(all);
            CHECK(faults.submissions >= accepted + weir::detail::max_retries);
            CHECK(faults.submissions <= accepted + 2 * weir::detail::max_retries);
            CHECK_THROWS_AS(walk_and_read(dir.path(), weir::backend::uring), weir::error);
            check_lengths(walk_and_read(dir.path(), weir::backend::auto_));
        })
            .join();
    }
}

// Whether a child of this process reads all files of `dir` as they are. A child that hangs is ended by its alarm.
bool child_reads(const std::string& dir, weir::backend how)
{
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(60);
        const batch all = walk_and_read(dir, how);
        bool good = !all.entries.empty();
        for (std::size_t i = 0; i < all.entries.size(); ++i)
            good = good && !all.results[i].error && all.content(i).size() == std::stoul(all.entries[i].name());
        ::_exit(good ? 0 : 1);
    }
    int status = -1;
    return ::waitpid(child, &status, 0) == child && status == 0;
}

TEST_CASE("small_files: after a fork the child reads by a ring of its own, and the parent's goes on")
{
    test::temp_dir dir;
    write_files(dir, 100);
    for (const weir::backend way : ways()) {
        CAPTURE(to_string(way));
        check_lengths(walk_and_read(dir.path(), way)); // the ring is there before the fork
        CHECK(child_reads(dir.path(), way));
        check_lengths(walk_and_read(dir.path(), way));
    }
}

} // namespace
