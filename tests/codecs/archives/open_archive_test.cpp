#include <weir/open_archive.hpp>

#include "archive_reading.hpp"
#include "tar_writing.hpp"
#include "zip_writer.hpp"

#include <weir/memory_source.hpp>

#include <doctest/doctest.h>

using test::bench;
using test::tar_file;
using weir::archive_format;
using weir::codec;
using weir::errc;

namespace {

std::optional<archive_format> found_in(std::string_view start)
{
    return weir::detect_archive(std::as_bytes(std::span(start)));
}

std::string compressed(codec which, std::string_view content)
{
    const test::byte_vector out = test::encoded(which, std::as_bytes(std::span(content)));
    return {reinterpret_cast<const char*>(out.data()), out.size()};
}

/// Shown as much of it as is asked for.
bool is_archive(std::string_view all, std::string_view name, const weir::archive_options& options = {})
{
    for (std::size_t wanted = weir::archive_magic_bytes;; wanted = weir::next_archive_look(wanted)) {
        const auto start = std::as_bytes(std::span(all)).first(std::min(all.size(), wanted));
        const weir::archive_verdict found = weir::judge_archive(start, start.size() < wanted, name, options);
        if (found != weir::archive_verdict::undecided)
            return found == weir::archive_verdict::archive;
        REQUIRE(wanted < weir::archive_start_bytes);
    }
}

std::string skippable_frame(std::size_t size)
{
    std::string out("\x50\x2a\x4d\x18", 4);
    for (unsigned shift = 0; shift != 32; shift += 8)
        out += static_cast<char>(size >> shift & 0xff);
    return out + std::string(size, 'x');
}

std::error_code refusal_of(bench& b, std::string_view text, const weir::archive_options& options = {})
{
    return test::read_text(b, text, {}, options).ended;
}

test::script byte_by_byte()
{
    test::script out;
    out.read_size = [] { return std::size_t{1}; };
    out.wasteful = true; // a block for each of them
    return out;
}

/// An empty zip archive: the end of its directory.
std::string empty_zip() { return "PK\5\6" + std::string(18, '\0'); }

class text_input final : public weir::random_access_input {
public:
    explicit text_input(std::string text) : text_(std::move(text)) {}

    std::vector<std::uint64_t> opened_at;

    std::uint64_t size() const noexcept override { return text_.size(); }
    std::string_view name() const noexcept override { return "text"; }
    std::unique_ptr<weir::source> open(std::uint64_t offset, std::uint64_t length) override
    {
        opened_at.push_back(offset);
        return std::make_unique<weir::memory_source>(text_.substr(offset, length), "text");
    }

private:
    const std::string text_;
};

std::error_code refusal_at_any_place(bench& b, const std::string& text, const weir::archive_options& options)
{
    try {
        const auto input = std::make_shared<text_input>(text);
        (void)test::run(b.context, weir::open_archive(b.engine, input, options));
        return {};
    }
    catch (const weir::error& failure) {
        return failure.code();
    }
}

} // namespace

TEST_CASE("judge archive: what is compressed and cannot be decoded is one by its name, or where it has none")
{
    if (!weir::is_built_in(codec::zstd))
        return;
    const std::string text = tar_file(std::string(90, 'n'), "content") + test::tar_end();
    const std::string whole = compressed(codec::zstd, text);
    for (const std::string_view name : {"", "x", "x.zst", "x.tar.zst"})
        CHECK(is_archive(whole, name));
    const std::string cut = whole.substr(0, 20);
    const std::string twice = compressed(codec::zstd, cut);
    const std::string other = compressed(codec::zstd, "no archive");
    for (const std::string_view name : {"a.tar.zst", "a.TAR.GZ", "a.tgz", "a.tzst"}) {
        CAPTURE(name);
        CHECK(is_archive(cut, name));
        CHECK(is_archive(twice, name));
        CHECK(is_archive(cut.substr(0, 3), name));
        CHECK(is_archive("", name));
        CHECK(!is_archive(other, name));
        CHECK(!is_archive("plain text", name));
    }
    for (const std::string_view name : {"a.zst", "a.tar", "a.tar.txt", ".tar"})
        for (const std::string& each : {cut, twice, other, std::string()})
            CHECK(!is_archive(each, name));
    CHECK(is_archive(cut, ""));
    CHECK(!is_archive(twice, ""));
    CHECK(!is_archive(other, ""));
    CHECK(!is_archive("", ""));
    CHECK(!is_archive("x^2 is the start of no zlib stream, though it looks so", ""));
}

