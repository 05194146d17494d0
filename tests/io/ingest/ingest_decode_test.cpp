// Compressed files, streams and URLs, whose content is what is cut.

#include "ingesting.hpp"

#include "codecs/coding.hpp"
#include "support/seed.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

#include <weir/memory_source.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <string_view>

namespace {

namespace asio = boost::asio;
using namespace test;
using weir::codec;
using weir::errc;
using content = byte_vector;

content repetitive(std::size_t size, std::uint64_t seed)
{
    content out = test::random_bytes(size / 2, seed);
    out.resize(size, std::byte{7});
    return out;
}

weir::ingest_options decoding(bool pass_unknown)
{
    weir::ingest_options options;
    options.decode = weir::decoding_options{.pass_unknown = pass_unknown};
    options.file_digest = weir::hash_algorithm::sha256;
    return options;
}

/// Of a stream, whose size is known at its end only.
void check_content(const collecting_sink::entry& got, const content& plain, const weir::ingest_options& options)
{
    REQUIRE(got.record);
    CHECK(got.record->size == plain.size());
    CHECK(got.record->whole == weir::digest_of(*options.file_digest, plain));
    for (const weir::chunk_record& each : got.chunks)
        CHECK(each.digest == weir::digest_of(options.hash, std::span(plain).subspan(each.offset, each.length)));
}

TEST_CASE("ingest: what is compressed in a tree is decoded, whatever its size, and the rest is read as it is")
{
    auto random = test::generator();
    temp_dir tree;
    std::map<std::string, content> coded;
    std::map<std::string, content> plain;
    for (const std::size_t size : {std::size_t{0}, std::size_t{10}, 9 * kib, 200 * kib, 3 * mib}) {
        for (const codec each : {codec::zstd, codec::lz4, codec::gzip, codec::xz}) {
            if (!weir::is_built_in(each))
                continue;
            const content made = repetitive(size, random());
            const std::string name = std::to_string(size) + std::string(weir::suffix_of(each));
            coded[tree.write(name, encoded(each, made))] = made;
        }
        const content made = test::random_bytes(size, random());
        plain[tree.write(std::to_string(size), made)] = made;
    }
    const weir::ingest_options options = decoding(true);
    for (const std::size_t memory : {32 * mib, 10 * mib}) {
        CAPTURE(memory);
        collecting_sink sink;
        bench b(memory);
        const auto summary = b.run({tree.path()}, sink, options);
        CHECK(summary.errors == 0);
        CHECK(summary.files == coded.size() + plain.size());
        for (const auto& [path, made] : coded)
            check_content(sink.files[path], made, options);
        for (const auto& [path, made] : plain)
            check_file(sink.files[path], made, options);
    }
}

TEST_CASE("ingest: many small compressed files are decoded with the least memory that there may be, by many jobs")
{
    if (!weir::is_built_in(codec::gzip)) {
        MESSAGE("skipped: gzip is not built in");
        return;
    }
    temp_dir tree;
    std::map<std::string, content> coded;
    for (int i = 0; i < 300; ++i) {
        const content made = test::random_bytes(9000, static_cast<std::uint64_t>(i));
        coded[tree.write(std::to_string(i), encoded(codec::gzip, made))] = made;
    }
    weir::ingest_options options = decoding(true);
    for (const std::size_t jobs : {1u, 4u, 16u}) {
        CAPTURE(jobs);
        options.jobs = jobs;
        collecting_sink sink;
        bench b(9 * mib); // for chunks of up to 8 MiB
        CHECK(b.run({tree.path()}, sink, options).errors == 0);
        for (const auto& [path, made] : coded)
            check_content(sink.files[path], made, options);
    }
}

TEST_CASE("ingest: where all is to be compressed, what is not is an error, and so is what is not whole")
{
    if (!weir::is_built_in(codec::gzip)) {
        MESSAGE("skipped: gzip is not built in");
        return;
    }
    auto random = test::generator(3);
    temp_dir tree;
    const weir::ingest_options options = decoding(false);
    for (const std::size_t size : {2 * kib, 300 * kib}) {
        const content made = repetitive(size, random());
        content cut = encoded(codec::gzip, made);
        const std::string whole = tree.write("whole", cut);
        cut.resize(cut.size() - 1);
        const std::string half = tree.write("half", cut);
        const std::string plain = tree.write("plain", test::random_bytes(size, random()));
        const std::string empty = tree.write("empty", content());
        collecting_sink sink;
        bench b;
        const auto summary = b.run({tree.path()}, sink, options);
        CHECK(summary.errors == 3);
        check_content(sink.files[whole], made, options);
        CHECK(sink.files[half].error == errc::truncated);
        CHECK(sink.files[half].text.starts_with("decode " + half + " at "));
        CHECK(sink.files[plain].error == errc::bad_format);
        CHECK(sink.files[empty].error == errc::truncated);
    }
}

TEST_CASE("ingest: limits of decoding hold for each file, and a codec may be named")
{
    if (!weir::is_built_in(codec::deflate)) {
        MESSAGE("skipped: deflate is not built in");
        return;
    }
    temp_dir tree;
    const content made(100'000, std::byte{1});
    const std::string path = tree.write("a", encoded(codec::deflate, made));
    weir::ingest_options options = decoding(false);
    options.decode->codec = codec::deflate;
    collecting_sink sink;
    bench b;
    CHECK(b.run({path}, sink, options).errors == 0);
    check_content(sink.files[path], made, options);
    options.decode->settings.max_output_bytes = made.size() - 1;
    collecting_sink bounded;
    CHECK(b.run({path}, bounded, options).errors == 1);
    CHECK(bounded.files[path].error == errc::limit_exceeded);
}

/// Gives what a server has encoded: "gzip/SIZE" whole or as a source, as there is room, "br/SIZE" too.
asio::awaitable<std::vector<weir::url_request>> open_coded(std::vector<weir::url_request> requests)
{
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    for (weir::url_request& each : requests) {
        const std::string_view path = std::string_view(each.url).substr(8);
        const std::size_t slash = path.find('/');
        content body = repetitive(std::stoul(std::string(path.substr(slash + 1))), 5);
        if (path.starts_with("plain")) {
            each.content_codings = {};
        }
        else {
            each.content_codings = {std::string(path.substr(0, slash))};
            body = encoded(codec::gzip, body);
        }
        const std::span<std::byte> room = each.room.spare();
        if (body.size() <= room.size()) {
            std::ranges::copy(body, room.begin());
            each.room.commit(body.size());
            each.is_whole = true;
        }
        else {
            const auto kept = std::make_shared<const content>(std::move(body));
            each.input = std::make_unique<weir::memory_source>(*kept, kept, each.url);
        }
    }
    co_return requests;
}

TEST_CASE("ingest: the codings of a URL are undone, where decoding is asked for, and it need not be compressed besides")
{
    if (!weir::is_built_in(codec::gzip)) {
        MESSAGE("skipped: gzip is not built in");
        return;
    }
    for (const std::size_t size : {std::size_t{0}, 5 * kib, 400 * kib}) {
        CAPTURE(size);
        const content made = repetitive(size, 5);
        const std::string number = std::to_string(size);
        const std::vector<std::string> urls = {"mem://h/gzip/" + number, "mem://h/plain/" + number,
                                               "mem://h/br/" + number};
        weir::ingest_options options = decoding(true);
        options.open_urls = open_coded;
        collecting_sink sink;
        bench b;
        CHECK(b.run(urls, sink, options).errors == 1);
        check_content(sink.files[urls[0]], made, options);
        check_content(sink.files[urls[1]], made, options);
        CHECK(sink.files[urls[2]].error == errc::unsupported_format);
        options.decode.reset();
        collecting_sink as_it_is;
        CHECK(b.run(urls, as_it_is, options).errors == 0);
        check_content(as_it_is.files[urls[0]], encoded(codec::gzip, made), options);
        options.decode = weir::decoding_options();
        collecting_sink strict;
        CHECK(b.run(urls, strict, options).errors == 2);
        check_content(strict.files[urls[0]], made, options);
    }
}

} // namespace
