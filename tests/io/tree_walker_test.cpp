#include <weir/tree_walker.hpp>

#include "support/temp_dir.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using weir::entry_kind;
using weir::tree_entry;
using weir::tree_options;
using weir::tree_walker;

std::vector<tree_entry> walk(const std::string& root, tree_options options = {}, std::size_t batch = 7)
{
    tree_walker walker(std::move(options));
    walker.add(root);
    std::vector<tree_entry> all;
    while (walker.next_batch(all, batch)) {
    }
    return all;
}

std::set<std::string> paths(const std::vector<tree_entry>& entries, entry_kind kind)
{
    std::set<std::string> found;
    for (const tree_entry& entry : entries)
        if (entry.kind == kind)
            CHECK(found.insert(entry.path).second);
    return found;
}

std::size_t open_descriptors()
{
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++count;
    return count;
}

// A chain of directories below `root`, each with one file; names long enough to leave PATH_MAX behind.
void make_chain(const std::string& root, int depth, std::size_t name_length)
{
    weir::file_handle at = weir::file_handle::open(root);
    const std::string name(name_length, 'd');
    std::error_code failure;
    for (int i = 0; i < depth; ++i) {
        REQUIRE(::mkdirat(at.descriptor(), name.c_str(), 0700) == 0);
        at = at.open_below(name.c_str(), weir::open_flags::directory, failure);
        REQUIRE_FALSE(failure);
        weir::file_handle file(::openat(at.descriptor(), "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        REQUIRE(file);
        REQUIRE(::write(file.descriptor(), &i, sizeof i) == sizeof i);
    }
}

TEST_CASE("tree_walker: every file is found once, named by the argument, a slash and the path below it")
{
    test::temp_dir dir;
    const std::set<std::string> expected{dir.write("a", "1"), dir.write("b/c", "2"), dir.write("b/d/e", "3"),
                                         dir.write(".hidden/f", "4")};
    std::filesystem::create_directories(dir / "empty/inner");
    for (std::size_t batch : {1, 2, 100})
        CHECK(paths(walk(dir.path(), {}, batch), entry_kind::file) == expected);
    for (const std::string& path : paths(walk(dir.path() + "/"), entry_kind::file))
        CHECK(expected.count(path) == 1);
}

TEST_CASE("tree_walker: arguments may be files, be missing, and come while the walk goes on")
{
    test::temp_dir dir;
    tree_walker walker;
    walker.add(dir.write("a", "1"));
    walker.add(dir / "missing");
    std::vector<tree_entry> entries;
    while (walker.next_batch(entries, 1)) {
    }
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].kind == entry_kind::file);
    CHECK(entries[1].kind == entry_kind::error);
    CHECK(entries[1].error == std::errc::no_such_file_or_directory);
    CHECK(entries[1].path == dir / "missing");
    walker.add(dir / "a");
    walker.add("");
    entries.clear();
    while (walker.next_batch(entries, 10)) {
    }
    CHECK(entries.size() == 2);
    CHECK(walker.counts().files == 2);
    CHECK(walker.counts().errors == 2);
}

TEST_CASE("tree_walker: an entry opens the file it names, also below a directory that was moved since")
{
    test::temp_dir dir;
    dir.write("b/c", "content");
    const std::vector<tree_entry> entries = walk(dir.path());
    std::filesystem::rename(dir / "b", dir / "moved");
    REQUIRE(entries.size() == 1);
    std::error_code failure;
    const weir::file_handle file = entries[0].open(weir::open_flags::none, failure);
    CHECK_FALSE(failure);
    CHECK(file.info().size == 7);
}

TEST_CASE("tree_walker: links in a tree are followed only if asked, links as arguments always")
{
    test::temp_dir dir;
    dir.write("tree/file", "1");
    dir.write("target/inner", "2");
    std::filesystem::create_symlink(dir / "target", dir / "tree/to_directory");
    std::filesystem::create_symlink(dir / "target/inner", dir / "tree/to_file");
    std::filesystem::create_symlink(dir / "nowhere", dir / "tree/dangling");
    std::filesystem::create_symlink(dir / "tree", dir / "argument");

    CHECK(paths(walk(dir / "argument"), entry_kind::file) == std::set<std::string>{dir / "argument/file"});
    const auto followed = walk(dir / "tree", {.follow_links = true});
    CHECK(paths(followed, entry_kind::file)
          == std::set<std::string>{dir / "tree/file", dir / "tree/to_file", dir / "tree/to_directory/inner"});
    CHECK(paths(followed, entry_kind::error) == std::set<std::string>{dir / "tree/dangling"});
}

