#include "contained_check.hpp"

#include "codecs/archives/tar_writing.hpp"
#include "codecs/archives/zip_writer.hpp"
#include "support/coroutine.hpp"
#include "support/run.hpp"
#include "support/seed.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

#include <weir/codec.hpp>
#include <weir/compress.hpp>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace contained_check_test {
namespace {

namespace asio = boost::asio;
using tool::contained_check;
using tool::contained_file;
using tool::container;
using contents = std::map<std::string, std::string>;

std::string text(std::size_t size, std::uint64_t seed)
{
    const auto bytes = test::random_bytes(size, seed);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

contents many(std::size_t count)
{
    auto random = test::generator(5);
    contents out;
    for (std::size_t i = 0; i != count; ++i)
        out["d/" + std::to_string(i)] = text(random() % 3'000, random());
    out["large"] = text(1'500'000, random());
    return out;
}

contained_file listed(const std::string& name, const std::string& content)
{
    contained_file out;
    out.name = name;
    out.size = content.size();
    for (auto rest = std::as_bytes(std::span(content)); !rest.empty();) {
        const auto part = rest.first(std::min<std::size_t>(rest.size(), 60'000));
        out.parts.push_back({weir::digest_of(out.hash, part), part.size()});
        rest = rest.subspan(part.size());
    }
    return out;
}

container listed(const std::string& path, const contents& all)
{
    container out;
    out.path = path;
    for (const auto& [name, content] : all)
        out.files.push_back(listed(name, content));
    for (const contained_file& each : out.files)
        out.bytes += tool::bytes_of(each);
    return out;
}

std::string tar_of(const contents& all)
{
    std::string out;
    for (const auto& [name, content] : all)
        out += test::tar_file("./" + name, content);
    return out + std::string(1024, '\0');
}

std::vector<std::string> write_archives(const test::temp_dir& into, const contents& all)
{
    std::vector<std::string> paths = {into.write("a.tar", tar_of(all))};
    if (weir::is_built_in(weir::codec::deflate)) {
        test::zip_writer zip;
        for (const auto& [name, content] : all) {
            const auto bytes = std::as_bytes(std::span(content));
            zip.add({.name = name, .content = {bytes.begin(), bytes.end()}, .method = 8});
        }
        paths.push_back(into.write("a.zip", zip.finish()));
    }
    return paths;
}

struct bench {
    bench() : engine(context.get_executor(), {.memory_bytes = std::size_t{8} << 20, .workers = {.threads = 3}}) {}

    /// Gives them all, and gathers what is said, by path; then everything has to be back.
    std::map<std::string, std::string> run(std::vector<container> all)
    {
        std::map<std::string, std::string> said;
        contained_check check(engine, {});
        test::run(context, go(check, std::move(all), said));
        CHECK(check.bytes_held() == 0);
        CHECK(engine.pool().statistics().in_use_bytes == 0);
        return said;
    }

    static asio::awaitable<void> go(contained_check& check, std::vector<container> all,
                                    std::map<std::string, std::string>& said)
    {
        const weir::result<void> done = co_await weir::as_result(gather(check, std::move(all), said));
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await check.stop();
        done.value();
    }

    static asio::awaitable<void> gather(contained_check& check, std::vector<container> all,
                                        std::map<std::string, std::string>& said)
    {
        for (container& each : all)
            check.give(std::move(each));
        check.close();
        for (;;) {
            const auto found = co_await check.next();
            if (!found)
                co_return;
            for (const tool::verdict& each : *found)
                CHECK(said.try_emplace(each.path, each.failure).second);
        }
    }

    asio::io_context context;
    weir::engine engine;
};

TEST_CASE("contained_check: thousands of entries of several archives at once, listed in any order")
{
    test::temp_dir directory;
    const contents all = many(3'000);
    auto random = test::generator(6);
    std::vector<container> given;
    for (const std::string& path : write_archives(directory, all)) {
        given.push_back(listed(path, all));
        std::ranges::shuffle(given.back().files, random);
    }
    bench b;
    const auto said = b.run(given);
    CHECK(said.size() == given.size() * all.size());
    CHECK(std::ranges::all_of(said, [](const auto& each) { return each.second.empty(); }));
}

TEST_CASE("contained_check: each entry that is another, or missing, is told, and no other is")
{
    test::temp_dir directory;
    const contents all = many(500);
    contents other = all;
    other["large"][700'000] ^= 1;
    other["d/7"] += "x";
    other.erase("d/8");
    std::vector<container> given;
    for (const std::string& path : write_archives(directory, other))
        given.push_back(listed(path, all));
    bench b;
    for (const auto& each : b.run(given)) {
        const auto& [path, failure] = each;
        CAPTURE(each.first);
        if (path.ends_with("/large"))
            CHECK(failure == "differs in the 58.6 KiB at offset 660000");
        else if (path.ends_with("/d/7"))
            CHECK(failure.find(" bytes, and ") != failure.npos);
        else if (path.ends_with("/d/8"))
            CHECK(failure == "no such entry");
        else
            CHECK(failure.empty());
    }
}

TEST_CASE("contained_check: a name that is there several times is as listed if one of them is")
{
    test::temp_dir directory;
    const std::string path =
        directory.write("a.tar", test::tar_file("x", "one") + test::tar_file("x", "two") + std::string(1024, '\0'));
    bench b;
    for (const char* content : {"one", "two"})
        CHECK(b.run({listed(path, {{"x", content}})}).at(path + "/x").empty());
    CHECK(b.run({listed(path, {{"x", "six"}})}).at(path + "/x") == "differs in the 3 B at offset 0");
}

TEST_CASE("contained_check: an archive of one name alone is compared in the time that its size takes")
{
    test::temp_dir directory;
    std::string tar;
    container all;
    all.path = directory / "a.tar";
    for (int i = 0; i < 20'000; ++i) {
        const std::string content = std::string(2'000, 'x') + std::to_string(100'000 + i);
        tar += test::tar_file("x", content);
        all.files.push_back(listed("x", content));
    }
    directory.write("a.tar", tar + std::string(1024, '\0'));
    bench b;
    contained_check check(b.engine, {});
    std::size_t found = 0;
    test::run(b.context, [](contained_check& of, container what, std::size_t& as_listed) -> asio::awaitable<void> {
        of.give(std::move(what));
        of.close();
        const auto verdicts = co_await of.next();
        as_listed = static_cast<std::size_t>(std::ranges::count(*verdicts, std::string(), &tool::verdict::failure));
        co_await of.stop();
    }(check, std::move(all), found));
    CHECK(found == 20'000);
    CHECK(check.bytes_read() < 21'000 * 2'007);
}

TEST_CASE("contained_check: cancelled at any step it stops, and everything is back")
{
    test::temp_dir directory;
    const contents all = many(400);
    std::vector<container> given;
    for (const std::string& path : write_archives(directory, all))
        given.push_back(listed(path, all));
    if (weir::is_built_in(weir::codec::gzip)) {
        const std::string content = text(2'000'000, 1);
        container packed;
        packed.path = directory.write("a.gz", weir::compress(std::as_bytes(std::span(content)), weir::codec::gzip));
        packed.codec = weir::codec::gzip;
        packed.files.push_back(listed("", content));
        given.push_back(std::move(packed));
    }
    auto random = test::generator(8);
    for (int round = 0; round < 60; ++round) {
        bench b;
        std::map<std::string, std::string> said;
        contained_check check(b.engine, {});
        test::task<void> running(b.context.get_executor(), bench::go(check, given, said));
        for (std::uint64_t steps = random() % 8; steps != 0 && !running.done() && b.context.run_one() != 0; --steps) {
        }
        running.cancel();
        while (!running.done() && b.context.run_one() != 0) {
        }
        REQUIRE(running.done());
        CHECK(std::ranges::all_of(said, [](const auto& each) { return each.second.empty(); }));
        CHECK(b.engine.pool().statistics().in_use_bytes == 0);
    }
}

} // namespace
} // namespace contained_check_test
