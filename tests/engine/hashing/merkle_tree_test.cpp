#include <weir/merkle_tree.hpp>

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using weir::hash_algorithm;

struct leaf {
    weir::digest chunk;
    std::uint64_t length;
};

std::string text_of(const weir::digest& digest)
{
    return {reinterpret_cast<const char*>(digest.span().data()), digest.size()};
}

weir::digest hash(hash_algorithm algorithm, const std::string& text)
{
    return weir::digest_of(algorithm, std::as_bytes(std::span(text)));
}

/// The definition of RFC 6962, section 2.1, word by word.
weir::digest tree_hash(hash_algorithm algorithm, std::span<const leaf> leaves)
{
    if (leaves.empty())
        return hash(algorithm, "");
    if (leaves.size() == 1) {
        std::string data = text_of(leaves[0].chunk);
        for (int shift = 0; shift < 64; shift += 8)
            data += static_cast<char>(leaves[0].length >> shift);
        return hash(algorithm, std::string(1, '\0') + data);
    }
    std::size_t split = 1;
    while (2 * split < leaves.size())
        split *= 2;
    return hash(algorithm,
                '\1' + text_of(tree_hash(algorithm, leaves.first(split)))
                    + text_of(tree_hash(algorithm, leaves.subspan(split))));
}

TEST_CASE("merkle_tree: after every chunk the root is that of the definition")
{
    auto random = test::generator();
    for (auto algorithm : {hash_algorithm::sha256, hash_algorithm::sha512_256, hash_algorithm::xxh3_128}) {
        weir::merkle_tree tree(algorithm);
        std::vector<leaf> leaves;
        for (int count = 0; count < 140; ++count) {
            CHECK(tree.size() == leaves.size());
            REQUIRE(tree.root() == tree_hash(algorithm, leaves));
            leaves.push_back({hash(algorithm, std::to_string(random())), random()});
            tree.add(leaves.back().chunk, leaves.back().length);
        }
    }
}

TEST_CASE("merkle_tree: the roots of none, one and three chunks stay what they are")
{
    // Computed with Python's hashlib from the definition; the chunks are "a", "b" and "c".
    weir::merkle_tree tree(hash_algorithm::sha256);
    CHECK(tree.root().to_hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    tree.add(hash(hash_algorithm::sha256, "a"), 1);
    CHECK(tree.root().to_hex() == "f2753e750be798d45dbb6708afd2e4d4e0e8bf4e08f45f5978e122ddbabc389b");
    tree.add(hash(hash_algorithm::sha256, "b"), 1);
    tree.add(hash(hash_algorithm::sha256, "c"), 1);
    CHECK(tree.root().to_hex() == "57d1ff718307d3a8f02ae431140a4cf8079b3420d85f4b633a10a79db56426e8");
}

TEST_CASE("merkle_tree: length and order of the chunks matter, and clear begins anew")
{
    const weir::digest a = hash(hash_algorithm::sha256, "a"), b = hash(hash_algorithm::sha256, "b");
    const auto root_of = [](std::initializer_list<leaf> leaves) {
        weir::merkle_tree tree(hash_algorithm::sha256);
        for (const leaf& each : leaves)
            tree.add(each.chunk, each.length);
        return tree.root();
    };
    CHECK(root_of({{a, 1}, {b, 1}}) != root_of({{b, 1}, {a, 1}}));
    CHECK(root_of({{a, 1}}) != root_of({{a, 1u << 8}}));

    weir::merkle_tree tree(hash_algorithm::sha256);
    tree.add(b, 7);
    tree.clear();
    CHECK(tree.size() == 0);
    tree.add(a, 1);
    CHECK(tree.root() == root_of({{a, 1}}));
}

} // namespace