TEST_CASE("tree_walker: a loop through links is an ELOOP entry, and the rest goes on")
{
    test::temp_dir dir;
    dir.write("tree/a/file", "1");
    dir.write("tree/z", "2");
    std::filesystem::create_symlink("..", dir / "tree/a/up");
    std::filesystem::create_symlink(dir.path(), dir / "tree/a/above");
    std::filesystem::create_symlink("self", dir / "tree/self");
    const auto entries = walk(dir / "tree", {.follow_links = true});
    CHECK(paths(entries, entry_kind::error)
          == std::set<std::string>{dir / "tree/a/up", dir / "tree/a/above/tree", dir / "tree/self"});
    for (const tree_entry& entry : entries)
        if (entry.kind == entry_kind::error)
            CHECK(entry.error == std::errc::too_many_symbolic_link_levels);
    CHECK(paths(entries, entry_kind::file) == std::set<std::string>{dir / "tree/a/file", dir / "tree/z"});
}

TEST_CASE("tree_walker: excluded names and paths are left out with all that is below them")
{
    test::temp_dir dir;
    for (const char* name : {"keep", "a.o", "src/b.o", "src/keep", "build/x/y", "deep/build/z", "deep/one/two/t"})
        dir.write(name, "1");
    tree_options options;
    for (const char* pattern : {"*.o", "build", "deep/**/t"})
        options.exclude.emplace_back(pattern);
    CHECK(paths(walk(dir.path(), options), entry_kind::file) == std::set<std::string>{dir / "keep", dir / "src/keep"});
}

TEST_CASE("tree_walker: FIFOs in a tree are skipped and counted, as an argument they are to be read")
{
    test::temp_dir dir;
    dir.write("file", "1");
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    tree_walker walker;
    walker.add(dir.path());
    walker.add(dir / "fifo");
    walker.add("/dev/null");
    std::vector<tree_entry> entries;
    while (walker.next_batch(entries, 1)) {
    }
    CHECK(paths(entries, entry_kind::skipped) == std::set<std::string>{dir / "fifo"});
    CHECK(paths(entries, entry_kind::special) == std::set<std::string>{dir / "fifo", "/dev/null"});
    CHECK(walker.counts().skipped == 1);
}

TEST_CASE("tree_walker: one file system leaves out what is mounted below")
{
    struct stat above, below;
    if (::stat("/dev", &above) != 0 || ::stat("/dev/shm", &below) != 0 || above.st_dev == below.st_dev) {
        MESSAGE("skipped: /dev/shm is no file system of its own here");
        return;
    }
    const std::string own = "/dev/shm/weir-test-" + std::to_string(::getpid());
    std::ofstream(own) << "1";
    const auto everywhere = paths(walk("/dev"), entry_kind::file);
    const auto here = walk("/dev", {.one_file_system = true});
    std::filesystem::remove(own);
    CHECK(everywhere.contains(own));
    for (const tree_entry& entry : here)
        CHECK_FALSE(entry.path.starts_with("/dev/shm/"));
    CHECK(paths(here, entry_kind::skipped).contains("/dev/null")); // what is not mounted below is there
}

TEST_CASE("tree_walker: names that are not UTF-8 come as they are")
{
    test::temp_dir dir;
    const std::string path = dir.write("\xff\xfe name", "1");
    CHECK(paths(walk(dir.path()), entry_kind::file) == std::set<std::string>{path});
}

TEST_CASE("tree_walker: a tree deeper than the open levels and longer than PATH_MAX is walked whole")
{
    test::temp_dir dir;
    constexpr int depth = 150;
    make_chain(dir.path(), depth, 60);
    for (std::size_t open : {2, 5, 1000}) {
        const auto entries = walk(dir.path(), {.max_open_directories = open}, 3);
        CHECK(paths(entries, entry_kind::file).size() == depth);
        CHECK(paths(entries, entry_kind::error).empty());
    }
}

TEST_CASE("tree_walker: a level that was given up goes on where it was")
{
    test::temp_dir dir;
    std::set<std::string> expected;
    for (int i = 0; i < 40; ++i) {
        expected.insert(dir.write("f" + std::to_string(i), "1"));
        expected.insert(dir.write("d" + std::to_string(i) + "/a/b/c/f", "1"));
    }
    std::filesystem::create_directory_symlink(dir / "d0/a", dir / "link");
    expected.insert(dir / "link/b/c/f");
    const auto entries = walk(dir.path(), {.follow_links = true, .max_open_directories = 2});
    CHECK(paths(entries, entry_kind::file) == expected);
    CHECK(paths(entries, entry_kind::error).empty());
}

TEST_CASE("tree_walker: out of descriptors, outer levels are given up instead of failing")
{
    test::temp_dir dir;
    make_chain(dir.path(), 40, 4);
    rlimit before;
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit few = before;
    few.rlim_cur = open_descriptors() + 12;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    tree_walker walker;
    walker.add(dir.path());
    std::size_t files = 0;
    for (std::vector<tree_entry> batch; walker.next_batch(batch, 1); batch.clear())
        files += batch[0].kind == entry_kind::file;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(files == 40);
    CHECK(walker.counts().errors == 0);
}

