// Archives that are read entry by entry, each a file of its own.

#include "ingesting.hpp"

#include "codecs/archives/tar_writing.hpp"
#include "codecs/archives/zip_writer.hpp"
#include "support/seed.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

#include <weir/compress.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace test;
using weir::archive_choice;
using weir::codec;
using weir::errc;
using contents = std::map<std::string, std::vector<std::byte>>;

contents files(std::uint64_t seed)
{
    auto random = test::generator(seed);
    contents out;
    for (int i = 0; i < 300; ++i)
        out["many/" + std::to_string(i)] = test::random_bytes(random() % 20'000, random());
    for (const std::size_t size : {std::size_t{0}, 16 * kib - 1, 16 * kib, 16 * kib + 1, 300 * kib, 3 * mib})
        out["size/" + std::to_string(size)] = test::random_bytes(size, random());
    return out;
}

std::string tar_of(const contents& all)
{
    std::string out = test::tar_file("./", "", '5');
    for (const auto& [name, content] : all)
        out += test::tar_file("./" + name, text_of(content));
    return out + std::string(1024, '\0');
}

byte_vector zip_of(const contents& all, std::uint16_t method)
{
    test::zip_writer out;
    for (const auto& [name, content] : all)
        out.add({.name = name, .content = content, .method = method});
    return out.finish();
}

weir::ingest_options by_entries(archive_choice which = archive_choice::named)
{
    weir::ingest_options options;
    options.archives = which;
    options.file_digest = weir::hash_algorithm::sha256;
    return options;
}

void check_all(collecting_sink& sink, const std::string& path, const contents& all, const weir::ingest_options& options)
{
    for (const auto& each : all) {
        CAPTURE(each.first);
        const auto& got = sink.files[path + "/" + each.first];
        REQUIRE(got.record);
        CHECK(got.record->size == each.second.size());
        CHECK(got.record->whole == weir::digest_of(*options.file_digest, each.second));
    }
}

TEST_CASE("ingest: entries of tar and zip archives are files of their own, whatever the memory")
{
    temp_dir directory;
    const contents all = files(0);
    std::vector<std::string> paths = {directory.write("a.tar", tar_of(all)), directory.write("small", tar_of({}))};
    if (weir::is_built_in(codec::deflate)) {
        paths.push_back(directory.write("stored.zip", zip_of(all, 0)));
        paths.push_back(directory.write("deflated.zip", zip_of(all, 8)));
    }
    for (const codec each : {codec::zstd, codec::gzip, codec::lz4})
        if (weir::is_built_in(each)) {
            const std::string plain = tar_of(all);
            const auto packed = weir::compress(std::as_bytes(std::span(plain)), each);
            paths.push_back(directory.write("a.tar" + std::string(weir::suffix_of(each)), packed));
        }
    const weir::ingest_options options = by_entries();
    for (const std::size_t memory : {32 * mib, 10 * mib})
        for (const std::string& path : paths) {
            CAPTURE(memory);
            CAPTURE(path);
            collecting_sink sink;
            bench b(memory);
            const auto summary = b.run({path}, sink, options);
            CHECK(summary.errors == 0);
            const bool is_empty = path.ends_with("small");
            CHECK(summary.files == (is_empty ? 0 : all.size()));
            check_all(sink, path, is_empty ? contents() : all, options);
        }
}

TEST_CASE("ingest: all archives at once, beside a tree, by two workers")
{
    temp_dir directory;
    const contents all = files(1);
    const weir::ingest_options options = by_entries(archive_choice::all);
    std::vector<std::string> archives = {directory.write("t/a.tar", tar_of(all)), directory.write("t/b.tar", tar_of(all))};
    if (weir::is_built_in(codec::deflate)) {
        archives.push_back(directory.write("t/c.zip", zip_of(all, 8)));
        archives.push_back(directory.write("t/d.zip", zip_of(all, 8)));
    }
    const contents plain = files(2);
    for (const auto& [name, content] : plain)
        directory.write("t/" + name, content);
    collecting_sink sink;
    bench b;
    const auto summary = b.run({directory / "t"}, sink, options);
    CHECK(summary.errors == 0);
    CHECK(summary.files == all.size() * archives.size() + plain.size());
    for (const std::string& path : archives)
        check_all(sink, path, all, options);
    check_all(sink, directory / "t", plain, options);
}

TEST_CASE("ingest: which archives are read by their entries is the caller's choice")
{
    temp_dir directory;
    const contents all = {{"x", test::random_bytes(100, 1)}};
    const std::string path = directory.write("a.tar", tar_of(all));
    const auto is_file = [&](const std::string& argument, archive_choice which) {
        collecting_sink sink;
        bench b;
        CHECK(b.run({argument}, sink, by_entries(which)).errors == 0);
        return sink.files.contains(path);
    };
    CHECK(is_file(path, archive_choice::none));
    CHECK(!is_file(path, archive_choice::named));
    CHECK(is_file(directory.path(), archive_choice::named));
    CHECK(!is_file(directory.path(), archive_choice::all));
}

TEST_CASE("ingest: what is refused of an archive is that entry's failure, links are skipped, and the rest is read")
{
    temp_dir directory;
    const std::string tar = test::tar_file("good", "content") + test::tar_file("../up", "content")
        + test::tar_header({.name = "link", .type = '2', .link = "good"}) + test::tar_file("last", "content")
        + std::string(1024, '\0');
    const std::string path = directory.write("a.tar", tar);
    collecting_sink sink;
    bench b;
    const auto summary = b.run({path}, sink, by_entries());
    CHECK(summary.files == 2);
    CHECK(summary.errors == 1);
    CHECK(summary.skipped == 1);
    CHECK(sink.files[path + "/../up"].error == errc::unsafe_name);
    CHECK(sink.files[path + "/last"].record);
}

TEST_CASE("ingest: an archive that breaks fails by its own name, and what came before is kept")
{
    temp_dir directory;
    const contents all = {{"a", test::random_bytes(100, 1)}, {"b", test::random_bytes(100'000, 2)}};
    const std::string whole = tar_of(all);
    const std::string path = directory.write("a.tar", whole.substr(0, whole.size() - 50'000));
    const std::string missing = directory.write("b.tar", tar_of(all));
    collecting_sink sink;
    bench b;
    const auto summary = b.run({path, missing}, sink, by_entries());
    CHECK(sink.files[path + "/a"].record);
    CHECK(sink.files[path + "/b"].error == errc::truncated);
    CHECK(sink.files[path].error == errc::truncated);
    CHECK(summary.errors == 2);
    CHECK(summary.files == 3);
}

TEST_CASE("ingest: an archive that cannot be opened is its own failure, whatever the others do")
{
    temp_dir directory;
    const contents all = files(4);
    const std::string good = directory.write("d/a.tar", tar_of(all));
    std::vector<std::string> bad;
    for (int i = 0; i < 8; ++i)
        bad.push_back(directory.write("d/b" + std::to_string(i) + ".zip", "PK\3\4 and nothing like a directory at the end"));
    for (const std::size_t jobs : {1u, 2u, 5u}) {
        CAPTURE(jobs);
        weir::ingest_options options = by_entries(archive_choice::all);
        options.jobs = jobs;
        collecting_sink sink;
        bench b;
        const auto summary = b.run({directory / "d"}, sink, options);
        CHECK(summary.files == all.size());
        CHECK(summary.errors == bad.size());
        for (const std::string& path : bad)
            CHECK(sink.files[path].error == errc::bad_format);
    }
}

TEST_CASE("ingest: a lane that fails while others have nothing to do ends the job with its error")
{
    temp_dir directory;
    const std::string path = directory.write("a", test::random_bytes(100, 1));
    for (const std::size_t jobs : {1u, 2u, 5u}) {
        CAPTURE(jobs);
        weir::ingest_options options = by_entries();
        options.jobs = jobs;
        collecting_sink sink;
        bench b;
        weir::ingest_job job(b.engine, options, sink);
        std::atomic<std::size_t> asked = 0;
        const auto fails_last = [&](std::vector<std::string>& out, std::size_t) {
            if (asked++ == 0)
                out.push_back(path);
            else if (asked > jobs)
                throw weir::error(errc::closed, "supply"); // the others have been told that there is no more
        };
        CHECK_THROWS_AS(test::run(b.context, job.run(fails_last)), weir::error);
    }
}

TEST_CASE("ingest: cancelled at any step among archives it ends, and everything is back")
{
    temp_dir directory;
    const contents all = files(3);
    directory.write("a.tar", tar_of(all));
    if (weir::is_built_in(codec::deflate))
        directory.write("b.zip", zip_of(all, 8));
    cancel_at_any_step({directory.path()}, by_entries(archive_choice::all), 7);
}

} // namespace
