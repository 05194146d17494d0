// URLs into files: what is whole gets its name, what is not is gone on with, and nothing wrong is ever trusted.

#include "one_object.hpp"
#include "web.hpp"

#include "support/files.hpp"
#include "support/full_disk.hpp"
#include "support/seed.hpp"
#include "support/temp_dir.hpp"

#include <weir/error.hpp>
#include <weir/hasher.hpp>
#include <weir/http/file_download.hpp>
#include <weir/testing/generated.hpp>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <vector>

namespace {

namespace asio = boost::asio;
using test::content_of;
using test::failure_of;
using test::web;
using weir::errc;
using weir::http::file_download_options;
using weir::http::file_error;
using weir::testing::at_object;
using weir::testing::generated;
using weir::testing::origin;
using weir::testing::script;

constexpr std::size_t mebibyte = std::size_t{1} << 20;
constexpr std::size_t big = 3 * mebibyte + 12'345;

bool exists(const std::string& path) { return std::filesystem::exists(path); }

/// One run of a process that downloads.
struct run {
    explicit run(bool resume = true) { options.resume = resume; }

    /// \returns  nothing where `killed_at_end`
    std::optional<weir::http::source_report> operator()(const std::string& url, const std::string& to)
    {
        web web(client_options());
        options.notice = [this](std::string_view text) { notices.emplace_back(text); };
        return test::await(web.context, save(web, weir::http::url::parse(url), to));
    }

    std::error_code fails(const std::string& url, const std::string& to)
    {
        const weir::failure failure = failure_of([&] { (*this)(url, to); });
        try {
            failure.raise();
        }
        catch (const file_error&) {
            by_file = true;
        }
        catch (const std::exception&) {
            by_file = false;
        }
        return failure.code();
    }

    file_download_options options;
    std::vector<std::string> notices;
    std::uint64_t kept = 0;
    bool by_file = false;       ///< what failed
    unsigned attempts = 1;
    bool killed_at_end = false; ///< when all has come, and the file has not its name

private:
    [[nodiscard]] weir::http::client_options client_options() const
    {
        auto options = web::quick();
        options.retry.attempts = attempts;
        return options;
    }

