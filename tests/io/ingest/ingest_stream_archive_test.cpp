// Archives that come as streams: their first bytes say that they are some.

#include "ingesting.hpp"

#include "codecs/archives/tar_writing.hpp"
#include "codecs/archives/zip_writer.hpp"
#include "support/seed.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

#include <weir/compress.hpp>
#include <weir/memory_source.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace test;
using weir::archive_choice;
using weir::codec;
using weir::errc;

const std::string small(1'000, 's');
const std::string large(3 * mib, 'l');

std::string tar()
{
    return test::tar_file("./small", small) + test::tar_file("large", large) + std::string(1024, '\0');
}

/// What each path of the URLs gives. Some come whole, as small bodies do.
struct web {
    std::map<std::string, std::string> bodies;
    std::map<std::string, std::vector<std::string>> codings = {};
    std::size_t fails_at = std::string::npos;
    bool resumes = false;
};

/// A source that breaks.
class broken_source final : public weir::source {
public:
    broken_source(std::string content, std::size_t fails_at, std::string name)
        : content_(std::move(content)), name_(std::move(name)), inner_(std::as_bytes(std::span(content_)), how(fails_at))
    {}
    asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        return inner_.read(memory, max_bytes);
    }
    std::string_view name() const noexcept override { return name_; }

private:
    static test::script how(std::size_t fails_at)
    {
        test::script out;
        out.fails_at = fails_at;
        return out;
    }

    std::string content_;
    std::string name_;
    test::scripted_source inner_;
};

class no_history final : public weir::stream_history {
public:
    std::optional<std::uint64_t> total_bytes() const noexcept override { return std::nullopt; }
    std::span<const weir::chunk_record> known() override { return {}; }
    void found(std::span<const weir::chunk>) override {}
    std::optional<weir::digest> finish() override { return std::nullopt; }
};

class resumed final : public weir::resumable_source {
public:
    explicit resumed(std::string content) : inner_(std::move(content), "resumed") {}
    asio::awaitable<weir::bytes> read(weir::reservation& memory, std::size_t max_bytes) override
    {
        return inner_.read(memory, max_bytes);
    }
    std::shared_ptr<weir::stream_history> history() const override { return std::make_shared<no_history>(); }

private:
    weir::memory_source inner_;
};

weir::url_opener open(const web& of) // called on several threads
{
    return [&of](std::vector<weir::url_request> requests) -> asio::awaitable<std::vector<weir::url_request>> {
        const auto here = co_await asio::this_coro::executor;
        co_await asio::post(here, asio::use_awaitable);
        for (weir::url_request& each : requests) {
            const std::string name = each.url.substr(each.url.rfind('/') + 1);
            const std::string& body = of.bodies.at(name);
            if (const auto found = of.codings.find(name); found != of.codings.end())
                each.content_codings = found->second;
            if (of.resumes)
                each.input = std::make_unique<resumed>(body);
            else if (of.fails_at < body.size())
                each.input = std::make_unique<broken_source>(body, of.fails_at, each.url);
            else if (body.size() > each.room.spare().size())
                each.input = std::make_unique<weir::memory_source>(body, each.url);
            else {
                std::ranges::copy(std::as_bytes(std::span(body)), each.room.spare().begin());
                each.room.commit(body.size());
                each.is_whole = true;
            }
        }
        co_return requests;
    };
}

weir::ingest_options options_for(const web& of, archive_choice which = archive_choice::named)
{
    weir::ingest_options options;
    options.archives = which;
    options.file_digest = weir::hash_algorithm::sha256;
    options.open_urls = open(of);
    return options;
}

std::optional<weir::digest> digest_of(const std::string& content)
{
    return weir::digest_of(weir::hash_algorithm::sha256, std::as_bytes(std::span(content)));
}

