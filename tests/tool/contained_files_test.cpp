#include "contained_files.hpp"

#include "support/seed.hpp"
#include "support/sources.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace contained_files_test {
namespace {

using tool::contained_file;
using tool::contained_files;
using tool::content_comparison;

contained_file listed(std::span<const std::byte> content, std::size_t part_bytes)
{
    contained_file out;
    out.size = content.size();
    for (; !content.empty(); content = content.subspan(std::min(part_bytes, content.size()))) {
        const auto part = content.first(std::min(part_bytes, content.size()));
        out.parts.push_back({weir::digest_of(out.hash, part), part.size()});
    }
    return out;
}

/// Gives the content in pieces of random sizes.
std::string compare(const contained_file& with, std::span<const std::byte> content, auto& random)
{
    content_comparison out(with);
    while (!content.empty()) {
        const std::size_t size = std::min<std::size_t>(1 + random() % 5'000, content.size());
        out.update(content.first(size));
        content = content.subspan(size);
    }
    return out.finish();
}

TEST_CASE("content_comparison: a content is as listed however it comes, and each difference is told by its place")
{
    auto random = test::generator(1);
    for (int round = 0; round < 200; ++round) {
        std::vector<std::byte> content = test::random_bytes(random() % 50'000, random());
        contained_file file = listed(content, 1 + random() % 9'000);
        if (random() % 2 == 0)
            file.whole = {weir::hash_algorithm::xxh3_128, weir::digest_of(weir::hash_algorithm::xxh3_128, content)};
        CHECK(compare(file, content, random).empty());
        content.push_back(std::byte{1});
        CHECK(compare(file, content, random).starts_with("is longer than "));
        content.pop_back();
        if (content.empty())
            continue;
        const std::size_t size = content.size();
        const std::byte last = content.back();
        content.pop_back();
        CHECK(compare(file, content, random) == "ends at offset " + std::to_string(size - 1));
        content.push_back(last);
        content[random() % size] ^= std::byte{1};
        CHECK(compare(file, content, random).starts_with("differs in the "));
    }
}

TEST_CASE("content_comparison: a digest of the whole that is another one fails")
{
    auto random = test::generator(2);
    const std::vector<std::byte> content = test::random_bytes(10'000, 1);
    contained_file file = listed(content, 4'000);
    file.whole = {weir::hash_algorithm::sha256, file.parts.front().digest};
    CHECK(compare(file, content, random) == "differs as a whole");
}

tool::listed_origin entry(const std::string& archive, const std::string& name)
{
    return {archive + "/" + name, archive, std::nullopt};
}

TEST_CASE("contained_files: what is compressed is ready at once, and archives when the list has ended")
{
    contained_files all;
    all.add(entry("a", "x"), {});
    all.add({"b.gz", {}, weir::codec::gzip}, {});
    all.add(entry("a", "y/z"), {});
    const auto ready = all.take_ready();
    REQUIRE(ready);
    CHECK(ready->path == "b.gz");
    CHECK(ready->codec == weir::codec::gzip);
    CHECK(ready->path_of(ready->files.at(0)) == "b.gz");
    CHECK(!all.take_ready());
    const auto rest = all.take_any();
    REQUIRE(rest);
    CHECK(rest->path == "a");
    REQUIRE(rest->files.size() == 2);
    CHECK(rest->files[1].name == "y/z");
    CHECK(rest->path_of(rest->files[1]) == "a/y/z");
    CHECK(!all.take_any());
}

TEST_CASE("contained_files: beyond its memory it gives the archive that was left alone for longest, never standard input")
{
    const std::size_t each = tool::bytes_of(contained_file());
    contained_files all(10 * each);
    all.add(entry("-", "x"), {});
    all.add(entry("a", "x"), {});
    all.add(entry("b", "x"), {});
    all.add(entry("a", "y"), {});
    CHECK(!all.take_ready());
    for (int i = 0; i < 10; ++i)
        all.add(entry("-", std::to_string(i)), {});
    const auto first = all.take_ready();
    REQUIRE(first);
    CHECK(first->path == "b");
    const auto second = all.take_ready();
    REQUIRE(second);
    CHECK(second->path == "a");
    CHECK(second->files.size() == 2);
    CHECK(!all.take_ready()); // standard input is too much, and stays
    all.add(entry("a", "z"), {});
    CHECK(all.take_ready()->path == "a");
    CHECK(all.take_any()->files.size() == 11);
}

} // namespace
} // namespace contained_files_test
