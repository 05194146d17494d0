// Archives that nobody writes who means well: each ends in a typed error, or says what it is not.

#include "archive_reading.hpp"
#include "tar_writing.hpp"

#include "support/seed.hpp"

#include <doctest/doctest.h>

using test::bench;
using test::pax_header;
using test::pax_record;
using test::tar_file;
using test::tar_header;
using weir::errc;

namespace {

/// Ends the archive after its first entry, and says how.
std::error_code end_of(bench& b, const std::string& headers)
{
    return test::read_text(b, tar_file("first", "1") + headers + tar_file("last", "n") + test::tar_end()).ended;
}

std::string header_with_size(std::string_view field)
{
    std::string out = tar_header({.name = "x"});
    test::put(out, 124, field);
    test::sign(out);
    return out;
}

weir::archive_options with(const weir::archive_limits& limits)
{
    weir::archive_options out;
    out.limits = limits;
    return out;
}

} // namespace

TEST_CASE("tar: a size that is none ends the archive")
{
    bench b;
    for (const std::int64_t negative : {std::int64_t{-1}, std::int64_t{-512}, std::numeric_limits<std::int64_t>::min()})
        CHECK(end_of(b, header_with_size(test::base_256(negative))) == errc::corrupt_data);
    std::string beyond = test::base_256(0); // 2^64
    beyond[3] = '\1';
    CHECK(end_of(b, header_with_size(beyond)) == errc::corrupt_data);
    CHECK(end_of(b, header_with_size("00000000-12\0")) == errc::corrupt_data);
    CHECK(end_of(b, header_with_size("0000000000x\0")) == errc::corrupt_data);
    CHECK(end_of(b, header_with_size("00000000009\0")) == errc::corrupt_data);
}

TEST_CASE("tar: a size near the largest number refuses the entry; what follows is missing")
{
    bench b;
    for (const std::string& field : {test::base_256(std::numeric_limits<std::int64_t>::max()),
                                     test::base_256(std::int64_t{1} << 62), std::string(12, '7')}) {
        const test::reading all = test::read_text(b, header_with_size(field) + tar_file("next", "n"));
        CHECK(all.ended == errc::truncated);
        REQUIRE(all.entries.size() == 1);
        CHECK(all.entries[0].refused == errc::limit_exceeded);
    }
    weir::archive_limits none;
    none.max_entry_bytes = none.max_content_bytes = weir::unlimited;
    const std::string most = header_with_size(test::base_256(std::numeric_limits<std::int64_t>::max()));
    const test::reading all = test::read_text(b, most + "content", {}, with(none));
    CHECK(all.ended == errc::truncated);
    CHECK(all.entries.at(0).refused == errc::truncated);
    CHECK(all.entries.at(0).content == "content");
}

TEST_CASE("tar: a record of pax that is malformed ends the archive")
{
    bench b;
    for (const std::string_view records :
         {"5 a=b\n", "8 a=b\n", "0 a=b\n", "6 ab c\n", "7 =bcd\n", "x", "99999999999999999999999 a=b\n", " ",
          "-6 a=b\n", "6 a=bc", "11 size=-1\n", "11 size=0x1\n", "31 size=18446744073709551615000\n",
          "28 size=9223372036854775808\n"})
        CHECK_MESSAGE(end_of(b, pax_header(records)) == errc::corrupt_data, records);
    CHECK(end_of(b, pax_header(pax_record("path", std::string_view("a\0b", 3)))) == errc::corrupt_data);
    CHECK(!end_of(b, pax_header("")));
    CHECK(!end_of(b, pax_header(pax_record("path", "good") + pax_record("mtime", "no number"))));
}