    asio::awaitable<std::optional<weir::http::source_report>> save(web& web, weir::http::url what, std::string to)
    {
        weir::http::file_download saved(web.client, std::move(what), std::move(to), web.engine().workers().executor(),
                                        options);
        co_await saved.open();
        kept = saved.kept_bytes();
        weir::reservation memory = web.engine().pool().try_reserve(8, web.engine().block_bytes()).value();
        for (std::size_t got = 1; got != 0;)
            got = co_await saved.write_some(memory, 100'000);
        std::optional<weir::http::source_report> report;
        if (!killed_at_end)
            report = co_await saved.finish();
        co_return report;
    }
};

/// An object that breaks off at a byte of it, at its first request.
script broken_at(std::uint64_t at, std::size_t size = big)
{
    script played;
    played.object("big", size, 7);
    played.on("/big").request(1).serve("big").close(at_object(at));
    played.on("/big").serve("big");
    return played;
}

TEST_CASE("file: it has its name when it is whole, and nothing else is left")
{
    const test::temp_dir directory;
    const std::string path = directory.write("f", "what was there");
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    origin server(broken_at(2'000'000));
    CHECK(run(false).fails(server.url("/big"), path) == errc::ended_early);
    CHECK(content_of(path) == "what was there");
    CHECK(!exists(path + ".part"));
    for (const bool resume : {false, true}) {
        run again(resume);
        again(server.url("/big"), path);
        CHECK(content_of(path) == generated(7, 0, big));
        CHECK(!exists(path + ".part"));
        CHECK(!exists(path + ".part.journal"));
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
    }
}

TEST_CASE("file: what broke off anywhere is gone on with, and no byte that is kept is sent again")
{
    auto random = test::generator(1);
    for (int i = 0; i != 8; ++i) {
        const std::uint64_t at = 1 + random() % (big - 1);
        CAPTURE(at);
        const test::temp_dir directory;
        const std::string path = directory / "f";
        origin server(broken_at(at));
        CHECK(run().fails(server.url("/big"), path) == errc::ended_early);
        CHECK(!exists(path));
        CHECK(content_of(path + ".part") == generated(7, 0, at));
        run again;
        again.options.source.parallel = i % 2 == 0 ? 1 : 3;
        again(server.url("/big"), path);
        CHECK(again.kept == at);
        CHECK(again.notices.empty());
        CHECK(content_of(path) == generated(7, 0, big));
        CHECK(!exists(path + ".part.journal"));
        for (const auto& asked : server.requests()) {
            if (asked.number + asked.connection == 2)
                continue;
            const auto range = asked.field("Range").value_or("");
            CHECK(range.starts_with("bytes="));
            CHECK(std::stoull(std::string(range.substr(6))) >= at);
            CHECK(asked.field("If-Match").has_value());
        }
    }
}

TEST_CASE("file: kept bytes that are wrong, or missing, are fetched again from their chunk on")
{
    for (const std::uint64_t wrong : {0ul, mebibyte - 1, mebibyte, 2 * mebibyte + 5}) {
        CAPTURE(wrong);
        const test::temp_dir directory;
        const std::string path = directory / "f", part = path + ".part";
        origin server(broken_at(3 * mebibyte));
        CHECK(run().fails(server.url("/big"), path) == errc::ended_early);
        if (wrong == mebibyte) {
            std::filesystem::resize_file(part, wrong + 10);
        }
        else {
            std::fstream file(part, std::ios::in | std::ios::out | std::ios::binary);
            file.seekp(static_cast<std::streamoff>(wrong));
            file.put(static_cast<char>(generated(7, wrong, 1)[0] ^ 1));
        }
        run again;
        again(server.url("/big"), path);
        CHECK(again.kept == wrong / mebibyte * mebibyte);
        CHECK(content_of(path) == generated(7, 0, big));
    }
}

TEST_CASE("file: a journal that is torn anywhere in its tail costs at most what it no longer tells of")
{
    const test::temp_dir directory;
    const std::string path = directory / "f", part = path + ".part", journal = part + ".journal";
    constexpr std::uint64_t at = 2 * mebibyte + 1000;
    origin server(broken_at(at, 2 * mebibyte + 2000));
    CHECK(run().fails(server.url("/big"), path) == errc::ended_early);
    const std::string kept = content_of(part), told = content_of(journal);
    std::uint64_t most = at;
    const std::string whole = generated(7, 0, 2 * mebibyte + 2000);
    for (std::size_t size = told.size(); size >= told.size() - 110; --size) {
        CAPTURE(size);
        directory.write("f.part", kept);
        directory.write("f.part.journal", std::string_view(told).substr(0, size));
        REQUIRE(::chmod(journal.c_str(), 0600) == 0);
        run again;
        again(server.url("/big"), path);
        CHECK(again.kept <= most);
        most = again.kept;
        CHECK((content_of(path) == whole));
    }
    CHECK(most <= mebibyte);
}

TEST_CASE("file: another version than the one that is kept starts anew, and is not mixed with it")
{
    const test::temp_dir directory;
    const std::string path = directory / "f";
    origin server(broken_at(2'000'000));
    CHECK(run().fails(server.url("/big"), path) == errc::ended_early);
    script later;
    later.object("big", big, 8);
    later.on("/big").serve("big");
    server.play(std::move(later));
    run again;
    again(server.url("/big"), path);
    REQUIRE(again.notices.size() == 1);
    CHECK(again.notices[0].find("has changed") != std::string::npos);
    CHECK(content_of(path) == generated(8, 0, big));
}

TEST_CASE("file: another content coding than that of what is kept starts anew, and is not mixed with it")
{
    for (const bool first_is_coded : {true, false}) {
        const test::temp_dir directory;
        const std::string path = directory / "f";
        script first, later;
        first.object("big", big, 7);
        auto broken = first.on("/big").serve("big").close(at_object(2'000'000));
        if (first_is_coded)
            broken.header("Content-Encoding", "gzip");
        later.object("big", big, 7);
        auto whole = later.on("/big").serve("big");
        if (!first_is_coded)
            whole.header("Content-Encoding", "gzip");
        origin server(std::move(first));
        CHECK(run().fails(server.url("/big"), path) == errc::ended_early);
        server.play(std::move(later));
        run again;
        again(server.url("/big"), path);
        REQUIRE(again.notices.size() == 1);
        CHECK(again.notices[0].find("has changed") != std::string::npos);
        CHECK(content_of(path) == generated(7, 0, big));
    }
}

TEST_CASE("file: what is kept of a coded object is gone on with")
{
    const test::temp_dir directory;
    const std::string path = directory / "f";
    script played;
    played.object("big", big, 7);
    played.on("/big").request(1).serve("big").header("Content-Encoding", "gzip").close(at_object(2'000'000));
    played.on("/big").serve("big").header("Content-Encoding", "gzip");
    origin server(std::move(played));
    CHECK(run().fails(server.url("/big"), path) == errc::ended_early);
    run again;
    again(server.url("/big"), path);
    CHECK(again.kept > 0);
    CHECK(again.notices.empty());
    CHECK(content_of(path) == generated(7, 0, big));
}

TEST_CASE("file: of any number of digests that a server states, a journal keeps enough to tell that one is wrong")
{
    const test::temp_dir directory;
    const std::string path = directory / "f";
    script played;
    played.object("big", big, 7);
    auto first = played.on("/big").request(1).serve("big").close(at_object(2'000'000));
    for (int i = 0; i != 50; ++i)
        first.header("x-amz-checksum-sha1", test::base64_of(weir::http::checksum_algorithm::sha1, std::to_string(i)));
    played.on("/big").serve("big");
    origin server(std::move(played));
    CHECK(run().fails(server.url("/big"), path) == errc::ended_early);
    CHECK(run().fails(server.url("/big"), path) == errc::mismatch);
}

TEST_CASE("file: where the server gives no strong validator, it says so and leaves nothing behind")
{
    const test::temp_dir directory;
    const std::string path = directory / "f";
    script played;
    played.object("big", big, 7);
    played.on("/big").request(1).serve("big").no_header("ETag").no_header("Last-Modified").close(at_object(2'000'000));
    played.on("/big").serve("big").no_header("ETag").no_header("Last-Modified");
    origin server(std::move(played));
    run first;
    CHECK(first.fails(server.url("/big"), path) == errc::ended_early);
    REQUIRE(first.notices.size() == 1);
    CHECK(first.notices[0].find("cannot be resumed") != std::string::npos);
    CHECK(!exists(path + ".part"));
    CHECK(!exists(path + ".part.journal"));
    run again;
    again(server.url("/big"), path);
    CHECK(content_of(path) == generated(7, 0, big));
}

TEST_CASE("file: the journal of another object is refused and left; one that was signed anew is the same object")
{
    const test::temp_dir directory;
    const std::string path = directory / "f";
    script played;
    played.object("big", big, 7);
    played.on("/*").request(1).serve("big").close(at_object(2'000'000));
    played.on("/*").serve("big");
    origin server(std::move(played));
    const std::string url = server.url("/big?id=1&X-Amz-Date=1&X-Amz-Signature=hunter2");
    CHECK(run().fails(url, path) == errc::ended_early);
    const std::string journal = content_of(path + ".part.journal");
    CHECK(journal.find("hunter2") == std::string::npos);
    CHECK(journal.find("id=1") == std::string::npos);
    CHECK(journal.find("/big") != std::string::npos);
    struct stat status {};
    REQUIRE(::stat((path + ".part.journal").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    for (const std::string other : {"/other?id=1", "/big?id=2&X-Amz-Date=1&X-Amz-Signature=hunter2", "/big?id=1&a=b"}) {
        run refused;
        CHECK(refused.fails(server.url(other), path) == errc::other_object);
        CHECK(refused.by_file);
    }
    CHECK(content_of(path + ".part.journal") == journal);
    run again;
    again(server.url("/big?id=1&X-Amz-Date=2&X-Amz-Signature=swordfish"), path);
    CHECK(again.kept == 2'000'000);
    CHECK(content_of(path) == generated(7, 0, big));
}

TEST_CASE("file: somebody else's FILE.part is refused and left")
{
    const test::temp_dir directory;
    const std::string path = directory / "f";
    const std::string part = directory.write("f.part", "my novel");
    script played;
    played.object("big", big, 7);
    played.on("/big").serve("big");
    origin server(std::move(played));
    for (const bool resume : {false, true}) {
        run refused(resume);
        CHECK(refused.fails(server.url("/big"), path) == std::errc::file_exists);
        CHECK(refused.by_file);
        CHECK(content_of(part) == "my novel");
        CHECK(!exists(part + ".journal"));
    }
    CHECK(server.requests().empty());
    std::filesystem::resize_file(part, 0); // there is nothing to lose
    run(true)(server.url("/big"), path);
    CHECK(content_of(path) == generated(7, 0, big));
}

TEST_CASE("file: what an earlier run left is thrown away when an answer has come, and not before")
{
    const test::temp_dir directory;
    const std::string path = directory / "f", part = path + ".part";
    script played = broken_at(2'000'000);
    played.object("small", 1000, 3);
    played.on("/small").serve("small");
    origin server(std::move(played));
    CHECK(run().fails(server.url("/big"), path) == errc::ended_early);
    const std::string told = content_of(part + ".journal");
    CHECK(run(false).fails(server.url("/none"), path) == errc::http_status);
    CHECK(content_of(part) == generated(7, 0, 2'000'000));
    CHECK(content_of(part + ".journal") == told);
    run(false)(server.url("/small"), path);
    CHECK(content_of(path) == generated(3, 0, 1000));
    CHECK(!exists(part));
    CHECK(!exists(part + ".journal"));
}

TEST_CASE("file: what a run without resume leaves when it is killed is ours, for any URL")
{
    script played;
    played.object("big", big, 7);
    played.object("small", 1000, 3);
    played.on("/big").request(1).serve("big").hold(at_object(2'000'000), "gate");
    played.on("/small").serve("small");
    origin server(std::move(played));
    const test::temp_dir directory;
    {
        web web;
        weir::http::file_download killed(web.client, weir::http::url::parse(server.url("/big")), directory / "f",
                                         web.engine().workers().executor());
        auto begin = [](weir::http::file_download& of, weir::engine& engine) -> asio::awaitable<bool> {
            co_await of.open();
            weir::reservation memory = engine.pool().try_reserve(8, engine.block_bytes()).value();
            std::size_t came = 0;
            for (std::size_t got = 1; got != 0 && came <= 1000; came += got)
                got = co_await of.write_some(memory, 100'000);
            co_return came > 1000;
        };
        CHECK(test::await(web.context, begin(killed, web.engine())));
        for (const std::string name : {"g.part", "g.part.journal", "h.part", "h.part.journal"}) {
            const std::string left = directory.write(name, content_of(directory / ("f" + name.substr(1))));
            REQUIRE(::chmod(left.c_str(), 0600) == 0);
        }
    }
    server.release("gate");
    CHECK(!exists(directory / "f.part"));
    for (const bool resume : {false, true}) {
        const std::string path = directory / (resume ? "g" : "h");
        REQUIRE(std::filesystem::file_size(path + ".part") > 1000);
        run again(resume);
        again(server.url("/small"), path);
        CHECK(again.kept == 0);
        CHECK(content_of(path) == generated(3, 0, 1000));
        CHECK(!exists(path + ".part.journal"));
    }
}

TEST_CASE("file: two downloads into one file exclude each other")
{
    const test::temp_dir directory;
    const std::string path = directory / "f";
    web web;
    const auto begin = [&](bool resume) {
        file_download_options options;
        options.resume = resume;
        return std::make_unique<weir::http::file_download>(web.client, weir::http::url::parse("http://h/x"), path,
                                                           web.engine().workers().executor(), options);
    };
    for (const bool resume : {false, true}) {
        const auto first = begin(resume);
        CHECK(failure_of([&] { begin(true); }).code() == errc::in_use);
        CHECK(failure_of([&] { begin(false); }).code() == errc::in_use);
    }
    CHECK(!exists(path + ".part"));
    CHECK(failure_of([&] {
              weir::http::file_download(web.client, weir::http::url::parse("http://h/x"), directory.path(),
                                        web.engine().workers().executor());
          }).code()
          == std::errc::is_a_directory);
}

weir::http::stated_digest sha256_of(const std::string& content)
{
    const weir::digest sum = weir::digest_of(weir::hash_algorithm::sha256, std::as_bytes(std::span(content)));
    weir::http::stated_digest out;
    out.value.assign(sum.span().begin(), sum.span().end());
    out.field = "expected";
    return out;
}

TEST_CASE("file: digests are of the whole, whatever runs it came in; a wrong one leaves nothing")
{
    const std::string content(generated(7, 0, big));
    const weir::http::stated_digest right = sha256_of(content);
    weir::http::stated_digest wrong = right;
    wrong.value[0] ^= std::byte{1};
    const std::string stated = "Repr-Digest: "
        + weir::http::digest_field_value(weir::http::checksum_algorithm::sha256, wrong.value);
    for (const int way : {0, 1, 2}) {
        CAPTURE(way);
        const test::temp_dir directory;
        const std::string path = directory / "f";
        script played;
        played.object("big", big, 7);
        auto first = played.on("/big");
        first.request(1).serve("big");
        if (way == 2)
            first.header("Repr-Digest", stated.substr(13));
        first.close(at_object(2'000'000));
        played.on("/big").serve("big");
        origin server(std::move(played));
        CHECK(run().fails(server.url("/big"), path) == errc::ended_early);
        run again;
        if (way != 2)
            again.options.source.expected = way == 0 ? right : wrong;
        if (way == 0) {
            const auto report = again(server.url("/big"), path);
            CHECK(report->checked == std::vector<std::string>{"expected"});
            CHECK(content_of(path) == content);
        }
        else {
            CHECK(again.fails(server.url("/big"), path) == errc::mismatch);
            CHECK(!exists(path));
            CHECK(!exists(path + ".part"));
            CHECK(!exists(path + ".part.journal"));
        }
    }
}

TEST_CASE("file: a wrong digest of one answer costs what that answer brought, and nothing that was there before")
{
    const std::string wrong = weir::http::digest_field_value(weir::http::checksum_algorithm::sha256, sha256_of("other").value);
    for (const std::uint64_t at : {std::uint64_t{1}, std::uint64_t{2 * mebibyte}, std::uint64_t{2'300'000}}) {
        for (const bool same_run : {false, true}) {
            CAPTURE(at);
            CAPTURE(same_run);
            const test::temp_dir directory;
            const std::string path = directory / "f";
            script played;
            played.object("big", big, 7);
            played.on("/big").request(1).serve("big").close(at_object(at));
            played.on("/big").request(1).serve("big").header("Content-Digest", wrong);
            played.on("/big").serve("big");
            origin server(std::move(played));
            run twice;
            twice.attempts = same_run ? 2 : 1;
            if (!same_run)
                CHECK(twice.fails(server.url("/big"), path) == errc::ended_early);
            CHECK(twice.fails(server.url("/big"), path) == errc::mismatch);
            CHECK(server.requests().size() == 2);
            CHECK(content_of(path + ".part") == generated(7, 0, at));
            run again;
            again(server.url("/big"), path);
            CHECK(again.kept == at);
            CHECK(content_of(path) == generated(7, 0, big));
        }
    }
}

TEST_CASE("file: of parts side by side, those before the one with a wrong digest are kept")
{
    const std::string wrong = weir::http::digest_field_value(weir::http::checksum_algorithm::sha256, sha256_of("other").value);
    const test::temp_dir directory;
    const std::string path = directory / "f";
    constexpr std::uint64_t part = 128 << 10, place = 9 * part; // in the middle of a chunk
    const std::string range = fmt::format("bytes={}-{}", place, place + part - 1);
    script played;
    played.object("big", big, 7);
    played.on("/big").with("Range", range).request(1).serve("big").header("Content-Digest", wrong);
    played.on("/big").serve("big");
    origin server(std::move(played));
    run failed;
    failed.options.source.parallel = 3;
    failed.options.source.part_bytes = part;
    CHECK(failed.fails(server.url("/big"), path) == errc::mismatch);
    CHECK(content_of(path + ".part") == generated(7, 0, place));
    run again;
    again(server.url("/big"), path);
    CHECK(again.kept == place);
    CHECK(content_of(path) == generated(7, 0, big));
}

TEST_CASE("file: digests behind the body are checked too, and those of the whole are none of a part")
{
    const weir::http::stated_digest right = sha256_of(std::string(generated(7, 0, big)));
    weir::http::stated_digest wrong = right;
    wrong.value[0] ^= std::byte{1};
    const auto field = [](const weir::http::stated_digest& of) {
        return weir::http::digest_field_value(weir::http::checksum_algorithm::sha256, of.value);
    };
    const test::temp_dir directory;
    script played;
    played.object("big", big, 7);
    played.on("/right").serve("big").chunked().header("Trailer", "Repr-Digest").trailer("Repr-Digest", field(right));
    played.on("/wrong").serve("big").chunked().header("Trailer", "Repr-Digest").trailer("Repr-Digest", field(wrong));
    played.on("/part").serve("big").header("Repr-Digest", field(right));
    origin server(std::move(played));
    const auto report = run()(server.url("/right"), directory / "right");
    CHECK(report->checked == std::vector<std::string>{"Repr-Digest: sha-256"});
    CHECK(run().fails(server.url("/wrong"), directory / "wrong") == errc::mismatch);
    CHECK(!exists(directory / "wrong"));
    CHECK(!exists(directory / "wrong.part"));
    run ten;
    ten.options.resume = false;
    ten.options.source.header.add("Range", "bytes=0-9");
    ten(server.url("/part"), directory / "part");
    CHECK(content_of(directory / "part") == generated(7, 0, 10));
}

TEST_CASE("file: on a full disk it fails by the file, and goes on when there is room")
{
    const test::temp_dir directory;
    const std::string path = directory / "f";
    script played;
    played.object("big", big, 7);
    played.on("/big").serve("big");
    origin server(std::move(played));
    for (const rlim_t room : {rlim_t{20}, rlim_t{100}, rlim_t{1'500'000}}) {
        const test::full_disk full(room);
        run failed;
        CHECK(failed.fails(server.url("/big"), path) == std::errc::file_too_large);
        CHECK(failed.by_file);
    }
    run again;
    again(server.url("/big"), path);
    CHECK(again.kept > mebibyte);
    CHECK(again.kept <= 1'500'000);
    CHECK(content_of(path) == generated(7, 0, big));
}

TEST_CASE("file: all of it is kept: nothing is asked for")
{
    const test::temp_dir directory;
    const std::string path = directory / "f";
    origin server(broken_at(big - 1));
    CHECK(run().fails(server.url("/big"), path) == errc::ended_early);
    run all;
    all.killed_at_end = true;
    all(server.url("/big"), path);
    CHECK(!exists(path));
    const std::size_t before = server.requests().size();
    run again;
    again(server.url("/big"), path);
    CHECK(again.kept == big);
    CHECK(server.requests().size() == before);
    CHECK(content_of(path) == generated(7, 0, big));
}

TEST_CASE("file: a download that is cancelled leaves what can be gone on with")
{
    const test::temp_dir directory;
    const std::string path = directory / "f";
    script played;
    played.object("big", big, 7);
    played.on("/big").request(1).serve("big").hold(at_object(2'000'000), "gate");
    played.on("/big").serve("big");
    origin server(std::move(played));
    {
        web web;
        file_download_options options;
        options.resume = true;
        const auto saved = std::make_shared<weir::http::file_download>(
            web.client, weir::http::url::parse(server.url("/big")), path, web.engine().workers().executor(), options);
        const auto came = std::make_shared<std::uint64_t>(0);
        auto copy = [](auto of, auto bytes, weir::engine& engine) -> asio::awaitable<bool> {
            co_await of->open();
            weir::reservation memory = engine.pool().try_reserve(8, engine.block_bytes()).value();
            for (std::size_t got = 1; got != 0; *bytes += got)
                got = co_await of->write_some(memory, 100'000);
            co_return true;
        };
        test::task<bool> running(web.context.get_executor(), copy(saved, came, web.engine()));
        while (*came < 1'900'000)
            web.context.run_one();
        running.cancel();
        while (!running.done())
            web.context.run_one();
        CHECK(running.outcome().code() == weir::condition::cancelled);
    }
    server.release("gate");
    run again;
    again(server.url("/big"), path);
    CHECK(again.kept >= 1'900'000);
    CHECK(content_of(path) == generated(7, 0, big));
}

} // namespace
