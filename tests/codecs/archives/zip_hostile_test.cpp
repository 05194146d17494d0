// Zip archives that lie: by their directory.
#include "zip_reading.hpp"

#include "support/sanitized.hpp"
#include "support/seed.hpp"

#include <doctest/doctest.h>

using test::bench;
using test::zip_header;
using test::zip_item;
using test::zip_writer;
using weir::errc;

namespace {

/// Why the only entry, or the last, is not given.
std::error_code refusal_of(bench& b, const zip_item& item, const weir::archive_options& options = {})
{
    zip_writer writer;
    writer.add(item);
    const std::vector<test::zip_found> found = test::read_zip(b, writer.finish(), options);
    REQUIRE(found.size() == 1);
    return found[0].failure;
}

/// Why an archive is not opened, or not walked to its end.
std::error_code failure_of(bench& b, const test::byte_vector& archive, const weir::archive_options& options = {})
{
    return test::code_of([&] { return test::read_zip(b, archive, options); });
}

test::byte_vector with_end(const std::function<void(zip_header&)>& change, bool zip64)
{
    zip_writer writer;
    writer.add({.content = test::words(1000, 1)});
    writer.add({.name = "other", .content = test::words(1000, 2)});
    writer.zip64_end = zip64;
    writer.change_end = change;
    return writer.finish();
}

const test::byte_vector content = test::words(3000, 3);

} // namespace

TEST_CASE("zip: a name that leads elsewhere is refused, unless it was asked for")
{
    bench b;
    const std::string_view names[] = {"../up", "a/../../up", "/absolute", "a/..", "..", "..\\up", "a\\..\\..\\up", "\\absolute",
                                      "C:\\windows", "C:windows", "c:", "", std::string_view("nul\0inside", 10)};
    for (const std::string_view name : names) {
        CAPTURE(name);
        const zip_item item{.name = std::string(name), .content = content};
        CHECK(refusal_of(b, item) == errc::unsafe_name);
        weir::archive_options options;
        options.refuse_unsafe_names = false;
        const bool has_nul = name.find('\0') != name.npos;
        CHECK(refusal_of(b, item, options) == (has_nul ? errc::unsafe_name : std::error_code()));
    }
    for (const char* const name : {"a..b", "a/b", "dir/", "aa:b", ":a", "back\\slash", "./a", "..."})
        CHECK(refusal_of(b, {.name = name, .content = content}) == std::error_code());
}

TEST_CASE("zip: what cannot be decoded is refused by name, and the others are read")
{
    bench b;
    zip_writer writer;
    const auto flagged = [](std::uint16_t flags) { return [flags](zip_header& of) { of.flags |= flags; }; };
    writer.add({.name = "encrypted", .content = content, .change = flagged(1)});
    writer.add({.name = "strongly", .content = content, .change = flagged(0x41)});
    writer.add({.name = "masked", .content = content, .change = flagged(0x2000)});
    writer.add({.name = "patch", .content = content, .change = flagged(0x20)});
    writer.add({.name = "deflate64", .content = content, .method = 9});
    writer.add({.name = "bzip2", .content = content, .method = 12});
    writer.add({.name = "aes", .content = content, .method = 99});
    writer.add({.name = "unknown", .content = content, .method = 1234});
    writer.add({.name = "good", .content = content});
    const std::vector<test::zip_found> found = test::read_zip(b, writer.finish());
    REQUIRE(found.size() == 9);
    const errc codes[] = {errc::encrypted,          errc::encrypted,          errc::encrypted, errc::unsupported_format,
                          errc::unsupported_format, errc::unsupported_format, errc::encrypted, errc::unsupported_format};
    for (std::size_t i = 0; i < std::size(codes); ++i) {
        CAPTURE(found[i].entry.name);
        CHECK(found[i].failure == codes[i]);
    }
    const auto said = [&](std::size_t i) { return weir::message_of(found[i].entry.refusal); };
    CHECK(said(4).find("a.zip/deflate64") != std::string::npos);
    CHECK(said(5).find("(bzip2)") != std::string::npos);
    CHECK(said(7).find("(method 1234)") != std::string::npos);
    CHECK(found[8].content == content);
}