web all_kinds()
{
    web out;
    out.bodies["a.tar"] = tar();
    out.bodies["tiny.tar"] = test::tar_file("small", small) + std::string(1024, '\0');
    for (const codec each : {codec::zstd, codec::gzip})
        if (weir::is_built_in(each)) {
            const std::string plain = tar();
            out.bodies["a.tar" + std::string(weir::suffix_of(each))] =
                text_of(weir::compress(std::as_bytes(std::span(plain)), each));
        }
    if (weir::is_built_in(codec::deflate)) {
        test::zip_writer zip;
        const auto content = [](const std::string& text) {
            const auto bytes = std::as_bytes(std::span(text));
            return byte_vector(bytes.begin(), bytes.end());
        };
        zip.add({.name = "small", .content = content(small), .method = 8});
        zip.add({.name = "large", .content = content(large), .method = 8});
        out.bodies["a.zip"] = text_of(zip.finish());
    }
    return out;
}

TEST_CASE("ingest: archives behind URLs are read by their entries, in memory of any size")
{
    web of = all_kinds();
    for (const std::size_t memory : {32 * mib, 10 * mib}) {
        std::vector<std::string> urls;
        for (const auto& [name, body] : of.bodies)
            urls.push_back("mem://h/" + name);
        collecting_sink sink;
        bench b(memory);
        CHECK(b.run(urls, sink, options_for(of)).errors == 0);
        for (const std::string& url : urls) {
            CAPTURE(url);
            CHECK(!sink.files.contains(url));
            const auto& first = sink.files[url + "/small"].record;
            REQUIRE(first);
            CHECK(first->whole == digest_of(small));
            if (url.find("tiny") != url.npos)
                continue;
            const auto& second = sink.files[url + "/large"].record;
            REQUIRE(second);
            CHECK(second->whole == digest_of(large));
        }
    }
}

TEST_CASE("ingest: a URL is one object where archives are not asked for, and where it is resumed")
{
    for (const bool resumes : {false, true}) {
        web of;
        of.bodies["a.tar"] = tar();
        of.resumes = resumes;
        collecting_sink sink;
        bench b;
        weir::ingest_options options = options_for(of, resumes ? archive_choice::all : archive_choice::none);
        options.file_digest.reset();
        CHECK(b.run({"mem://h/a.tar"}, sink, options).errors == 0);
        REQUIRE(sink.files.size() == 1);
        REQUIRE(sink.files["mem://h/a.tar"].record);
        CHECK(sink.files["mem://h/a.tar"].record->size == of.bodies["a.tar"].size());
    }
}

TEST_CASE("ingest: a body that breaks is a failure of the entry that was read, and of the archive")
{
    web of;
    of.bodies["a.tar"] = tar();
    of.fails_at = 1 * mib;
    collecting_sink sink;
    bench b;
    const auto summary = b.run({"mem://h/a.tar"}, sink, options_for(of));
    CHECK(summary.files == 1);
    CHECK(summary.errors == 2);
    CHECK(sink.files["mem://h/a.tar/small"].record);
    CHECK(sink.files["mem://h/a.tar/large"].error == std::errc::io_error);
    CHECK(sink.files["mem://h/a.tar"].error == std::errc::io_error);
}