TEST_CASE("tar: the headers of an entry are at most 1 MiB together, however many they are")
{
    bench b;
    const auto records_of = [](std::size_t bytes) { return pax_record("comment", std::string(bytes - 16, 'c')); };
    const std::string half = records_of(500'000);
    CHECK(!end_of(b, pax_header(half) + pax_header(half)));
    CHECK(end_of(b, pax_header(half) + pax_header(half) + pax_header(half)) == errc::limit_exceeded);
    CHECK(end_of(b, pax_header(half, 'g') + tar_file("", half, 'L') + tar_file("", half, 'K')) == errc::limit_exceeded);
    std::string many;
    for (int i = 0; i < 3000; ++i)
        many += pax_header("");
    CHECK(end_of(b, many) == errc::limit_exceeded);
    CHECK(!end_of(b, many.substr(0, 1000 * 512)));
    // It is said before any of it is read.
    CHECK(end_of(b, tar_header({.size = 07777777777, .type = 'x'})) == errc::limit_exceeded);
}

TEST_CASE("tar: a name has at most 64 KiB")
{
    bench b;
    for (const std::size_t size : {65'536, 65'537}) {
        const std::string name(size, 'n');
        const std::error_code expected = size == 65'536 ? std::error_code() : errc::limit_exceeded;
        CHECK(end_of(b, pax_header(pax_record("path", name)) + tar_file("", "")) == expected);
        CHECK(end_of(b, pax_header(pax_record("linkpath", name)) + tar_file("", "")) == expected);
        CHECK(end_of(b, tar_file("", name, 'L') + tar_file("", "")) == expected);
        CHECK(end_of(b, tar_file("", name, 'K') + tar_file("", "")) == expected);
    }
}

TEST_CASE("tar: a header of the archive is not one of its entry's")
{
    bench b;
    CHECK(end_of(b, pax_header(pax_record("path", "a")) + pax_header(pax_record("path", "b"), 'g'))
          == errc::corrupt_data);
    CHECK(end_of(b, tar_file("", "name", 'L') + tar_header({.type = 'V'})) == errc::corrupt_data);
}

TEST_CASE("tar: unsafe names are refused, unless they are asked for")
{
    bench b;
    for (const char* name : {"/etc/passwd", "../up", "a/../../up", "..", ""}) {
        CAPTURE(name);
        const std::string text =
            pax_header(pax_record("path", name)) + tar_file(name, "content") + tar_file("next", "n");
        const test::reading all = test::read_text(b, text);
        REQUIRE(all.entries.size() == 2);
        CHECK(all.entries[0].entry.name == name);
        CHECK(all.entries[0].refused == errc::unsafe_name);
        CHECK(all.entries[1].content == "n");
        weir::archive_options trusting;
        trusting.refuse_unsafe_names = false;
        CHECK(test::read_text(b, text, {}, trusting).entries.at(0).content == "content");
    }
}

TEST_CASE("tar: limits of entries and of their bytes hold exactly")
{
    bench b;
    const std::string text = tar_file("a", "123") + tar_file("b", "1234") + tar_file("c", "1") + test::tar_end();
    weir::archive_limits limits;
    limits.max_entries = 3;
    limits.max_entry_bytes = 3;
    const test::reading all = test::read_text(b, text, {}, with(limits));
    CHECK(!all.ended);
    REQUIRE(all.entries.size() == 3);
    CHECK(!all.entries[0].refused);
    CHECK(all.entries[1].refused == errc::limit_exceeded);
    CHECK(all.entries[2].content == "1");
    limits.max_entries = 2;
    const test::reading two = test::read_text(b, text, {}, with(limits));
    CHECK(two.ended == errc::limit_exceeded);
    CHECK(two.entries.size() == 2);
}

TEST_CASE("tar: any change of an archive whose checksums are made to fit has an outcome, the same at all cuts")
{
    bench b;
    std::string text = pax_header(pax_record("path", "name") + pax_record("size", "4")) + tar_file("x", "data")
        + tar_header({.name = "dir", .type = '5'}) + tar_file("././@LongLink", "long", 'L', test::gnu_magic)
        + tar_file("y", std::string(600, 'y')) + test::tar_end();
    std::mt19937_64 random = test::generator(2);
    for (int round = 0; round < 400; ++round) {
        CAPTURE(round);
        std::string changed = text;
        for (std::size_t i = 0; i <= random() % 4; ++i)
            changed[random() % changed.size()] = static_cast<char>(random() % 3 == 0 ? random() : '0' + random() % 10);
        for (std::size_t place = 0; place + 512 <= changed.size(); place += 512) {
            std::string block = changed.substr(place, 512);
            if (block.substr(257, 5) == "ustar") {
                test::sign(block);
                changed.replace(place, 512, block);
            }
        }
        const test::reading whole = test::read_text(b, changed);
        test::script cuts;
        cuts.read_size = [&random] { return 1 + random() % 600; };
        CHECK(test::read_text(b, changed, cuts) == whole);
    }
    CHECK(b.engine.pool().check());
}
