#include "archives/tar_sparse.hpp"

#include "archive_reading.hpp"
#include "tar_writing.hpp"

#include <doctest/doctest.h>

using test::bench;
using test::pax_header;
using test::pax_record;
using test::tar_file;
using test::tar_header;
using weir::errc;
using weir::codecs::tar::sparse_cursor;
using weir::codecs::tar::sparse_map;

namespace {

struct piece {
    std::uint64_t offset;
    std::string data;
};

/// What the file is whose data are these.
std::string file_of(std::uint64_t size, const std::vector<piece>& pieces)
{
    std::string out(size, '\0');
    for (const piece& each : pieces)
        out.replace(each.offset, each.data.size(), each.data);
    return out;
}

std::string data_of(const std::vector<piece>& pieces)
{
    std::string out;
    for (const piece& each : pieces)
        out += each.data;
    return out;
}

std::string numbers_of(const piece& each) { return test::octal(each.offset, 11) + test::octal(each.data.size(), 11); }

/// The form of old GNU tar: four pieces in the header, 21 in each block behind it.
std::string old_gnu(std::uint64_t size, const std::vector<piece>& pieces)
{
    const std::string data = data_of(pieces);
    std::string header = tar_header({.name = "sparse", .size = data.size(), .type = 'S', .magic = test::gnu_magic});
    for (std::size_t i = 0; i < std::min<std::size_t>(pieces.size(), 4); ++i)
        test::put(header, 386 + 24 * i, numbers_of(pieces[i]));
    header[482] = pieces.size() > 4 ? '\1' : '\0';
    test::put(header, 483, test::octal(size, 11));
    test::sign(header);
    for (std::size_t i = 4; i < pieces.size(); i += 21) {
        std::string block(512, '\0');
        const std::size_t count = std::min<std::size_t>(pieces.size() - i, 21);
        for (std::size_t j = 0; j < count; ++j)
            test::put(block, 24 * j, numbers_of(pieces[i + j]));
        block[504] = i + 21 < pieces.size() ? '\1' : '\0';
        header += block;
    }
    return header + test::padded(data);
}

std::string decimal_of(const std::vector<piece>& pieces, const char* separator)
{
    std::string out;
    for (const piece& each : pieces)
        out += std::to_string(each.offset) + separator + std::to_string(each.data.size()) + separator;
    return out;
}

std::string pax_0_0(std::uint64_t size, const std::vector<piece>& pieces)
{
    std::string records = pax_record("GNU.sparse.size", std::to_string(size))
        + pax_record("GNU.sparse.numblocks", std::to_string(pieces.size()));
    for (const piece& each : pieces)
        records += pax_record("GNU.sparse.offset", std::to_string(each.offset))
            + pax_record("GNU.sparse.numbytes", std::to_string(each.data.size()));
    return pax_header(records) + tar_file("sparse", data_of(pieces));
}

std::string pax_0_1(std::uint64_t size, const std::vector<piece>& pieces)
{
    std::string map = decimal_of(pieces, ",");
    if (!map.empty())
        map.pop_back();
    return pax_header(pax_record("GNU.sparse.size", std::to_string(size)) + pax_record("GNU.sparse.name", "sparse")
                      + pax_record("GNU.sparse.numblocks", std::to_string(pieces.size()))
                      + pax_record("GNU.sparse.map", map))
        + tar_file("GNUSparseFile.1/sparse", data_of(pieces));
}

/// A file of the form 1.0 whose map is any text.
std::string pax_1_0_of(std::uint64_t size, std::string_view map, std::string_view data)
{
    return pax_header(pax_record("GNU.sparse.major", "1") + pax_record("GNU.sparse.minor", "0")
                      + pax_record("GNU.sparse.name", "sparse")
                      + pax_record("GNU.sparse.realsize", std::to_string(size)))
        + tar_file("GNUSparseFile.1/sparse", test::padded(std::string(map)) + std::string(data));
}

std::string pax_1_0(std::uint64_t size, const std::vector<piece>& pieces)
{
    return pax_1_0_of(size, std::to_string(pieces.size()) + "\n" + decimal_of(pieces, "\n"), data_of(pieces));
}

using writer = std::string (*)(std::uint64_t, const std::vector<piece>&);
constexpr writer forms[] = {old_gnu, pax_0_0, pax_0_1, pax_1_0};

std::error_code refusal_of(bench& b, const std::string& entry)
{
    const test::reading all = test::read_text(b, entry + tar_file("next", "n") + test::tar_end());
    CHECK(all.message.empty());
    REQUIRE(all.entries.size() == 2);
    CHECK(all.entries[0].entry.refusal != nullptr);
    CHECK(all.entries[1].content == "n"); // it is passed over
    return all.entries[0].refused;
}

} // namespace