TEST_CASE("judge archive: content is found however much of the stream shows none")
{
    const std::string text = tar_file("file", "content") + test::tar_end();
    std::vector<std::pair<codec, std::string>> fronts; // that decode to nothing
    if (weir::is_built_in(codec::zstd))
        fronts = {{codec::zstd, skippable_frame(300'000)}, {codec::zstd, skippable_frame(6'000'000)}};
    for (const auto& each : fronts) {
        const codec which = each.first; // clang 14 captures no structured binding
        const std::string& front = each.second;
        CAPTURE(weir::to_string(which));
        CAPTURE(front.size());
        if (!weir::is_built_in(which))
            continue;
        for (const std::string_view name : {"", "x"}) {
            CHECK(is_archive(front + compressed(which, text), name));
            CHECK(!is_archive(front + compressed(which, std::string(1000, 'x')), name));
            CHECK(!is_archive(front + compressed(which, "x"), name));
        }
        const std::string cut = front.substr(0, front.size() - 1);
        CHECK(is_archive(cut, ""));
        CHECK(!is_archive(cut, "x"));
        CHECK(is_archive(cut, "x.tgz"));
    }
}

TEST_CASE("judge archive: the first block of lz4 may be as large as they are")
{
    if (!weir::is_built_in(codec::lz4))
        return;
    const test::byte_vector noise = test::random_bytes(5'000'000, 1); // lies in whole blocks
    const std::string_view content(reinterpret_cast<const char*>(noise.data()), noise.size());
    const std::string whole = compressed(codec::lz4, tar_file("file", std::string(content)) + test::tar_end());
    CHECK(is_archive(whole, ""));
    CHECK(is_archive(whole, "x"));
    CHECK(is_archive(whole.substr(0, 4'500'000), "x"));
    CHECK(is_archive(whole.substr(0, 200'000), ""));
    CHECK(!is_archive(compressed(codec::lz4, content), ""));
}

TEST_CASE("judge archive: what shows nothing as far as is looked is to be opened, whatever it is called")
{
    if (!weir::is_built_in(codec::zstd))
        return;
    const std::string all = skippable_frame(weir::archive_start_bytes) + compressed(codec::zstd, "no archive");
    for (const std::string_view name : {"", "x", "x.tgz"})
        CHECK(is_archive(all, name));
}

TEST_CASE("judge archive: nothing but zeros is an archive of nothing by its name, or where it has none")
{
    for (const std::size_t size : {512, 1024, 10'240, 307'200}) {
        const std::string zeros(size, '\0');
        for (const std::string_view name : {"", "e.tar", "e.TAR"})
            CHECK(is_archive(zeros, name));
        CHECK(!is_archive(zeros, "e"));
        CHECK(!is_archive(zeros + '\0', "e.tar"));
        CHECK(!is_archive(zeros + "x", ""));
        CHECK(!is_archive(zeros + "x", "e.tar"));
        if (!weir::is_built_in(codec::gzip))
            continue;
        const std::string packed = compressed(codec::gzip, zeros);
        for (const std::string_view name : {"", "e.tar.gz", "e.tgz"})
            CHECK(is_archive(packed, name));
        CHECK(!is_archive(packed, "e.gz"));
        CHECK(!is_archive(compressed(codec::gzip, zeros + "x"), "e.tgz"));
    }
    CHECK(!is_archive(std::string(511, '\0'), "e.tar"));
    CHECK(!is_archive(std::string(weir::archive_start_bytes + 1, '\0'), ""));
}

TEST_CASE("is_zip_end: the end of a zip archive is one, with whatever in front of it, and nothing but a few zeros behind it")
{
    test::zip_writer writer;
    writer.add({.name = "x", .content = test::random_bytes(1'000, 1), .method = 0});
    const test::byte_vector zip = writer.finish();
    for (const std::size_t before : {0u, 1u, 100'000u, 300'000u}) {
        test::byte_vector all(before, std::byte{7});
        all.insert(all.end(), zip.begin(), zip.end());
        const auto is_end = [&all] {
            const std::size_t size = std::min(all.size(), weir::archive_end_bytes);
            return weir::is_zip_end(std::span(all).last(size), all.size());
        };
        CHECK(is_end());
        all.push_back(std::byte{0});
        CHECK(is_end());
        all.push_back(std::byte{1});
        CHECK(!is_end());
        all.resize(all.size() - 3);
        CHECK(!is_end());
    }
    CHECK(!weir::is_zip_end({}, 0));
    CHECK(!weir::is_zip_end(std::span(zip).last(5), 5));
}

TEST_CASE("detect archive: tar by its magic or a checksum that fits, zip by its signatures, others not")
{
    CHECK(found_in(tar_file("x", "")) == archive_format::tar);
    CHECK(found_in(tar_file("x", "", '0', test::gnu_magic)) == archive_format::tar);
    CHECK(found_in(tar_file("x", "", '0', test::no_magic)) == archive_format::tar);
    CHECK(found_in(tar_file("x", "").substr(0, 262)) == archive_format::tar);
    CHECK(found_in("PK\3\4....") == archive_format::zip);
    CHECK(found_in("PK\5\6....") == archive_format::zip);
    CHECK(found_in("PK\7\10PK\3\4") == archive_format::zip);
    CHECK(!found_in(""));
    CHECK(!found_in("PK"));
    CHECK(!found_in(tar_file("x", "").substr(0, 257)));
    CHECK(!found_in(tar_file("x", "", '0', test::no_magic).substr(0, 511)));
    CHECK(!found_in(std::string(512, '\0')));
    CHECK(!found_in(std::string(512, 'x')));
}

TEST_CASE("open archive: a codec is found and decoded, once")
{
    bench b;
    const std::string text = tar_file("file", "content") + test::tar_end();
    const test::reading plain = test::read_text(b, text);
    for (const codec each : {codec::zstd, codec::lz4, codec::gzip, codec::zlib, codec::xz}) {
        if (!weir::is_built_in(each))
            continue;
        CAPTURE(weir::to_string(each));
        const std::string once = compressed(each, text);
        CHECK(test::read_text(b, once) == plain);
        CHECK(test::read_text(b, once, byte_by_byte()) == plain);
        CHECK(refusal_of(b, compressed(each, once)) == errc::limit_exceeded);
        CHECK(refusal_of(b, compressed(each, "no archive")) == errc::bad_format);
        CHECK(refusal_of(b, once.substr(0, once.size() - 1)) == errc::truncated);
    }
    CHECK(b.engine.pool().check());
}

TEST_CASE("open archive: how often it may be compressed is a limit, within another")
{
    if (!weir::is_built_in(codec::gzip) || !weir::is_built_in(codec::xz))
        return;
    bench b;
    const std::string text = tar_file("file", std::string(300'000, 'x')) + test::tar_end();
    const test::reading plain = test::read_text(b, text);
    std::string wrapped = text;
    for (std::uint64_t times = 0; times <= 18; ++times) {
        CAPTURE(times);
        weir::archive_options options;
        for (const std::uint64_t most : {times - std::min<std::uint64_t>(times, 1), times, times + 1, weir::unlimited}) {
            CAPTURE(most);
            options.limits.max_nesting = most;
            const bool is_allowed = times <= most && times <= 16;
            CHECK(is_archive(wrapped, "name", options) == is_allowed);
            if (is_allowed)
                CHECK(test::read_text(b, wrapped, {}, options) == plain);
            else
                CHECK(refusal_of(b, wrapped, options) == errc::limit_exceeded);
        }
        wrapped = compressed(times % 2 == 0 ? codec::gzip : codec::xz, wrapped);
    }
    CHECK(b.engine.pool().check());
}

TEST_CASE("open archive: a codec is found behind skippable frames")
{
    bench b;
    const std::string text = tar_file("file", "content") + test::tar_end();
    const test::reading plain = test::read_text(b, text);
    for (const codec each : {codec::zstd, codec::lz4}) {
        if (!weir::is_built_in(each))
            continue;
        for (const std::size_t size : {0, 2, 498, 2000}) {
            CAPTURE(weir::to_string(each));
            CAPTURE(size);
            const std::string all = skippable_frame(size) + compressed(each, text);
            CHECK(test::read_text(b, all) == plain);
            CHECK(test::read_text(b, all, byte_by_byte()) == plain);
            CHECK(is_archive(all, "x"));
        }
    }
}

TEST_CASE("open archive: the end of a compressed archive is verified, behind the end of the tar")
{
    if (!weir::is_built_in(codec::gzip))
        return;
    bench b;
    std::string text = compressed(codec::gzip, tar_file("file", "content") + std::string(10'240, '\0'));
    text[text.size() - 8] = static_cast<char>(text[text.size() - 8] ^ 1); // the CRC
    const test::reading all = test::read_text(b, text);
    CHECK(all.ended == errc::checksum_mismatch);
}

TEST_CASE("open archive: the limits of the decoder hold for the whole")
{
    if (!weir::is_built_in(codec::zstd))
        return;
    bench b;
    const std::string text = compressed(codec::zstd, tar_file("file", std::string(100'000, 'x')) + test::tar_end());
    weir::archive_options options;
    options.decoder.max_output_bytes = 50'000;
    CHECK(refusal_of(b, text, options) == errc::limit_exceeded);
}

TEST_CASE("open archive: what is no archive is refused, whatever its size")
{
    bench b;
    for (const std::string& text : {std::string(), std::string("x"), std::string(511, '\0'), std::string(5000, 'x')})
        CHECK(refusal_of(b, text) == errc::bad_format);
}

TEST_CASE("open archive: an archive of nothing is zeros to its end; another file that begins with zeros is none")
{
    bench b;
    for (const std::size_t size : {512, 1024, 10'240, 1'000'000})
        CHECK(!refusal_of(b, std::string(size, '\0')));
    CHECK(refusal_of(b, std::string(32'768, '\0') + "\1CD001\1") == errc::bad_format);
    CHECK(refusal_of(b, std::string(512, '\0') + tar_file("x", "")) == errc::bad_format);
}

TEST_CASE("open archive: anything with bytes at any place is a stream too")
{
    bench b;
    const std::string text = tar_file("file", "content") + test::tar_end();
    const auto opened =
        test::run(b.context, weir::open_archive(b.engine, std::make_shared<text_input>(text), weir::archive_options()));
    CHECK(opened->format() == archive_format::tar);
    CHECK(test::read_all(b, *opened) == test::read_text(b, text));
}

TEST_CASE("open archive: contents that nobody reads are jumped where the input has bytes at any place")
{
    bench b;
    const std::string large(3'000'000, 'x');
    const std::string text =
        tar_file("a", large) + tar_file("b", "small") + tar_file("c", large) + tar_file("d", large) + test::tar_end();
    const test::reading whole = test::read_text(b, text);
    const auto open = [&](const std::shared_ptr<text_input>& input) {
        return test::run(b.context, weir::open_archive(b.engine, input, weir::archive_options()));
    };
    const auto input = std::make_shared<text_input>(text);
    const test::reading some = test::read_all(b, *open(input), {.every = 2});
    CHECK(!some.ended);
    REQUIRE(some.entries.size() == 4);
    CHECK(some.entries[1] == whole.entries[1]);
    CHECK(some.entries[3] == whole.entries[3]);
    CHECK(input->opened_at
          == std::vector<std::uint64_t>{0, whole.entries[1].entry.offset, whole.entries[3].entry.offset, text.size()});

    const auto cut = std::make_shared<text_input>(text.substr(0, whole.entries[3].entry.offset - 1000));
    const test::reading part = test::read_all(b, *open(cut), {.every = 2});
    CHECK(part.entries.size() == 3);
    CHECK(part.ended == errc::truncated);
}

TEST_CASE("open archive: zip by its directory, also behind a program that extracts it")
{
    bench b;
    for (const std::string& program : {std::string(), std::string("#!/bin/sh\n"), std::string(5000, 'x')}) {
        const auto input = std::make_shared<text_input>(program + empty_zip());
        const auto opened = test::run(b.context, weir::open_archive(b.engine, input, weir::archive_options()));
        CHECK(opened->format() == archive_format::zip);
        CHECK(opened->reads_in_any_order());
        CHECK(!test::read_all(b, *opened).ended);
    }
}

TEST_CASE("open archive: what is no archive is refused at any place too, above the limits as well")
{
    bench b;
    weir::archive_options small;
    small.limits.max_archive_bytes = 100;
    for (const std::string& text : {std::string(), std::string("x"), std::string(70'000, 'x')})
        for (const weir::archive_options& options : {weir::archive_options(), small})
            CHECK(refusal_at_any_place(b, text, options) == errc::bad_format);
}

TEST_CASE("open archive: zip from a stream, compressed or not, by the headers of its entries")
{
    bench b;
    std::vector<std::string> inputs = {empty_zip()};
    if (weir::is_built_in(codec::gzip))
        inputs.push_back(compressed(codec::gzip, empty_zip()));
    for (const std::string& text : inputs) {
        const auto opened = test::open_text(b, text, byte_by_byte());
        CHECK(opened->format() == archive_format::zip);
        CHECK(!opened->reads_in_any_order());
        CHECK(!test::read_all(b, *opened).ended);
    }
}
