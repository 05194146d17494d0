#include <weir/open_archive.hpp>

#include "archive_reading.hpp"
#include "tar_writing.hpp"

#include "support/sanitized.hpp"
#include "support/seed.hpp"

#include <doctest/doctest.h>

namespace asio = boost::asio;
using test::bench;
using test::tar_file;
using test::tar_header;
using weir::archive_entry_type;
using weir::errc;

namespace {

/// An archive with most of what there is, and nothing that is refused.
std::string mixed_archive()
{
    const std::string long_name(300, 'n');
    std::string sparse = tar_header({.name = "sparse", .size = 7, .type = 'S', .magic = test::gnu_magic});
    test::put(sparse, 386, test::octal(1000, 11) + test::octal(3, 11) + test::octal(5000, 11) + test::octal(4, 11));
    test::put(sparse, 483, test::octal(6000, 11));
    test::sign(sparse);
    return test::pax_header(test::pax_record("comment", "made by a test"), 'g') + tar_file("small", "content")
        + tar_header({.name = "dir/", .type = '5', .mode = 0755}) + tar_file("dir/empty", "")
        + tar_file("block", std::string(512, 'b')) + tar_header({.name = "link", .type = '2', .link = "../out"})
        + tar_header({.name = "hard", .size = 7, .type = '1', .link = "small", .magic = test::gnu_magic})
        + tar_file("././@LongLink", long_name + '\0', 'L', test::gnu_magic) + tar_file("cut", "of a long name")
        + test::pax_header(test::pax_record("path", "p\xc3\xa4x") + test::pax_record("mtime", "-1.5")
                           + test::pax_record("size", "5"))
        + tar_header({.name = "other"}) + test::padded("12345") + sparse + test::padded("abcdefg")
        + tar_file("last", std::string(3000, 'z')) + test::tar_end();
}

std::string name_of(const test::read_entry& from) { return from.entry.name; }

template <class Get> auto all_of(const test::reading& from, Get get)
{
    std::vector<decltype(get(from.entries.front()))> out;
    for (const test::read_entry& each : from.entries)
        out.push_back(get(each));
    return out;
}

test::script cut_at_random(std::mt19937_64& random, bool wasteful = false)
{
    test::script out;
    out.read_size = [&random] { return 1 + random() % (random() % 3 == 0 ? 3000 : 40); };
    out.suspends = [&random] { return random() % 4 == 0; };
    out.wasteful = wasteful;
    return out;
}

std::chrono::sys_time<std::chrono::nanoseconds> seconds_after_1970(double seconds)
{
    return std::chrono::sys_time<std::chrono::nanoseconds>(
        std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9)));
}

} // namespace

