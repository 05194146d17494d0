#include "comparison.hpp"

#include <weir/hasher.hpp>

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <map>
#include <span>

namespace {

weir::digest digest_of(int number)
{
    return weir::digest_of(weir::hash_algorithm::sha256, std::as_bytes(std::span(&number, 1)));
}

TEST_CASE("comparison: chunks are counted once, wherever they are")
{
    auto random = test::generator();
    tool::inventory a, b;
    std::map<int, std::uint64_t> in_a, in_b;
    for (int i = 0; i < 500; ++i) {
        const int number = static_cast<int>(random() % 200);
        const bool left = random() % 2;
        (left ? a : b).add_chunk(digest_of(number), static_cast<std::uint64_t>(number));
        (left ? in_a : in_b)[number] = static_cast<std::uint64_t>(number);
    }
    tool::tally shared, only_a, only_b;
    for (const auto& [number, length] : in_a) {
        tool::tally& into = in_b.contains(number) ? shared : only_a;
        ++into.chunks;
        into.bytes += length;
    }
    for (const auto& [number, length] : in_b)
        if (!in_a.contains(number)) {
            ++only_b.chunks;
            only_b.bytes += length;
        }
    const tool::chunk_comparison result = tool::compare_chunks(a, b);
    CHECK(result.shared == shared);
    CHECK(result.only_a == only_a);
    CHECK(result.only_b == only_b);
}

TEST_CASE("comparison: what could not be read, and what lies in it, is neither added nor removed")
{
    tool::inventory a, b;
    for (const char* name : {"closed/x", "closed/y/z", "closedx", "whole"})
        a.add_file(name, {digest_of(1), 1});
    b.add_file("lost", {digest_of(1), 1});
    b.add_file("lost/in", {digest_of(1), 1});
    b.add_file("los", {digest_of(1), 1});
    b.add_failed("closed");
    a.add_failed("lost");
    std::vector<std::pair<std::string, std::string>> found;
    for (const tool::file_change& one : tool::compare_files(a, b))
        found.emplace_back(to_string(one.what), one.name);
    const std::vector<std::pair<std::string, std::string>> expected = {
        {"removed", "closedx"}, {"added", "los"}, {"removed", "whole"}};
    CHECK(found == expected);
}

TEST_CASE("comparison: files are told apart by name, root and size")
{
    tool::inventory a, b;
    a.add_file("gone", {digest_of(1), 1});
    a.add_file("same", {digest_of(2), 2});
    a.add_file("other", {digest_of(3), 3});
    b.add_file("same", {digest_of(2), 2});
    b.add_file("other", {digest_of(4), 3});
    b.add_file("fresh", {digest_of(1), 1});
    std::vector<std::pair<std::string, std::string>> found;
    for (const tool::file_change& one : tool::compare_files(a, b))
        found.emplace_back(to_string(one.what), one.name);
    const std::vector<std::pair<std::string, std::string>> expected = {
        {"added", "fresh"}, {"removed", "gone"}, {"changed", "other"}, {"identical", "same"}};
    CHECK(found == expected);
}

} // namespace