TEST_CASE("tree_walker: a large directory comes in batches, which keep few directories open")
{
    test::temp_dir dir;
    for (int i = 0; i < 5000; ++i)
        std::ofstream(dir / std::to_string(i));
    for (int i = 0; i < 100; ++i)
        dir.write("d" + std::to_string(i) + "/f", "1");
    const std::size_t before = open_descriptors();
    tree_walker walker({.max_batch_directories = 8});
    walker.add(dir.path());
    std::size_t files = 0;
    std::size_t open = 0;
    for (std::vector<tree_entry> batch; walker.next_batch(batch, 64); batch.clear()) {
        CHECK(batch.size() <= 64);
        files += batch.size();
        open = std::max(open, open_descriptors() - before);
    }
    CHECK(files == 5100);
    CHECK(open <= 8 + 4);
    CHECK(open_descriptors() == before);
}

TEST_CASE("tree_walker: in a deep tree a batch ends before its paths take much memory")
{
    test::temp_dir dir;
    const std::string deep = std::string(250, 'd') + "/" + std::string(250, 'e') + "/";
    for (int i = 0; i < 1000; ++i)
        dir.write(deep + std::string(200, 'f') + std::to_string(i), "1");
    tree_walker walker;
    walker.add(dir.path());
    std::size_t files = 0;
    for (std::vector<tree_entry> batch; walker.next_batch(batch, 5000); batch.clear()) {
        std::size_t bytes = 0;
        for (const tree_entry& entry : batch)
            bytes += entry.path.size();
        CHECK(bytes < (256 + 1) * 1024);
        files += batch.size();
    }
    CHECK(files == 1000);
}

// Names of few files, each of which has as many as a file may have on common file systems.
void make_many_entries(const test::temp_dir& dir, std::size_t count)
{
    constexpr std::size_t names_a_file = 30'000;
    std::string first;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string name = dir / ("entry-" + std::to_string(i));
        if (i % names_a_file == 0)
            std::ofstream(first = name);
        else
            REQUIRE(::link(first.c_str(), name.c_str()) == 0);
    }
}

// Of this process, in bytes. Begins anew where the system allows it.
std::size_t peak_memory(bool anew)
{
    if (anew)
        std::ofstream("/proc/self/clear_refs") << "5";
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
        if (std::size_t kib = 0; word == "VmHWM:" && status >> kib)
            return kib * 1024;
    return 0;
}

TEST_CASE("tree_walker: a directory of very many entries takes no more memory than a small one")
{
    const bool nightly = std::getenv("WEIR_NIGHTLY") != nullptr;
    const std::size_t count = nightly ? 1'000'000 : 100'000;
    test::temp_dir dir;
    make_many_entries(dir, count);
    const std::size_t before = peak_memory(true);
    tree_walker walker;
    walker.add(dir.path());
    std::size_t files = 0;
    for (std::vector<tree_entry> batch; walker.next_batch(batch, 64); batch.clear())
        files += batch.size();
    CHECK(files == count);
    [[maybe_unused]] const std::size_t grown = peak_memory(false) - before;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // they keep what is freed, or a shadow of it
    CHECK(grown < std::size_t{2} << 20);
#endif
}

TEST_CASE("tree_walker: a call ends soon where it finds nothing to give")
{
    test::temp_dir dir;
    for (int i = 0; i < 5'000; ++i)
        std::filesystem::create_symlink("nowhere", dir / std::to_string(i));
    tree_walker walker;
    walker.add(dir.path());
    std::vector<tree_entry> none;
    int calls = 0;
    while (walker.next_batch(none, 64))
        ++calls;
    CHECK(none.empty());
    CHECK(calls >= 4);
    CHECK(walker.counts().links == 5'000);
}

TEST_CASE("tree_walker: a directory that cannot be read is an error entry, and the rest goes on")
{
    test::temp_dir dir;
    dir.write("file", "1");
    std::filesystem::create_directory(dir / "closed");
    std::filesystem::permissions(dir / "closed", std::filesystem::perms::none);
    std::filesystem::permissions(dir.path(), std::filesystem::perms::all);
    const bool root = ::geteuid() == 0; // whom no permission stops
    if (root)
        REQUIRE(::seteuid(65534) == 0);
    const auto entries = walk(dir.path());
    if (root)
        REQUIRE(::seteuid(0) == 0);
    CHECK(paths(entries, entry_kind::error) == std::set<std::string>{dir / "closed"});
    CHECK(paths(entries, entry_kind::file) == std::set<std::string>{dir / "file"});
    for (const tree_entry& entry : entries)
        if (entry.kind == entry_kind::error)
            CHECK(entry.error == std::errc::permission_denied);
}

} // namespace