TEST_CASE("tar: entries come in order with what their headers say, and their contents")
{
    bench b;
    const std::string text = mixed_archive();
    const test::reading all = test::read_text(b, text);
    CHECK(all.message.empty());
    CHECK(all_of(all, name_of)
          == std::vector<std::string>{"small", "dir/", "dir/empty", "block", "link", "hard", std::string(300, 'n'),
                                      "p\xc3\xa4x", "sparse", "last"});
    REQUIRE(all.entries.size() == 10);
    const auto& entries = all.entries;
    CHECK(entries[0].content == "content");
    CHECK(entries[0].entry.offset == 1024);
    CHECK(entries[0].entry.size == 7u);
    CHECK(entries[0].entry.stored_bytes == 7);
    CHECK(entries[0].entry.method == "stored");
    CHECK(entries[0].entry.mode == 0644);
    CHECK(entries[0].entry.modified == seconds_after_1970(1'600'000'000));
    CHECK(entries[1].entry.type == archive_entry_type::directory);
    CHECK(entries[3].content == std::string(512, 'b'));
    CHECK(entries[4].entry.type == archive_entry_type::symbolic_link);
    CHECK(entries[4].entry.link_target == "../out");
    CHECK(entries[5].entry.type == archive_entry_type::hard_link);
    CHECK(entries[5].entry.size == 0u);
    CHECK(entries[6].content == "of a long name");
    CHECK(text.substr(entries[6].entry.offset, 7) == "././@Lo");
    CHECK(entries[7].content == "12345");
    CHECK(entries[7].entry.modified == seconds_after_1970(-1.5));
    const std::string sparse = std::string(1000, '\0') + "abc" + std::string(3997, '\0') + "defg";
    CHECK(entries[8].content == sparse + std::string(996, '\0'));
    CHECK(entries[8].entry.stored_bytes == 7);
    CHECK(entries[9].content == std::string(3000, 'z'));
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
    CHECK(b.engine.pool().check());
}

TEST_CASE("tar: the cuts of the input and of the reads change nothing")
{
    bench b;
    const std::string text = mixed_archive();
    const test::reading whole = test::read_text(b, text);
    std::mt19937_64 random = test::generator(1);
    for (int round = 0; round < 60; ++round) {
        CAPTURE(round);
        const test::reading_options reads{.max_bytes = 1 + random() % 2000};
        CHECK(test::read_text(b, text, cut_at_random(random, round % 2 == 0), {}, reads) == whole);
    }
    CHECK(b.engine.pool().check());
}

TEST_CASE("tar: contents that are not read are passed over")
{
    bench b;
    const std::string text = mixed_archive();
    const test::reading whole = test::read_text(b, text);
    for (const std::size_t every : {2, 3, 100}) {
        const test::reading some = test::read_text(b, text, {}, {}, {.every = every});
        CHECK(!some.ended);
        CHECK(all_of(some, name_of) == all_of(whole, name_of));
        for (std::size_t i = every - 1; i < some.entries.size(); i += every)
            CHECK(some.entries[i] == whole.entries[i]);
    }
}

TEST_CASE("tar: wherever the archive is cut off, that is found, or it is a place where it may end")
{
    bench b;
    const std::string text = mixed_archive();
    const test::reading whole = test::read_text(b, text);
    for (std::size_t size = 0; size < text.size(); ++size) {
        const bool is_near_a_block = size % 512 < 2 || size % 512 == 511;
        if (test::is_sanitized && !is_near_a_block && size % 11 != 0)
            continue;
        CAPTURE(size);
        const test::reading part = test::read_text(b, std::string_view(text).substr(0, size));
        const std::size_t begun = part.entries.size();
        const std::size_t next = begun < whole.entries.size() ? whole.entries[begun].entry.offset : text.size() - 1024;
        if (size < 512) // what it begins with may not be seen yet
            CHECK((part.ended == errc::bad_format || (size > 261 && part.ended == errc::truncated)));
        else if (size == next || size >= text.size() - 512)
            CHECK(!part.ended);
        else
            CHECK(part.ended == errc::truncated);
        for (std::size_t i = 0; i + 1 < part.entries.size(); ++i)
            CHECK(part.entries[i] == whole.entries[i]);
    }
}

TEST_CASE("tar: any byte of a header that changes is found")
{
    bench b;
    const std::string first = tar_file("first", "1");
    const std::string text = first + tar_file("second", "2") + test::tar_end();
    for (std::size_t place = 0; place < 512; ++place)
        for (const char flip : {'\x01', '\x80'}) {
            std::string changed = text;
            changed[first.size() + place] = static_cast<char>(changed[first.size() + place] ^ flip);
            const test::reading all = test::read_text(b, changed);
            CAPTURE(place);
            const bool is_padding = place == 154 || place == 155; // what follows the digits of the checksum
            if (is_padding && !all.ended)
                continue;
            REQUIRE(all.entries.size() == 1);
            CHECK(all.ended == errc::checksum_mismatch);
            CHECK(all.message.find("1024") != std::string::npos);
        }
}

TEST_CASE(
    "tar: two blocks of zeros end it, one does, and so does the end of the input; what follows is read and ignored")
{
    bench b;
    const std::string text = tar_file("one", "1");
    const test::reading whole = test::read_text(b, text + test::tar_end());
    CHECK(whole.entries.size() == 1);
    CHECK(!whole.ended);
    CHECK(test::read_text(b, text) == whole);
    CHECK(test::read_text(b, text + std::string(512, '\0')) == whole);
    CHECK(test::read_text(b, text + std::string(10'240, '\0')) == whole);
    CHECK(test::read_text(b, text + test::tar_end() + tar_file("two", "2") + test::tar_end()) == whole);
    CHECK(test::read_text(b, text + std::string(512, '\0') + "garbage") == whole);
    test::script broken;
    broken.fails_at = text.size() + 5000;
    const test::reading failed = test::read_text(b, text + std::string(10'240, '\0'), broken);
    CHECK(failed.entries == whole.entries);
    CHECK(failed.ended == std::errc::io_error);
}

TEST_CASE("tar: a header that lacks its entry is found at the end")
{
    bench b;
    const std::string text = tar_file("one", "1") + test::pax_header(test::pax_record("path", "x"));
    CHECK(test::read_text(b, text).ended == errc::truncated);
    CHECK(test::read_text(b, text + test::tar_end()).ended == errc::corrupt_data);
    const std::string global = test::pax_header(test::pax_record("comment", "of git"), 'g');
    CHECK(!test::read_text(b, global + test::tar_end()).ended);
    CHECK(!test::read_text(b, global).ended);
}

TEST_CASE("tar: headers without a magic, and with a checksum of signed bytes, are known")
{
    bench b;
    std::string old = tar_header({.name = "v7/", .type = '\0', .magic = test::no_magic});
    CHECK(test::read_text(b, old + test::tar_end()).entries.at(0).entry.type == archive_entry_type::directory);
    std::string is_signed = tar_header({.name = "\xe4\xf6\xfc", .type = '\0', .magic = test::no_magic});
    std::int64_t sum = 0;
    test::put(is_signed, 148, "        ");
    for (const char each : is_signed)
        sum += static_cast<signed char>(each);
    test::put(is_signed, 148, test::octal(static_cast<std::uint64_t>(sum), 6));
    CHECK(test::read_text(b, is_signed + test::tar_end()).entries.at(0).entry.name == "\xe4\xf6\xfc");
}

TEST_CASE("tar: types become what they are, unknown ones files; sizes of links are no contents")
{
    bench b;
    const std::pair<char, archive_entry_type> without[] = {
        {'1', archive_entry_type::hard_link}, {'2', archive_entry_type::symbolic_link},
        {'3', archive_entry_type::other},     {'4', archive_entry_type::other},
        {'5', archive_entry_type::directory}, {'6', archive_entry_type::other},
    };
    for (const auto& each : without) {
        const char type = each.first;
        const archive_entry_type expected = each.second;
        CAPTURE(type);
        const test::reading all = test::read_text(b, tar_header({.size = 700, .type = type}) + tar_file("next", "n"));
        REQUIRE(all.entries.size() == 2);
        CHECK(all.entries[0].entry.type == expected);
        CHECK(all.entries[0].content.empty());
        CHECK(!all.entries[0].refused);
        CHECK(all.entries[1].content == "n");
    }
    for (const char type : {'\0', '0', '7', 'Z', '\xff'}) {
        const test::reading all = test::read_text(b, tar_file("content", "of a file", type));
        REQUIRE(all.entries.size() == 1);
        CHECK(all.entries[0].entry.type == archive_entry_type::file);
        CHECK(all.entries[0].content == "of a file");
    }
    const test::reading slash = test::read_text(b, tar_file("dir/", "ignored") + tar_file("next", "n"));
    REQUIRE(slash.entries.size() == 2);
    CHECK(slash.entries[0].entry.type == archive_entry_type::directory);
    CHECK(slash.entries[0].content.empty());
    CHECK(slash.entries[1].content == "n");
    const test::reading label = test::read_text(b, tar_header({.name = "label", .type = 'V'}) + tar_file("next", "n"));
    CHECK(all_of(label, name_of) == std::vector<std::string>{"next"});
}

TEST_CASE("tar: a hard link of pax has the content that its size says, whatever that looks like")
{
    bench b;
    const std::string comment = test::pax_record("comment", "pax");
    const std::string inner = tar_file("invented", "inner") + test::tar_end();
    for (const std::string& content : {std::string("content"), std::string(1024, '\0'), inner}) {
        const std::string link = tar_header({.name = "link", .size = content.size(), .type = '1', .link = "first"});
        const std::string body = test::padded(content);
        const std::string behind = tar_file("after", "a") + test::tar_end();
        for (const std::string& front : {test::pax_header(comment), test::pax_header(comment, 'g'), test::pax_header(comment, 'X')}) {
            const test::reading all = test::read_text(b, front + link + body + behind);
            CHECK(!all.ended);
            REQUIRE(all_of(all, name_of) == std::vector<std::string>{"link", "after"});
            CHECK(all.entries[0].entry.type == archive_entry_type::hard_link);
            CHECK(all.entries[0].entry.size == content.size());
            CHECK(all.entries[0].content == content);
            CHECK(all.entries[0].entry.link_target == "first");
        }
        const std::string size = test::pax_header(test::pax_record("size", std::to_string(content.size())));
        const test::reading by_record
            = test::read_text(b, size + tar_header({.name = "link", .type = '1', .link = "first"}) + body + behind);
        CHECK(all_of(by_record, name_of) == std::vector<std::string>{"link", "after"});
        const test::reading none = test::read_text(b, test::pax_header(comment) + tar_header({.type = '1'}) + behind);
        CHECK(all_of(none, name_of) == std::vector<std::string>{"file", "after"});
    }
    // Where GNU tar or an older one wrote since, a size is a mistake of theirs.
    for (const std::string_view magic : {test::gnu_magic, test::no_magic}) {
        const std::string old = tar_header({.name = "link", .size = 7, .type = '1', .link = "first", .magic = magic});
        const test::reading all = test::read_text(b, test::pax_header(comment) + old + tar_file("after", "a"));
        CHECK(all_of(all, name_of) == std::vector<std::string>{"link", "after"});
    }
}

TEST_CASE("tar: a time of pax that cannot be told is not known, and the header's is another")
{
    bench b;
    const auto modified = [&b](std::string_view value) {
        const test::reading all = test::read_text(b, test::pax_header(test::pax_record("mtime", value))
                                                         + tar_header({.name = "x", .modified = 0}) + test::tar_end());
        return all.entries.at(0).entry.modified;
    };
    for (const std::string_view value : {"9223372036", "99999999999", "253402300799", "-9223372037", "99999999999999999999"})
        CHECK(!modified(value));
    CHECK(modified("9223372034") == std::chrono::sys_seconds(std::chrono::seconds(9'223'372'034)));
    CHECK(modified("") == seconds_after_1970(0)); // it takes one away
}

TEST_CASE("tar: what is not read is refused by name, and passed over")
{
    bench b;
    for (const char type : {'M', 'D', 'N'}) {
        const test::reading all = test::read_text(b, tar_file("x", "content", type) + tar_file("next", "n"));
        CAPTURE(type);
        REQUIRE(all.entries.size() == 2);
        CHECK(all.entries[0].refused == errc::unsupported_format);
        CHECK(all.entries[0].entry.refusal != nullptr);
        CHECK(all.entries[1].content == "n");
    }
    for (const char* key : {"GNU.volume.offset", "GNU.dumpdir", "SCHILY.realsize"}) {
        const test::reading all = test::read_text(
            b, test::pax_header(test::pax_record(key, "1")) + tar_file("x", "content") + tar_file("next", "n"));
        REQUIRE(all.entries.size() == 2);
        CHECK(all.entries[0].refused == errc::unsupported_format);
        CHECK(!all.entries[1].refused);
    }
}

TEST_CASE("tar: global headers hold until others come, those of an entry for that one")
{
    bench b;
    const std::string text = test::pax_header(test::pax_record("mtime", "1"), 'g') + tar_file("a", "")
        + test::pax_header(test::pax_record("mtime", "2")) + tar_file("b", "") + tar_file("c", "")
        + test::pax_header(test::pax_record("comment", "no time"), 'g') + tar_file("d", "");
    const test::reading all = test::read_text(b, text);
    CHECK(!all.ended);
    CHECK(all_of(all, name_of) == std::vector<std::string>{"a", "b", "c", "d"});
    CHECK(all_of(all, [](const test::read_entry& each) { return each.entry.modified; })
          == std::vector<std::optional<std::chrono::sys_time<std::chrono::nanoseconds>>>{
              seconds_after_1970(1), seconds_after_1970(2), seconds_after_1970(1), seconds_after_1970(1)});
}

TEST_CASE("tar: a global header gives no name, target, size or map: they belong to one entry")
{
    bench b;
    const std::string records = test::pax_record("path", "all") + test::pax_record("linkpath", "all")
        + test::pax_record("size", "1") + test::pax_record("GNU.sparse.name", "all")
        + test::pax_record("GNU.sparse.size", "100") + test::pax_record("GNU.sparse.map", "0,4,50,3");
    const test::reading all = test::read_text(b, test::pax_header(records, 'g') + tar_file("a", "content")
                                                     + tar_header({.name = "link", .type = '2', .link = "target"})
                                                     + test::pax_header(records) + tar_file("b", ""));
    REQUIRE(all.entries.size() == 3);
    CHECK(all.entries[0].entry.name == "a");
    CHECK(all.entries[0].content == "content");
    CHECK(all.entries[1].entry.name == "link");
    CHECK(all.entries[1].entry.link_target == "target");
    CHECK(all.entries[2].entry.name == "all");
    CHECK(all.entries[2].entry.size == 100u);
}

TEST_CASE("tar: names of ustar have a prefix, names of pax go before those of GNU")
{
    bench b;
    const std::string gnu = tar_file("././@LongLink", "of gnu", 'L', test::gnu_magic);
    const std::string link = tar_file("././@LongLink", std::string("target\0rest", 11), 'K', test::gnu_magic);
    const std::string text = tar_header({.name = "name", .prefix = "pre/fix"})
        + tar_header({.name = "name", .prefix = "no prefix", .magic = test::gnu_magic}) + gnu + link
        + tar_header({.type = '2'}) + gnu + test::pax_header(test::pax_record("path", "of pax")) + tar_file("x", "");
    const test::reading all = test::read_text(b, text);
    CHECK(all_of(all, name_of) == std::vector<std::string>{"pre/fix/name", "name", "of gnu", "of pax"});
    CHECK(all.entries.at(2).entry.link_target == "target");
}
