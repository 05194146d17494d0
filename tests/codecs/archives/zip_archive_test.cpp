// Zip archives by their directory: what is well formed, in any order, by several at a time.
#include "zip_reading.hpp"

#include "support/seed.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <future>

namespace zip_archive_test {
namespace asio = boost::asio;
using test::bench;
using weir::archive_entry_type;
using weir::errc;

namespace {

using timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;

std::string text_of(const test::byte_vector& content)
{
    return {reinterpret_cast<const char*>(content.data()), content.size()};
}

/// One entry of each method and of some sizes, stored ones with and without descriptors.
test::byte_vector sample(std::vector<test::byte_vector>& contents)
{
    test::zip_writer writer;
    for (const std::uint16_t method : test::zip_methods())
        for (const std::size_t size : {0, 1, 5'000, 70'000}) {
            contents.push_back(test::words(size, size + method));
            const auto descriptor = size == 5'000 ? test::zip_descriptor::with_signature : test::zip_descriptor::none;
            writer.add({.name = std::to_string(method) + "/" + std::to_string(size), .content = contents.back(),
                        .method = method, .descriptor = descriptor});
        }
    return writer.finish();
}

/// An input whose sources give what they have in small pieces, and suspend.
class piecewise_input final : public weir::random_access_input {
public:
    explicit piecewise_input(const test::byte_vector& content) : content_(content) {}

    std::uint64_t size() const noexcept override { return content_.size(); }
    std::string_view name() const noexcept override { return "a.zip"; }
    std::unique_ptr<weir::source> open(std::uint64_t offset, std::uint64_t length) override
    {
        test::script how;
        how.read_size = [this] { return 1 + random_() % 700; };
        how.suspends = [this] { return random_() % 2 == 0; };
        how.wasteful = true;
        return std::make_unique<test::scripted_source>(std::span(content_).subspan(offset, length), how);
    }

private:
    const test::byte_vector& content_;
    std::mt19937_64 random_ = test::generator(31);
};

/// Counts the reads of its sources, which give all that they may.
class counting_input final : public weir::random_access_input {
public:
    explicit counting_input(const test::byte_vector& content) : content_(content) {}

    std::uint64_t size() const noexcept override { return content_.size(); }
    std::string_view name() const noexcept override { return "a.zip"; }
    std::unique_ptr<weir::source> open(std::uint64_t offset, std::uint64_t length) override
    {
        test::script how;
        how.read_size = [this] { return ++reads, SIZE_MAX; };
        return std::make_unique<test::scripted_source>(std::span(content_).subspan(offset, length), how);
    }

    int reads = 0;

private:
    const test::byte_vector& content_;
};

/// Reads ahead into every block that it finds free, as a source of a file does that its system does not have in memory.
class eager_source final : public weir::source {
public:
    explicit eager_source(std::span<const std::byte> content) : from_(content) {}

    asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        while (ahead_.empty() || memory.free_blocks() != 0) {
            weir::bytes next = co_await from_.read(memory, memory.block_bytes());
            if (next.empty())
                break;
            ahead_.append(std::move(next));
        }
        co_return ahead_.take_front(std::min(ahead_.size(), max_bytes));
    }
    std::string_view name() const noexcept override { return from_.name(); }
    asio::awaitable<void> close() override
    {
        ahead_.clear();
        return from_.close();
    }

private:
    test::scripted_source from_;
    weir::bytes ahead_;
};

class eager_input final : public weir::random_access_input {
public:
    explicit eager_input(const test::byte_vector& content) : content_(content) {}

    std::uint64_t size() const noexcept override { return content_.size(); }
    std::string_view name() const noexcept override { return "a.zip"; }
    std::unique_ptr<weir::source> open(std::uint64_t offset, std::uint64_t length) override
    {
        return std::make_unique<eager_source>(std::span(content_).subspan(offset, length));
    }

private:
    const test::byte_vector& content_;
};

/// An input of a user's that is cancelled by somebody else: its sources say so as errors of their own, at one read in turn.
class cancelled_input final : public weir::random_access_input {
public:
    cancelled_input(const test::byte_vector& content, int good_reads) : content_(content), good_reads_(good_reads) {}

    int cancelled = 0; ///< reads