TEST_CASE("ingest: a body that breaks at any byte has a failure of the archive, and never an entry that is wrong")
{
    const std::string whole = tar();
    auto random = test::generator(3);
    for (int round = 0; round < 60; ++round) {
        web of;
        of.bodies["a.tar"] = whole;
        of.fails_at = random() % (random() % 2 == 0 ? 4'000 : whole.size());
        CAPTURE(of.fails_at);
        collecting_sink sink;
        bench b;
        CHECK(b.run({"mem://h/a.tar"}, sink, options_for(of)).errors != 0);
        CHECK(sink.files["mem://h/a.tar"].error == std::errc::io_error);
        for (const auto& [path, got] : sink.files)
            if (got.record)
                CHECK(got.record->whole == digest_of(path.ends_with("small") ? small : large));
    }
}

TEST_CASE("ingest: the codings of a body are undone before it is looked at")
{
    if (!weir::is_built_in(codec::gzip))
        return;
    web of;
    const std::string plain = tar();
    const std::string text(100'000, 't');
    const auto packed = [](const std::string& content) {
        return text_of(weir::compress(std::as_bytes(std::span(content)), codec::gzip));
    };
    of.bodies = {{"a.tar", packed(plain)},
                 {"twice.tar.gz", packed(packed(plain))},
                 {"text", packed(text)},
                 {"text.gz", packed(packed(text))}};
    for (const auto& [name, body] : of.bodies)
        of.codings[name] = {"gzip"};
    weir::ingest_options options = options_for(of);
    options.decode.emplace();
    collecting_sink sink;
    bench b;
    const auto summary =
        b.run({"mem://h/a.tar", "mem://h/twice.tar.gz", "mem://h/text", "mem://h/text.gz"}, sink, options);
    CHECK(summary.errors == 0);
    CHECK(summary.files == 6);
    for (const char* each : {"mem://h/a.tar/large", "mem://h/twice.tar.gz/large"}) {
        REQUIRE(sink.files[each].record);
        CHECK(sink.files[each].record->whole == digest_of(large));
    }
    for (const char* each : {"mem://h/text", "mem://h/text.gz"}) {
        REQUIRE(sink.files[each].record);
        CHECK(sink.files[each].record->whole == digest_of(text));
    }
    CHECK(!sink.files["mem://h/text"].record->codec); // the coding was the way's, not the object's
    CHECK(sink.files["mem://h/text.gz"].record->codec == codec::gzip);
}

/// Looks at what it is told of at once: texts die with the call.
class origin_sink final : public weir::ingest_sink {
public:
    asio::awaitable<void> chunks(const weir::file_origin& of, std::span<const weir::chunk_record>) override
    {
        note(of);
        co_return;
    }
    asio::awaitable<void> file(const weir::file_record& record) override
    {
        note(record);
        co_return;
    }
    asio::awaitable<void> failed(std::string_view path, std::error_code, std::string_view text) override
    {
        FAIL_CHECK(path << ": " << text);
        co_return;
    }

    std::map<std::string, std::pair<std::string, std::optional<codec>>> origins;

private:
    void note(const weir::file_origin& of)
    {
        const std::pair value{std::string(of.archive), of.codec};
        CHECK(origins.try_emplace(std::string(of.path), value).first->second == value); // the same each time
    }
};

TEST_CASE("ingest: a sink is told which archive an entry is of, and which codec was undone")
{
    temp_dir directory;
    std::map<std::string, std::pair<std::string, std::optional<codec>>> wanted;
    const std::string archive = directory.write("t/a.tar", tar());
    wanted[archive + "/small"] = wanted[archive + "/large"] = {archive, std::nullopt};
    wanted[directory.write("t/plain", large)] = {"", std::nullopt};
    for (const codec each : {codec::zstd, codec::gzip})
        if (weir::is_built_in(each))
            for (const std::string* content : {&small, &large}) {
                const auto packed = weir::compress(std::as_bytes(std::span(*content)), each);
                const std::string name = std::to_string(content->size()) + std::string(weir::suffix_of(each));
                wanted[directory.write("t/" + name, packed)] = {"", each};
            }
    weir::ingest_options options;
    options.archives = archive_choice::all;
    options.decode.emplace().pass_unknown = true;
    origin_sink sink;
    bench b;
    CHECK(b.run({directory / "t"}, sink, options).errors == 0);
    CHECK(sink.origins == wanted);
}

TEST_CASE("ingest: cancelled at any step among archives behind URLs it ends, and everything is back")
{
    web of = all_kinds();
    std::vector<std::string> urls;
    for (const auto& [name, body] : of.bodies)
        urls.push_back("mem://h/" + name);
    cancel_at_any_step(urls, options_for(of), 9);
}

} // namespace
