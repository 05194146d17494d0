#include <weir/digest.hpp>

#include <weir/fmt.hpp>

#include <doctest/doctest.h>

#include <type_traits>
#include <unordered_set>

namespace {

constexpr std::string_view some_hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

weir::digest from(std::string_view hex) { return weir::digest::from_hex(hex).value(); }

TEST_CASE("digest: hexadecimal text and back is the identity")
{
    CHECK(from(some_hex).to_hex() == some_hex);
    CHECK(from(some_hex).size() == 32);
    CHECK(from("00FFa5").to_hex() == "00ffa5");
    CHECK(from("").empty());
    CHECK(weir::digest().to_hex().empty());
}

TEST_CASE("digest: what is no hexadecimal text of at most 32 bytes is refused")
{
    CHECK(!weir::digest::from_hex("abc"));
    CHECK(!weir::digest::from_hex("0g"));
    CHECK(!weir::digest::from_hex(" 1"));
    CHECK(!weir::digest::from_hex(std::string(some_hex) + "00"));
}

TEST_CASE("digest: the order is that of the bytes, then of the length")
{
    CHECK(from("00") < from("01"));
    CHECK(from("7f") < from("80"));
    CHECK(from("01") < from("0100"));
    CHECK(from("0100") < from("02"));
    CHECK(from("01") != from("0100"));
    CHECK(from(some_hex) == from(some_hex));
}

TEST_CASE("digest: it is a trivial value, usable as a key")
{
    static_assert(std::is_trivially_copyable_v<weir::digest>);
    const std::unordered_set<weir::digest> set{from("00"), from("01"), from("01"), from("")};
    CHECK(set.size() == 3);
    CHECK(set.contains(from("01")));
}

TEST_CASE("digest: {fmt} prints it as text, with a string's options")
{
    CHECK(fmt::format("{}", from("c0ffee")) == "c0ffee");
    CHECK(fmt::format("{:>8}", from("c0ffee")) == "  c0ffee");
}

TEST_CASE("hash_algorithm: every name finds its algorithm again, others none")
{
    for (auto algorithm :
         {weir::hash_algorithm::sha256, weir::hash_algorithm::sha512_256, weir::hash_algorithm::xxh3_128})
        CHECK(weir::parse_hash_algorithm(to_string(algorithm)) == algorithm);
    CHECK(to_string(weir::hash_algorithm::sha512_256) == "sha512-256");
    CHECK(!weir::parse_hash_algorithm("SHA256"));
    CHECK(!weir::parse_hash_algorithm(""));
}

} // namespace