    std::uint64_t size() const noexcept override { return content_.size(); }
    std::string_view name() const noexcept override { return "a.zip"; }
    std::unique_ptr<weir::source> open(std::uint64_t offset, std::uint64_t length) override
    {
        test::script how;
        how.read_size = [this] {
            if (good_reads_-- == 0) {
                ++cancelled;
                throw weir::error(std::make_error_code(std::errc::operation_canceled), "read", "a.zip");
            }
            return std::size_t{100};
        };
        return std::make_unique<test::scripted_source>(std::span(content_).subspan(offset, length), how);
    }

private:
    const test::byte_vector& content_;
    int good_reads_;
};

} // namespace

TEST_CASE("zip: every method, size and descriptor is read, whatever the sizes of reads")
{
    bench b;
    std::vector<test::byte_vector> contents;
    const test::byte_vector archive = sample(contents);
    for (const std::size_t most : {std::size_t{97}, std::size_t{9999}, std::size_t{1} << 20}) {
        const std::vector<test::zip_found> found = test::read_zip(b, archive, {}, most);
        REQUIRE(found.size() == contents.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            CAPTURE(found[i].entry.name);
            CHECK(!found[i].failure);
            CHECK(found[i].content == contents[i]);
            CHECK(found[i].entry.size == contents[i].size());
        }
    }
    const auto pieces = std::make_shared<piecewise_input>(archive);
    const std::vector<test::zip_found> found = test::read_zip(b, pieces);
    REQUIRE(found.size() == contents.size());
    for (std::size_t i = 0; i < found.size(); ++i)
        CHECK(found[i].content == contents[i]);
    CHECK(b.engine.pool().check());
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
}

TEST_CASE("zip: entries are read in any order, several at a time, on several threads")
{
    bench b;
    std::vector<test::byte_vector> contents;
    const test::byte_vector bytes = sample(contents);
    const std::unique_ptr<weir::archive> archive = test::open_zip(b, test::zip_input(bytes));
    CHECK(archive->format() == weir::archive_format::zip);
    CHECK(archive->reads_in_any_order());
    std::vector<weir::archive_entry> entries;
    while (std::optional<weir::archive_entry> next = test::await(b.context, archive->next()))
        entries.push_back(std::move(*next));
    CHECK(!test::await(b.context, archive->next())); // and again
    REQUIRE(entries.size() == contents.size());

    std::mt19937_64 random = test::generator(32);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < 4 * entries.size(); ++i)
        order.push_back(random() % entries.size());
    std::vector<weir::reservation> memories;
    for (std::size_t i = 0; i < order.size(); ++i)
        memories.push_back(b.engine.pool().try_reserve(1, b.engine.block_bytes()).value());
    std::vector<std::future<test::byte_vector>> readings;
    for (std::size_t i = 0; i < order.size(); ++i)
        readings.push_back(asio::co_spawn(asio::make_strand(b.engine.workers().executor()),
                                          test::zip_content(*archive, entries[order[i]], memories[i]), asio::use_future));
    for (std::size_t i = 0; i < order.size(); ++i)
        CHECK(readings[i].get() == contents[order[i]]);
    test::run(b.context, archive->close());
    CHECK(test::code_of([&] { return archive->open(entries[0]); }) == errc::closed);
    CHECK(test::code_of([&] { return test::await(b.context, archive->next()); }) == errc::closed);
}

TEST_CASE("zip: a small entry costs one read, header and content together")
{
    bench b;
    test::zip_writer writer;
    for (int i = 0; i < 100; ++i)
        writer.add({.name = "small" + std::to_string(i), .content = test::words(3000, 5), .method = 0});
    const test::byte_vector archive = writer.finish();
    const auto input = std::make_shared<counting_input>(archive);
    const std::vector<test::zip_found> found = test::read_zip(b, input);
    CHECK(found.size() == 100);
    CHECK(input->reads < 110); // the end, the directory twice, and each entry once
}