TEST_CASE("tar: sparse files of all forms have zeros in their holes")
{
    bench b;
    const std::vector<std::vector<piece>> layouts = {
        {},
        {{0, "at the start"}},
        {{900, "at the end"}},
        {{100, "a"}, {101, "b"}, {300, std::string(600, 'c')}, {910, ""}},
    };
    for (const writer write : forms)
        for (const auto& pieces : layouts)
            for (const std::size_t max_bytes : {1, 50, 5000}) {
                const std::uint64_t size = pieces.size() == 1 ? pieces[0].offset + pieces[0].data.size() : 1000;
                const test::reading all =
                    test::read_text(b, write(size, pieces) + tar_file("next", "n"), {}, {}, {.max_bytes = max_bytes});
                CHECK(all.message.empty());
                REQUIRE(all.entries.size() == 2);
                CHECK(all.entries[0].entry.name == "sparse");
                CHECK(all.entries[0].entry.size == size);
                CHECK(all.entries[0].entry.stored_bytes == data_of(pieces).size());
                CHECK(all.entries[0].content == file_of(size, pieces));
                CHECK(all.entries[1].content == "n");
            }
}

TEST_CASE("tar: a map of many extents goes on in blocks behind the header")
{
    bench b;
    std::vector<piece> pieces;
    for (std::uint64_t i = 0; i < 1000; ++i)
        pieces.push_back({i * 100, std::string(i % 60, static_cast<char>('a' + i % 20))});
    for (const writer write : forms) {
        const test::reading all = test::read_text(b, write(100'000, pieces) + tar_file("next", "n"));
        CHECK(all.message.empty());
        REQUIRE(all.entries.size() == 2);
        CHECK(all.entries[0].content == file_of(100'000, pieces));
    }
}

TEST_CASE("tar: a map that contradicts itself or the sizes refuses the entry, and no other")
{
    bench b;
    const std::vector<std::vector<piece>> wrong = {
        {{10, "overlap"}, {12, "this"}},
        {{500, "back"}, {100, "wards"}},
        {{998, "beyond the end"}},
        {{2000, "far beyond"}},
    };
    for (const writer write : forms)
        for (const auto& pieces : wrong)
            CHECK(refusal_of(b, write(1000, pieces)) == errc::corrupt_data);
    CHECK(refusal_of(b, pax_1_0_of(1000, "1\n0\n5\n", "only")) == errc::corrupt_data);
    CHECK(refusal_of(b, pax_1_0_of(1000, "1\n0\n3\n", "more")) == errc::corrupt_data);
}

TEST_CASE("tar: a map that is none refuses the entry, and no other")
{
    bench b;
    for (const char* map : {"x\n", "\n", "2\n1\n\n", "-1\n", "2\n1\n1\n1\n", "99999999999999999999999\n", "1\n0\n4",
                            "9999999999999999999\n0\n4\n"})
        CHECK(refusal_of(b, pax_1_0_of(1000, map, "data")) == errc::corrupt_data);
    for (const char* map : {"x", "1,", "0,4,4", ",", "0,4,,", "18446744073709551616,1", "0,18446744073709551615"})
        CHECK(refusal_of(b,
                         pax_header(pax_record("GNU.sparse.size", "100") + pax_record("GNU.sparse.map", map))
                             + tar_file("x", "data"))
              == errc::corrupt_data);
    CHECK(refusal_of(b,
                     pax_header(pax_record("GNU.sparse.major", "1") + pax_record("GNU.sparse.realsize", "9"))
                         + tar_file("x", ""))
          == errc::corrupt_data);
    std::string negative = old_gnu(1000, {{0, "data"}});
    test::put(negative, 386, test::base_256(-1));
    negative.resize(512);
    test::sign(negative);
    CHECK(refusal_of(b, negative + test::padded("data")) == errc::corrupt_data);
}

TEST_CASE("tar: an unknown version of sparse files is refused by name")
{
    bench b;
    for (const auto& [major, minor] : {std::pair{"2", "0"}, {"1", "1"}})
        CHECK(refusal_of(b,
                         pax_header(pax_record("GNU.sparse.major", major) + pax_record("GNU.sparse.minor", minor))
                             + tar_file("x", "data"))
              == errc::unsupported_format);
    CHECK(refusal_of(b, tar_file("of star", "data", 'S')) == errc::unsupported_format);
}

TEST_CASE("tar: a map may have so many extents, and a sparse file so many bytes")
{
    bench b;
    std::vector<piece> pieces(sparse_map::max_extents, {0, ""});
    const auto content_of = [&] { return test::read_text(b, pax_1_0(10, pieces)).entries.at(0); };
    CHECK(content_of().content == std::string(10, '\0'));
    pieces.push_back({0, ""});
    CHECK(content_of().refused == errc::limit_exceeded);
    CHECK(refusal_of(b, pax_1_0(std::uint64_t{1} << 40, {{0, "bomb"}})) == errc::limit_exceeded);
}

TEST_CASE("tar: an old map that does not end ends the archive, and lets others have their turns before")
{
    bench b;
    std::string text = tar_header({.name = "sparse", .type = 'S', .magic = test::gnu_magic});
    text[482] = '\1';
    test::sign(text);
    std::string block(512, '\0');
    block[504] = '\1';
    const std::string last_block(512, '\0');
    for (std::size_t i = 1; i < sparse_map::max_extents; ++i)
        text += block;

    const std::string whole = text + last_block + tar_file("next", "n");
    const std::unique_ptr<weir::archive> from = test::open_text(b, whole);
    test::task<std::optional<weir::archive_entry>> looking(b.context.get_executor(), from->next());
    int turns = 0;
    for (b.context.restart(); !looking.done() && b.context.run_one() != 0; ++turns) {
    }
    CHECK(looking.outcome().value()->name == "sparse");
    CHECK(turns > 3);
    CHECK(test::await(b.context, from->next())->name == "next");
    test::run(b.context, from->close());

    const test::reading endless = test::read_text(b, text + block + last_block + tar_file("next", "n"));
    CHECK(endless.ended == errc::limit_exceeded);
    CHECK(endless.entries.empty());
}

TEST_CASE("tar: what sparse files are made of holes counts together, in bytes and for the ratio to the archive")
{
    bench b;
    constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30;
    std::string bomb;
    for (int i = 0; i < 40; ++i)
        bomb += forms[static_cast<std::size_t>(i) % std::size(forms)](gibibyte, {});
    bomb += tar_header({.name = "dir", .type = '5'}) + tar_file("last", "n") + test::tar_end();
    const auto refused = [&](const weir::archive_options& options) {
        std::vector<bool> out;
        for (const test::read_entry& each : test::read_text(b, bomb, {}, options, {.every = 100}).entries) {
            out.push_back(each.entry.refusal != nullptr);
            if (each.entry.refusal)
                CHECK(weir::message_of(each.entry.refusal).find("the archive") != std::string::npos);
        }
        REQUIRE(out.size() == 42);
        CHECK(!out[40]); // there is nothing in a directory
        CHECK(out[41] == out[39]);
        return std::ranges::count(out, true);
    };
    weir::archive_options options;
    CHECK(refused(options) == 41); // already by the ratio
    options.decoder.max_ratio = 0;
    CHECK(refused(options) == 41 - 16);
    options.limits.max_content_bytes = 20 * gibibyte;
    CHECK(refused(options) == 41 - 20);
    options.limits.max_content_bytes = 40 * gibibyte + 1;
    CHECK(refused(options) == 0);
    options.limits.max_content_bytes = weir::unlimited;
    CHECK(refused(options) == 0);
    options.limits.max_entry_bytes = gibibyte - 1; // those that are refused for it count for nothing
    options.limits.max_content_bytes = 1;
    CHECK(test::read_text(b, bomb, {}, options).entries.back().content == "n");
}

TEST_CASE("sparse cursor: holes and data alternate up to the end")
{
    const weir::codecs::tar::extent extents[] = {{0, 0}, {10, 5}, {15, 5}, {40, 0}};
    sparse_cursor cursor;
    cursor.start(extents, 50);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> steps;
    while (!cursor.at_end()) {
        steps.emplace_back(cursor.hole(), cursor.data());
        cursor.advance(std::max(cursor.hole(), cursor.data()));
    }
    const std::vector<std::pair<std::uint64_t, std::uint64_t>> expected = {{10, 0}, {0, 5}, {0, 5}, {20, 0}, {10, 0}};
    CHECK(steps == expected);
}
