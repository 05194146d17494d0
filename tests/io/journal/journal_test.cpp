// A journal is read as it was written, up to the first byte that is not; nobody else's file is taken for one.

#include "support/files.hpp"
#include "support/full_disk.hpp"
#include "support/seed.hpp"
#include "support/temp_dir.hpp"

#include "journal/codec.hpp"

#include <weir/error.hpp>
#include <weir/journal.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using test::content_of;
using weir::errc;
using weir::journal;
using entry = std::pair<std::uint32_t, std::string>;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::vector<entry> read_all(journal& from)
{
    std::vector<entry> found;
    while (const auto record = from.next())
        found.emplace_back(record->kind, std::string(reinterpret_cast<const char*>(record->content.data()),
                                                     record->content.size()));
    return found;
}

std::vector<entry> read_all(const std::string& path)
{
    journal opened(path);
    return read_all(opened);
}

void write_all(journal& to, const std::vector<entry>& entries)
{
    for (const entry& each : entries)
        to.append(each.first, bytes_of(each.second));
    to.flush();
}

std::error_code failure_of(const std::function<void()>& call)
{
    try {
        call();
    }
    catch (const weir::error& failure) {
        return failure.code();
    }
    return {};
}

std::error_code failure_of_open(const std::string& path)
{
    return failure_of([&] { journal opened(path); });
}

const std::vector<entry> some = {{1, "first"}, {2, ""}, {7, std::string(journal::most_content_bytes, 'x')}, {3, "last"}};

TEST_CASE("journal: what was written is read, by the next process too")
{
    const test::temp_dir directory;
    const std::string path = directory / "j";
    {
        journal made(path);
        CHECK(!made.next());
        write_all(made, some);
        CHECK(made.position() == std::filesystem::file_size(path));
    }
    {
        journal again(path);
        CHECK(read_all(again) == some);
        write_all(again, {{9, "more"}});
    }
    auto all = some;
    all.emplace_back(9, "more");
    CHECK(read_all(path) == all);
}

TEST_CASE("journal: it is its user's alone, and what others may write to is refused")
{
    const test::temp_dir directory;
    const std::string path = directory / "j";
    write_all(*std::make_unique<journal>(path), some);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    REQUIRE(::chmod(path.c_str(), 0620) == 0);
    CHECK(failure_of_open(path) == std::errc::operation_not_permitted);
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    std::filesystem::create_symlink("j", directory / "link");
    CHECK(failure_of_open(directory / "link") == std::errc::too_many_symbolic_link_levels);
    CHECK(failure_of_open(directory.path()) == std::errc::is_a_directory);
    REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
    CHECK(failure_of_open(directory / "fifo") == errc::damaged);
    CHECK(read_all(path) == some);
}

TEST_CASE("journal: two cannot have one")
{
    const test::temp_dir directory;
    const std::string path = directory / "j";
    {
        const journal held(path);
        CHECK(failure_of_open(path) == errc::in_use);
    }
    CHECK(!failure_of_open(path));
}

TEST_CASE("journal: what is dropped is gone at once, and what was before it stays")
{
    const test::temp_dir directory;
    const std::string path = directory / "j";
    {
        journal made(path);
        write_all(made, {{1, "first"}, {2, "second"}, {3, "third"}});
    }
    journal opened(path);
    REQUIRE(opened.next());
    opened.drop_rest();
    const std::uint64_t end = opened.position();
    CHECK(std::filesystem::file_size(path) == end);
    CHECK(!opened.next());
    write_all(opened, {{4, "fourth"}});
    opened.seek(end);
    REQUIRE(opened.next());
    CHECK(!opened.next());
}

TEST_CASE("journal: cut off at any byte, it ends with the last record that is whole")
{
    const test::temp_dir directory;
    const std::string path = directory / "j";
    const std::vector<entry> entries = {{1, "first"}, {2, ""}, {3, "third"}};
    std::vector<std::uint64_t> ends;
    {
        journal made(path);
        ends.push_back(made.position());
        for (const entry& each : entries) {
            write_all(made, {each});
            ends.push_back(made.position());
        }
    }
    const std::string whole = content_of(path);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        CAPTURE(size);
        directory.write("j", std::string_view(whole).substr(0, size));
        const auto count = static_cast<std::size_t>(
            std::upper_bound(ends.begin(), ends.end(), size) - ends.begin());
        std::vector<entry> expected(entries.begin(), entries.begin() + static_cast<long>(count ? count - 1 : 0));
        {
            journal opened(path);
            CHECK(read_all(opened) == expected);
            write_all(opened, {{4, "after"}});
        }
        expected.emplace_back(4, "after");
        CHECK(read_all(path) == expected);
    }
}

TEST_CASE("journal: a changed byte ends it there, or is found in its head; zeros at its end are no records")
{
    const test::temp_dir directory;
    const std::string path = directory / "j";
    const std::vector<entry> entries = {{1, "first"}, {2, "second"}};
    write_all(*std::make_unique<journal>(path), entries);
    const std::string whole = content_of(path);
    const std::size_t second = weir::detail::journal_head_bytes + weir::detail::journal_record_head_bytes + 5;
    for (std::size_t at = 0; at != whole.size(); ++at) {
        CAPTURE(at);
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        directory.write("j", changed);
        if (at < weir::detail::journal_head_bytes) {
            const auto failure = failure_of_open(path);
            const bool refused = failure == errc::damaged || failure == errc::newer_version;
            CHECK(refused);
            CHECK(content_of(path) == changed);
        }
        else {
            CHECK(read_all(path).size() == (at < second ? 0 : 1));
        }
    }
    directory.write("j", whole + std::string(5000, '\0'));
    CHECK(read_all(path) == entries);
    directory.write("j", std::string(5000, '\0'));
    CHECK(read_all(path).empty());
}