TEST_CASE("zip: names, types, modes, times and links are told")
{
    bench b;
    test::zip_writer writer;
    const auto attributes = [](std::uint32_t mode) {
        return [mode](test::zip_header& of) { of.attributes = mode << 16; };
    };
    writer.add({.name = "dir/", .change = attributes(040755)});
    writer.add({.name = "dir/program", .content = test::bytes_of("x"), .change = attributes(0104755)});
    writer.add({.name = "dir/link", .content = test::bytes_of("../elsewhere"), .change = attributes(0120777)});
    writer.add({.name = "pipe", .content = test::bytes_of("what came"), .change = attributes(010644)});
    writer.add({.name = "of dos", .change = [](test::zip_header& of) { of.made_by = 20, of.attributes = 0x20; }});
    writer.add({.name = "directory of dos", .change = [](test::zip_header& of) { of.made_by = 20, of.attributes = 0x10; }});
    writer.add({.name = "of nothing", .change = attributes(0)});
    const std::vector<test::zip_found> found = test::read_zip(b, writer.finish());
    REQUIRE(found.size() == 7);
    const archive_entry_type types[]
        = {archive_entry_type::directory, archive_entry_type::file, archive_entry_type::symbolic_link, archive_entry_type::file,
           archive_entry_type::file,      archive_entry_type::directory, archive_entry_type::file};
    const std::optional<std::uint32_t> modes[] = {0755, 04755, 0777, 0644, std::nullopt, std::nullopt, std::nullopt};
    for (std::size_t i = 0; i < found.size(); ++i) {
        CAPTURE(i);
        CHECK(found[i].entry.type == types[i]);
        CHECK(found[i].entry.mode == modes[i]);
        CHECK(!found[i].failure);
    }
    CHECK(text_of(found[3].content) == "what came");
    CHECK(found[2].entry.link_target == "../elsewhere");
    CHECK(text_of(found[2].content) == "../elsewhere");
}