TEST_CASE("zip: a local header that says something else than the directory is refused")
{
    bench b;
    const std::pair<std::string, test::zip_change> lies[] = {
        {"name", [](zip_header& of) { of.name = "tile"; }},
        {"longer name", [](zip_header& of) { of.name += "x"; }},
        {"method", [](zip_header& of) { of.method = 8; }},
        {"encrypted", [](zip_header& of) { of.flags |= 1; }},
        {"UTF-8", [](zip_header& of) { of.flags |= 1 << 11; }},
        {"descriptor", [](zip_header& of) { of.flags |= 8; }},
        {"compressed", [](zip_header& of) { ++of.compressed; }},
        {"size", [](zip_header& of) { --of.size; }},
        {"zero", [](zip_header& of) { of.size = of.compressed = 0; }},
        {"crc", [](zip_header& of) { of.crc ^= 1; }},
        {"extra over what follows", [](zip_header& of) { of.extra = std::string(5000, '\0'); }},
    };
    for (const auto& each : lies) {
        const auto& what = each.first;
        const auto& lie = each.second;
        CAPTURE(what);
        zip_writer writer;
        writer.add({.content = content, .change_local = lie});
        std::vector<test::zip_found> found = test::read_zip(b, writer.finish());
        REQUIRE(found.size() == 1);
        const bool grown = what == "extra over what follows"; // which is good: nothing does
        CHECK(found[0].failure == (grown ? std::error_code() : make_error_code(errc::corrupt_data)));
        if (!grown)
            continue;
        zip_writer narrow; // the same, but the next entry begins where the directory makes it possible
        narrow.add({.content = content, .change_local = lie});
        narrow.add({.name = "next", .content = content, .change_directory = [](zip_header& of) { of.offset -= 4000; }});
        found = test::read_zip(b, narrow.finish());
        REQUIRE(found.size() == 2);
        CHECK(found[0].failure == errc::corrupt_data);
        CHECK(found[1].failure == errc::corrupt_data);
    }
}

TEST_CASE("zip: contents count together, in bytes and for the ratio to the archive, by the directory and as a stream")
{
    if (test::zip_methods().size() == 1)
        return;
    bench b;
    constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
    constexpr std::size_t count = 400;
    zip_writer writer;
    const std::uint16_t method = test::zip_methods().back(); // any that is not stored
    for (std::size_t i = 0; i < count; ++i) // each is within the bytes that the ratio leaves free
        writer.add({.name = std::to_string(i), .method = method, .change = [](zip_header& of) { of.size = 64 * mebibyte; }});
    writer.add({.name = "empty"});
    const test::byte_vector bomb = writer.finish();
    const auto refused = [&](bool by_directory, const weir::archive_options& options) {
        const std::unique_ptr<weir::archive> from = by_directory
            ? test::open_zip(b, test::zip_input(bomb), options)
            : weir::codecs::make_zip_stream(b.engine, std::make_unique<test::scripted_source>(bomb), options);
        std::size_t out = 0;
        std::size_t all = 0;
        while (const std::optional<weir::archive_entry> entry = test::await(b.context, from->next())) {
            ++all;
            if (!entry->refusal)
                continue;
            ++out;
            CHECK(weir::code_of(entry->refusal) == errc::limit_exceeded);
            CHECK(weir::message_of(entry->refusal).find("the archive") != std::string::npos);
        }
        CHECK(all == count + 1);
        test::run(b.context, from->close());
        return out;
    };
    for (const bool by_directory : {true, false}) {
        CAPTURE(by_directory);
        weir::archive_options options;
        CHECK(refused(by_directory, options) == count - 1);
        options.decoder.max_ratio = 0;
        CHECK(refused(by_directory, options) == count - 256); // 16 GiB
        options.limits.max_content_bytes = 10 * 64 * mebibyte - 1;
        CHECK(refused(by_directory, options) == count - 9);
        options.limits.max_content_bytes = weir::unlimited;
        CHECK(refused(by_directory, options) == 0);
    }
}

TEST_CASE("zip: a content of another size or checksum than declared is found")
{
    bench b;
    for (const std::uint16_t method : test::zip_methods()) {
        CAPTURE(method);
        const auto refusal = [&](test::zip_change change, test::byte_vector appended = {}) {
            return refusal_of(b, {.content = content, .method = method, .change = std::move(change),
                                  .appended = std::move(appended)});
        };
        CHECK(refusal([](zip_header& of) { of.crc ^= 1; }) == errc::checksum_mismatch);
        CHECK(refusal([](zip_header& of) { ++of.size; }) == errc::corrupt_data);
        const std::error_code shorter = refusal([](zip_header& of) { --of.size; });
        CHECK(shorter == errc::corrupt_data);
        CHECK(refusal([](zip_header& of) { of.size = 0; }) == errc::corrupt_data);
        if (method == 0)
            continue;
        CHECK(refusal([](zip_header& of) { --of.compressed; }) == errc::truncated);
        CHECK(refusal([](zip_header& of) { of.compressed = 0; }) != std::error_code());
        const std::error_code after = refusal(nullptr, test::bytes_of("xyzw"));
        CHECK((after == errc::trailing_data || after == errc::corrupt_data));
    }
}

