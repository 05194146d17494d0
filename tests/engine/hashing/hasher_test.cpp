#include <weir/hasher.hpp>

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace {

using weir::hash_algorithm;

std::string hex_of(hash_algorithm algorithm, std::string_view message)
{
    return weir::digest_of(algorithm, std::as_bytes(std::span(message))).to_hex();
}

TEST_CASE("hasher: SHA-256 gives the examples of FIPS 180-4")
{
    CHECK(hex_of(hash_algorithm::sha256, "") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hex_of(hash_algorithm::sha256, "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("hasher: SHA-512/256 gives the examples of FIPS 180-4")
{
    CHECK(hex_of(hash_algorithm::sha512_256, "") == "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a");
    CHECK(hex_of(hash_algorithm::sha512_256, "abc")
          == "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
}

TEST_CASE("hasher: XXH3 gives what xxhsum -H2 prints, in every range of lengths it treats apart")
{
    CHECK(hex_of(hash_algorithm::xxh3_128, "") == "99aa06d3014798d86001c324468d497f");
    CHECK(hex_of(hash_algorithm::xxh3_128, "abc") == "06b05ab6733a618578af5f94892f3950");
    CHECK(hex_of(hash_algorithm::xxh3_128, std::string(16, 'a')) == "ff9f5054066830d0245750ddc4828d15");
    CHECK(hex_of(hash_algorithm::xxh3_128, std::string(200, 'a')) == "cffe968d25cc79dac8654f5c46034008");
    CHECK(hex_of(hash_algorithm::xxh3_128, std::string(1000, 'a')) == "b01da365eddaa29cb3e7af627147db7c");
}

TEST_CASE("hasher: pieces of any size give the digest of the whole, message after message")
{
    auto random = test::generator();
    std::vector<std::byte> message(5000);
    for (std::byte& value : message)
        value = static_cast<std::byte>(random());
    for (auto algorithm : {hash_algorithm::sha256, hash_algorithm::sha512_256, hash_algorithm::xxh3_128}) {
        weir::hasher hasher(algorithm);
        for (int round = 0; round < 20; ++round) {
            std::span<const std::byte> rest(message.data(), random() % message.size());
            const weir::digest expected = weir::digest_of(algorithm, rest);
            while (!rest.empty()) {
                const std::size_t size = std::min<std::size_t>(rest.size(), random() % 300);
                hasher.update(rest.first(size));
                rest = rest.subspan(size);
            }
            const weir::digest got = hasher.finish();
            CHECK(got == expected);
            CHECK(got.size() == weir::digest_size(algorithm));
        }
    }
}

TEST_CASE("hasher: reset forgets what was appended, and a moved hasher goes on")
{
    for (auto algorithm : {hash_algorithm::sha256, hash_algorithm::sha512_256, hash_algorithm::xxh3_128}) {
        const std::string_view abc = "abc";
        weir::hasher first(algorithm);
        first.update(std::as_bytes(std::span(abc)));
        first.reset();
        first.update(std::as_bytes(std::span(abc.substr(0, 1))));
        weir::hasher second = std::move(first);
        second.update(std::as_bytes(std::span(abc.substr(1))));
        CHECK(second.finish() == weir::digest_of(algorithm, std::as_bytes(std::span(abc))));
        CHECK(second.algorithm() == algorithm);
    }
}

} // namespace