TEST_CASE("zip: the time of change is that of Unix, of NTFS, or of MS-DOS")
{
    bench b;
    const std::string unix_time = test::zip_extra(0x5455, std::string("\1\xff\xff\xff\xff", 5)); // a second before 1970
    test::little_endian_text ntfs;
    ntfs.add<std::uint32_t>(0).add<std::uint16_t>(1).add<std::uint16_t>(24);
    ntfs.add<std::uint64_t>(116'444'736'000'000'000 + 10'000'001).add(std::string(16, '\0'));
    const std::string ntfs_time = test::zip_extra(10, ntfs.text());
    test::zip_writer writer;
    const auto dated = [](std::uint16_t date, std::uint16_t time, std::string extra) {
        return [=](test::zip_header& of) { of.date = date, of.time = time, of.extra = extra; };
    };
    const std::uint16_t day = 46 << 9 | 11 << 5 | 21; // 2026-11-21
    const std::uint16_t hour = 19 << 11 | 44 << 5 | 23;
    writer.add({.change = dated(day, hour, "")});
    writer.add({.change = dated(day, hour, ntfs_time)});
    writer.add({.change = dated(day, hour, ntfs_time + unix_time)});
    writer.add({.change = dated(0, 0, "")});
    writer.add({.change = dated(day, hour, std::string("\x55\x54\xff\xff", 4))}); // a field that is cut short
    const std::vector<test::zip_found> found = test::read_zip(b, writer.finish());
    REQUIRE(found.size() == 5);
    using namespace std::chrono;
    const timestamp dos = sys_days(2026y / November / 21) + 19h + 44min + 46s;
    CHECK(found[0].entry.modified == dos);
    CHECK(found[1].entry.modified == timestamp(1s + 100ns));
    CHECK(found[2].entry.modified == timestamp(-1s));
    CHECK(!found[3].entry.modified);
    CHECK(found[4].entry.modified == dos);
}

TEST_CASE("zip: a name in UTF-8 counts if it was made for the name that it stands beside")
{
    bench b;
    const auto path = test::zip_unicode_path;
    test::zip_writer writer;
    writer.add({.name = "a\x84", .change = [&](test::zip_header& of) { of.extra = path("a\x84", "a\u00e4"); }});
    writer.add({.name = "b\x84", .change = [&](test::zip_header& of) { of.extra = path("c\x84", "c\u00e4"); }});
    writer.add({.name = "d\u00e4", .change = [](test::zip_header& of) { of.flags |= 1 << 11; }});
    const std::vector<test::zip_found> found = test::read_zip(b, writer.finish());
    REQUIRE(found.size() == 3);
    CHECK(found[0].entry.name == "a\u00e4");
    CHECK(found[1].entry.name == "b\x84");
    CHECK(found[2].entry.name == "d\u00e4");
    for (const test::zip_found& each : found)
        CHECK(!each.failure);
}

TEST_CASE("zip: zip64, in the entries and at the end, is read as any other")
{
    bench b;
    const test::byte_vector content = test::words(50'000, 40);
    for (const bool end : {false, true}) {
        test::zip_writer writer;
        for (const std::uint16_t method : test::zip_methods())
            writer.add({.content = content, .method = method, .descriptor = test::zip_descriptor::wide_with_signature,
                        .change = [](test::zip_header& of) { of.zip64 = true; }});
        writer.zip64_end = end;
        writer.comment = "a comment";
        const std::vector<test::zip_found> found = test::read_zip(b, writer.finish());
        CHECK(found.size() == test::zip_methods().size());
        for (const test::zip_found& each : found) {
            CHECK(!each.failure);
            CHECK(each.content == content);
            CHECK(each.entry.size == content.size());
        }
    }
}

TEST_CASE("zip: links are told also while the source of the directory reads ahead into all that it has")
{
    bench b;
    test::zip_writer writer;
    const auto link = [](test::zip_header& of) { of.attributes = 0120777u << 16; };
    constexpr std::size_t count = 8000; // a directory of several windows
    for (std::size_t i = 0; i < count; ++i)
        writer.add({.name = "link" + std::to_string(i), .content = test::bytes_of("to" + std::to_string(i)), .change = link});
    const test::byte_vector archive = writer.finish();
    const std::unique_ptr<weir::archive> from = test::open_zip(b, std::make_shared<eager_input>(archive));
    std::size_t told = 0;
    while (const std::optional<weir::archive_entry> entry = test::await(b.context, from->next()))
        REQUIRE(entry->link_target == "to" + std::to_string(told++));
    CHECK(told == count);
    test::run(b.context, from->close());
}

TEST_CASE("zip: a long walk lets others have their turns, though it never waits")
{
    bench b;
    test::zip_writer writer;
    for (std::size_t i = 0; i < 60'000; ++i)
        writer.add({.name = std::to_string(i)});
    writer.zip64_end = true;
    const std::unique_ptr<weir::archive> from = test::open_zip(b, test::zip_input(writer.finish()));
    std::size_t entries = 0;
    const auto walk = [&]() -> asio::awaitable<void> {
        for (;;) {
            const std::optional<weir::archive_entry> next = co_await from->next();
            if (!next)
                break;
            ++entries;
        }
    };
    test::task<void> walking(b.context.get_executor(), walk());
    int turns = 0;
    for (b.context.restart(); !walking.done() && b.context.run_one() != 0; ++turns) {
    }
    CHECK(entries == 60'000);
    CHECK(turns > 5);
    test::run(b.context, from->close());
}

TEST_CASE("zip: an input that is cancelled is no fault of the archive, and the next call goes on")
{
    bench b;
    test::zip_writer writer;
    writer.add({.name = "file", .content = test::words(500, 3)});
    writer.add({.name = "link", .content = test::bytes_of("to"), .change = [](test::zip_header& of) {
                    of.attributes = 0120777u << 16;
                }});
    const test::byte_vector archive = writer.finish();
    int cancelled = 0;
    for (int good_reads = 0; good_reads < 40; ++good_reads) {
        CAPTURE(good_reads);
        const auto input = std::make_shared<cancelled_input>(archive, good_reads);
        std::unique_ptr<weir::archive> from;
        try {
            from = test::open_zip(b, input);
        }
        catch (const weir::error& why) {
            CHECK(why.code() == weir::condition::cancelled);
            continue;
        }
        std::vector<weir::archive_entry> found;
        for (bool more = true; more;) {
            try {
                std::optional<weir::archive_entry> next = test::await(b.context, from->next());
                more = next.has_value();
                if (more)
                    found.push_back(std::move(*next));
            }
            catch (const weir::error& why) {
                CHECK(why.code() == weir::condition::cancelled);
                ++cancelled;
            }
        }
        CHECK(input->cancelled <= 1);
        REQUIRE(found.size() == 2);
        CHECK(!found[1].refusal);
        CHECK(found[1].link_target == "to");
        test::run(b.context, from->close());
    }
    CHECK(cancelled > 1); // of the walk, and of the link
}

TEST_CASE("zip: a program in front of the archive moves it as a whole")
{
    bench b;
    for (const bool zip64 : {false, true}) {
        test::zip_writer writer;
        writer.zip64_end = zip64;
        const std::uint64_t at = writer.add({.content = test::bytes_of("content")});
        const test::byte_vector program = test::words(100'000, 41);
        const test::byte_vector archive = test::joined({program, writer.finish()});
        const std::vector<test::zip_found> found = test::read_zip(b, archive);
        REQUIRE(found.size() == 1);
        CHECK(text_of(found[0].content) == "content");
        CHECK(found[0].entry.offset == program.size() + at);
    }
}

TEST_CASE("zip: an archive may be empty, have a long comment, or a signature of its directory")
{
    bench b;
    test::zip_writer empty;
    CHECK(test::read_zip(b, empty.finish()).empty());
    empty.comment = std::string(0xffff, 'P');
    CHECK(test::read_zip(b, empty.finish()).empty());

    test::zip_writer writer;
    writer.add({.content = test::bytes_of("content")});
    const test::byte_vector plain = writer.finish();
    const std::string signature = std::string("PK\5\5\x4\0", 6) + "sign";
    const std::size_t end = plain.size() - 22;
    test::byte_vector archive(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(end));
    archive = test::joined({archive, test::bytes_of(signature), {plain.begin() + static_cast<std::ptrdiff_t>(end), plain.end()}});
    archive[archive.size() - 10] = static_cast<std::byte>(std::to_integer<unsigned>(archive[archive.size() - 10]) + signature.size());
    CHECK(test::read_zip(b, archive).size() == 1);
}

TEST_CASE("zip: entries may lie in another order than the directory's, with bytes of nobody between them")
{
    bench b;
    test::zip_writer writer;
    std::vector<test::byte_vector> contents;
    for (int i = 0; i < 50; ++i) {
        contents.push_back(test::words(static_cast<std::size_t>(i) * 100, static_cast<std::uint64_t>(i)));
        writer.add({.name = std::to_string(i), .content = contents.back()});
        writer.add_raw("deleted");
    }
    std::shuffle(writer.directory().begin(), writer.directory().end(), test::generator(42));
    const std::vector<test::zip_found> found = test::read_zip(b, writer.finish());
    REQUIRE(found.size() == contents.size());
    for (const test::zip_found& each : found) {
        CHECK(!each.failure);
        CHECK(each.content == contents[std::stoul(each.entry.name)]);
    }
}

TEST_CASE("zip: cancelled at any step of opening, walking or reading, it loses nothing")
{
    bench b;
    test::zip_writer writer;
    const test::byte_vector content = test::words(3000, 43);
    for (const std::uint16_t method : test::zip_methods())
        writer.add({.content = content, .method = method});
    writer.add({.name = "link", .content = test::bytes_of("to"), .change = [](test::zip_header& of) {
                    of.attributes = 0120777u << 16;
                }});
    const test::byte_vector archive = writer.finish();
    const auto stopped_after = [&](int steps, auto& task) {
        b.context.restart();
        for (int i = 0; i < steps && !task.done() && b.context.run_one() != 0; ++i)
            ;
        task.cancel();
        b.context.restart();
        b.context.run();
        CHECK(task.done());
    };
    for (int steps = 0; steps < 60; steps += 3) {
        CAPTURE(steps);
        const auto input = std::make_shared<piecewise_input>(archive);
        {
            test::task<std::unique_ptr<weir::archive>> opening(b.context.get_executor(),
                                                               weir::codecs::open_zip(b.engine, input, {}));
            stopped_after(steps, opening);
        }
        const std::unique_ptr<weir::archive> from = test::open_zip(b, input);
        weir::reservation memory = b.engine.pool().try_reserve(1, b.engine.block_bytes()).value();
        std::size_t count = 0;
        for (;;) {
            std::optional<weir::archive_entry> entry;
            test::task<std::optional<weir::archive_entry>> looking(b.context.get_executor(), from->next());
            stopped_after(steps, looking);
            if (looking.outcome().has_value())
                entry = std::move(looking.outcome()).value();
            else
                entry = test::await(b.context, from->next());
            if (!entry)
                break;
            ++count;
            const std::unique_ptr<weir::source> source = from->open(*entry);
            test::byte_vector out;
            test::task<void> reading(b.context.get_executor(), test::read_into(out, *source, memory, 1000));
            stopped_after(steps, reading);
            if (!reading.outcome().has_value())
                test::run(b.context, test::read_into(out, *source, memory, 1000));
            CHECK(out == (entry->name == "link" ? test::bytes_of("to") : content));
            if (entry->name == "link")
                CHECK(entry->link_target == "to");
            test::run(b.context, source->close());
        }
        CHECK(count == test::zip_methods().size() + 1);
        test::run(b.context, from->close());
        CHECK(memory.free_blocks() == 1);
    }
    CHECK(b.engine.pool().check());
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
}
} // namespace zip_archive_test