TEST_CASE("zip: entries that share bytes are refused, all of them")
{
    bench b;
    // David Fifield's bomb in small: each entry quotes the headers of those behind it, and all share a kernel.
    zip_writer writer;
    const test::byte_vector kernel = test::zip_data(test::byte_vector(100'000), 8);
    for (int i = 0; i < 5; ++i)
        writer.add({.name = std::to_string(i), .content = i == 4 ? kernel : test::byte_vector(), .method = 77});
    const std::uint64_t end = writer.directory().back().offset + 30 + 1 + kernel.size();
    for (zip_header& each : writer.directory()) {
        each.method = 8;
        each.compressed = end - each.offset - 31;
        each.size = 100'000;
    }
    const test::byte_vector quoting = writer.finish();
    for (const test::zip_found& each : test::read_zip(b, quoting))
        CHECK(each.failure == errc::corrupt_data);

    zip_writer same; // all entries are one
    for (int i = 0; i < 5; ++i)
        same.add({.content = content, .change_directory = [](zip_header& of) { of.offset = 0; }});
    for (const test::zip_found& each : test::read_zip(b, same.finish()))
        CHECK(each.failure == errc::corrupt_data);

    zip_writer some; // the second lies within the first, the third is good, and not in order
    const test::byte_vector inner = test::bytes_of(std::string_view("PK\3\4 and so on, 40 bytes and some more of it", 44));
    some.add({.name = "outer", .content = test::joined({inner, content})});
    some.add({.name = "inner", .content = {}, .change_directory = [](zip_header& of) { of.offset = 35; }});
    some.add({.name = "good", .content = content});
    std::swap(some.directory()[0], some.directory()[2]);
    const std::vector<test::zip_found> found = test::read_zip(b, some.finish());
    REQUIRE(found.size() == 3);
    CHECK(!found[0].failure);
    CHECK(found[1].failure == errc::corrupt_data);
    CHECK(found[2].failure == errc::corrupt_data);
}

TEST_CASE("zip: an entry that reaches into the directory, or lies elsewhere, is refused")
{
    bench b;
    const test::zip_change lies[] = {
        [](zip_header& of) { of.compressed = of.size = 100'000; },
        [](zip_header& of) { of.offset = 0xfffffffe; },
        [](zip_header& of) { of.zip64 = true, of.offset = UINT64_MAX - 10; },
        [](zip_header& of) { of.zip64 = true, of.compressed = of.size = UINT64_MAX / 2; },
        [](zip_header& of) { of.disk = 3; },
        [](zip_header& of) { of.compressed = of.size = 0xffffffff; }, // without the field that has it
        [](zip_header& of) { of.zip64 = true, of.extra = test::zip_extra(1, std::string(24, '\0')); },
    };
    for (const test::zip_change& lie : lies)
        CHECK(refusal_of(b, {.content = content, .change_directory = lie}) != std::error_code());
}

TEST_CASE("zip: a directory whose size, number of entries or place is wrong is no directory")
{
    bench b;
    for (const bool zip64 : {false, true}) {
        CAPTURE(zip64);
        const std::pair<test::zip_change, errc> lies[] = {
            {[](zip_header& end) { ++end.size; }, errc::corrupt_data},
            {[](zip_header& end) { --end.size; }, errc::corrupt_data},
            {[](zip_header& end) { end.size = 60'000; }, errc::corrupt_data},
            {[](zip_header& end) { ++end.compressed; }, errc::corrupt_data},
            {[](zip_header& end) { --end.compressed; }, errc::corrupt_data},
            {[](zip_header& end) { end.compressed = 0x7fffffff; }, errc::corrupt_data},
            {[](zip_header& end) { ++end.offset; }, errc::corrupt_data},
            {[](zip_header& end) { end.offset = 0x7fffffff; }, errc::corrupt_data},
            {[](zip_header& end) { end.disk = 1; }, errc::unsupported_format},
        };
        for (const auto& [lie, code] : lies)
            CHECK(failure_of(b, with_end(lie, zip64)) == code);
        CHECK(failure_of(b, with_end(nullptr, zip64)) == std::error_code());
    }
}

TEST_CASE("zip: where two ends of the directory are possible, or two directories, neither is believed")
{
    bench b;
    zip_writer writer;
    writer.add({.content = content});
    const test::byte_vector plain = writer.finish();
    const auto end_of = [](const test::byte_vector& of) {
        return std::string(reinterpret_cast<const char*>(of.data()) + of.size() - 22, 22);
    };
    writer = {};
    writer.comment = end_of(plain); // a whole end in the comment
    writer.add({.content = content});
    CHECK(failure_of(b, writer.finish()) == errc::corrupt_data);
    writer = {};
    writer.comment = "PK\5\6 and nothing else of an end"; // what begins like one
    writer.add({.content = content});
    CHECK(failure_of(b, writer.finish()) == errc::corrupt_data);
    CHECK(failure_of(b, test::joined({plain, test::bytes_of("x")})) == errc::bad_format);
    CHECK(failure_of(b, test::joined({plain, test::bytes_of(end_of(plain))})) == errc::corrupt_data);
    // An end whose comment is all of another archive.
    std::string first = end_of(plain);
    const std::size_t rest = plain.size();
    first[20] = static_cast<char>(rest & 0xff);
    first[21] = static_cast<char>(rest >> 8);
    CHECK(failure_of(b, test::joined({test::bytes_of(first), plain})) == errc::corrupt_data);
    // A directory where the archive says, and another where it is if bytes in front of it are looked for.
    writer = {};
    writer.add({.content = content});
    const test::byte_vector inner = writer.finish();
    const std::uint64_t directory_size = inner.size() - 22 - (30 + 4 + content.size());
    test::byte_vector both = inner;
    both.resize(inner.size() - 22);
    both.insert(both.end(), both.end() - static_cast<std::ptrdiff_t>(directory_size), both.end());
    both.insert(both.end(), inner.end() - 22, inner.end());
    CHECK(failure_of(b, both) == errc::corrupt_data);
}

TEST_CASE("zip: limits hold for the archive, the number of entries, their sizes and their ratio")
{
    bench b;
    zip_writer writer;
    for (int i = 0; i < 3; ++i)
        writer.add({.content = test::byte_vector(100'000), .method = 8});
    const test::byte_vector archive = writer.finish();
    weir::archive_options options;
    options.limits.max_entries = 2;
    CHECK(failure_of(b, archive, options) == errc::limit_exceeded);
    options = {};
    options.limits.max_archive_bytes = archive.size() - 1;
    CHECK(failure_of(b, archive, options) == errc::limit_exceeded);
    const auto each = [&] { return test::read_zip(b, archive, options).at(1).failure; };
    options = {};
    options.limits.max_entry_bytes = 99'999;
    CHECK(each() == errc::limit_exceeded);
    options.limits.max_entry_bytes = 100'000;
    CHECK(each() == std::error_code());
    options.decoder.max_output_bytes = 99'999;
    CHECK(each() == errc::limit_exceeded);
    options = {};
    options.decoder.ratio_free_bytes = 1000;
    options.decoder.max_ratio = 100;
    CHECK(each() == errc::limit_exceeded);
    options.decoder.max_ratio = 100'000;
    CHECK(each() == std::error_code());
    if (weir::is_built_in(weir::codec::xz)) {
        options = {};
        options.decoder.max_memory_bytes = 10'000;
        CHECK(refusal_of(b, {.content = content, .method = 95}, options) == errc::limit_exceeded);
        CHECK(refusal_of(b, {.content = content, .method = 14}, options) == errc::limit_exceeded);
    }
}

TEST_CASE("zip: whatever byte is wrong, the archive is refused or its contents are the same")
{
    bench b;
    zip_writer writer;
    const test::byte_vector text = test::words(60, 4);
    std::vector<std::string> names;
    for (const std::uint16_t method : test::zip_methods()) {
        names.push_back("entry" + std::to_string(method));
        writer.add({.name = names.back(), .content = text, .method = method});
    }
    writer.add({.name = "entry with descriptor", .content = text, .method = 0,
                .descriptor = test::zip_descriptor::with_signature,
                .change = [](zip_header& of) { of.zip64 = true; }});
    writer.zip64_end = true;
    const test::byte_vector archive = writer.finish();
    constexpr unsigned flips[] = {0x01, 0x80, 0xff};
    for (std::size_t i = 0; i < archive.size(); ++i)
        for (const unsigned flip : flips) {
            if (test::is_sanitized && flip != flips[i % 3])
                continue;
            test::byte_vector corrupt = archive;
            corrupt[i] ^= static_cast<std::byte>(flip);
            CAPTURE(i);
            CAPTURE(flip);
            try {
                for (const test::zip_found& each : test::read_zip(b, corrupt))
                    if (!each.failure)
                        CHECK(each.content == text);
            }
            catch (const weir::error& refused) {
                CHECK(refused.subject() == "a.zip");
            }
        }
    CHECK(b.engine.pool().statistics().in_use_bytes == 0);
}

TEST_CASE("zip: a few zeros may follow the end, nothing else may, and no second end among them")
{
    bench b;
    const auto archive_with = [](const std::string& comment) {
        zip_writer writer;
        writer.add({.content = content});
        writer.comment = comment;
        return writer.finish();
    };
    for (const char* const comment : {"", "a comment"}) {
        const test::byte_vector archive = archive_with(comment);
        const auto with = [&](std::size_t zeros, std::string_view behind) {
            return test::joined({archive, test::byte_vector(zeros), test::bytes_of(behind)});
        };
        for (const std::size_t zeros : {0, 1, 10'240, 32'768})
            CHECK(failure_of(b, with(zeros, "")) == std::error_code());
        CHECK(failure_of(b, with(32'769, "")) == errc::bad_format);
        CHECK(failure_of(b, with(100'000, "")) == errc::bad_format);
        CHECK(failure_of(b, with(0, "x")) == errc::bad_format);
        CHECK(failure_of(b, with(100, "x")) == errc::bad_format);
        CHECK(failure_of(b, with(100, "PK\5\6")) == errc::bad_format);
        const std::string_view whole(reinterpret_cast<const char*>(archive.data()), archive.size());
        CHECK(failure_of(b, with(100, whole.substr(whole.rfind("PK\5\6")))) == errc::corrupt_data); // no place for two
    }
    // The end says that it has a comment of zeros and another end, which other readers would find first.
    CHECK(failure_of(b, archive_with(std::string(200, '\0') + "PK\5\6" + std::string(18, '\0'))) == errc::corrupt_data);
}

TEST_CASE("zip: cut anywhere, it is no archive; cut while it is read, that is told")
{
    bench b;
    zip_writer writer;
    writer.add({.content = content});
    writer.comment = "comment";
    const test::byte_vector archive = writer.finish();
    for (std::size_t size = 0; size < archive.size(); ++size)
        CHECK(failure_of(b, {archive.begin(), archive.begin() + static_cast<std::ptrdiff_t>(size)})
              != std::error_code());

    struct shrinking_input final : weir::random_access_input {
        std::uint64_t size() const noexcept override { return content.size(); }
        std::string_view name() const noexcept override { return "a.zip"; }
        std::unique_ptr<weir::source> open(std::uint64_t offset, std::uint64_t length) override
        {
            const std::size_t there = offset < left ? left - offset : 0;
            return std::make_unique<test::scripted_source>(
                std::span(content).subspan(offset, std::min<std::size_t>(length, there)));
        }
        test::byte_vector content;
        std::size_t left = SIZE_MAX;
    };
    const auto input = std::make_shared<shrinking_input>();
    input->content = archive;
    for (const std::size_t left : {0u, 20u, 32u, 40u, 1000u}) {
        const std::unique_ptr<weir::archive> from = test::open_zip(b, input);
        const auto entry = test::await(b.context, from->next());
        REQUIRE(entry);
        input->left = left;
        const std::unique_ptr<weir::source> source = from->open(*entry);
        CHECK(test::code_of([&] { return test::drain(b, *source); }) == errc::truncated);
        input->left = SIZE_MAX;
    }
    input->left = archive.size() - 30;
    CHECK(test::code_of([&] { return test::open_zip(b, input); }) == errc::truncated);
}

TEST_CASE("zip: an entry of another's is not opened")
{
    bench b;
    zip_writer writer;
    writer.add({.content = content});
    const std::unique_ptr<weir::archive> from = test::open_zip(b, test::zip_input(writer.finish()));
    weir::archive_entry made_up;
    made_up.name = "file";
    CHECK(test::code_of([&] { return from->open(made_up); }) == errc::no_such_entry);
}