TEST_CASE("journal: of a newer version, and what is none, are left as they are")
{
    const test::temp_dir directory;
    const std::string path = directory / "j";
    write_all(*std::make_unique<journal>(path), some);
    std::string newer = content_of(path);
    newer[8] = 2;
    directory.write("j", newer);
    CHECK(failure_of_open(path) == errc::newer_version);
    CHECK(content_of(path) == newer);
    for (const std::string text : {"dear diary\n", "weirjournal of somebody else, long enough to be one of ours"}) {
        const std::string other = directory.write("other", text);
        CHECK(failure_of_open(other) == errc::damaged);
        CHECK(content_of(other) == text);
    }
}

TEST_CASE("journal: records count only where they were written, and in the journal that they were written for")
{
    const test::temp_dir directory;
    write_all(*std::make_unique<journal>(directory / "a"), {{1, "one"}, {1, "two"}});
    write_all(*std::make_unique<journal>(directory / "b"), {{1, "one"}, {1, "two"}});
    const std::string a = content_of(directory / "a"), b = content_of(directory / "b");
    constexpr std::size_t head = weir::detail::journal_head_bytes;
    const std::size_t record = weir::detail::journal_record_head_bytes + 3;
    CHECK(read_all(directory.write("c", a.substr(0, head) + b.substr(head))).empty());
    CHECK(read_all(directory.write("d", a + a.substr(head))).size() == 2);
    CHECK(read_all(directory.write("e", a.substr(0, head) + a.substr(head + record))).empty());
}

TEST_CASE("journal: what is read again and written over is as if it had never been longer")
{
    const test::temp_dir directory;
    const std::string path = directory / "j";
    {
        journal opened(path);
        write_all(opened, {{1, "one"}, {2, "two"}, {3, "three"}});
    }
    {
        journal opened(path);
        (void)opened.next();
        const std::uint64_t behind_first = opened.position();
        CHECK(opened.next()->kind == 2);
        CHECK(opened.next()->kind == 3);
        opened.seek(behind_first);
        write_all(opened, {{4, "two"}}); // as long as what was there: the third would fit behind it
    }
    CHECK(read_all(path) == std::vector<entry>{{1, "one"}, {4, "two"}});
}

TEST_CASE("journal: cleared, it is another one; removed, its name is free for the next")
{
    const test::temp_dir directory;
    const std::string path = directory / "j";
    journal first(path);
    const weir::digest sealed = first.seal("a", "text");
    CHECK(first.seal("a", "text") == sealed);
    CHECK(first.seal("at", "ext") != sealed);
    write_all(first, some);
    first.clear();
    CHECK(!first.next());
    CHECK(first.seal("a", "text") != sealed);
    first.remove();
    CHECK(!std::filesystem::exists(path));
    journal second(path); // while the first still has its lock
    CHECK(!second.next());
    second.remove();
    second.remove();
}

TEST_CASE("journal: on a full disk the record fails that did not fit, and is not there; it goes on when there is room")
{
    const test::temp_dir directory;
    const std::string path = directory / "j";
    const entry fits{1, std::string(1000, 'a')}, more{2, std::string(1000, 'b')}, small{3, "c"};
    journal opened(path);
    write_all(opened, {fits});
    {
        const test::full_disk full(1500);
        opened.append(more.first, bytes_of(more.second));
        CHECK(failure_of([&] { opened.flush(); }) == std::errc::file_too_large);
        CHECK(std::filesystem::file_size(path) == 1500);
        opened.flush(); // there is nothing left to try
        opened.seek(weir::detail::journal_head_bytes);
        CHECK(read_all(opened) == std::vector<entry>{fits});
    }
    write_all(opened, {small});
    opened.seek(weir::detail::journal_head_bytes);
    CHECK(read_all(opened) == std::vector<entry>{fits, small});
    CHECK(failure_of([&] {
              const test::full_disk full(10);
              journal made(directory / "new");
          }) == std::errc::file_too_large);
    CHECK(read_all(directory / "new").empty());
}

TEST_CASE("journal: any records come back, however many are flushed at once")
{
    auto random = test::generator(1);
    const test::temp_dir directory;
    std::vector<entry> all;
    for (int run = 0; run != 6; ++run) {
        journal opened(directory / "j");
        CHECK(read_all(opened) == all);
        for (std::uint64_t i = random() % 60; i != 0; --i) {
            const auto size = random() % 4 == 0 ? random() % (journal::most_content_bytes + 1) : random() % 100;
            all.emplace_back(static_cast<std::uint32_t>(random()), std::string(size, static_cast<char>(random())));
            opened.append(all.back().first, bytes_of(all.back().second));
            if (random() % 3 == 0)
                opened.flush();
        }
        opened.sync();
    }
    CHECK(read_all(directory / "j") == all);
}

} // namespace
