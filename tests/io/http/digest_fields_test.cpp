#include <weir/http/digest_fields.hpp>

#include "support/seed.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace {

using weir::http::checksum;
using weir::http::checksum_algorithm;
using weir::http::digest_scope;
using weir::http::digests_of;
using weir::http::fields;
using weir::http::stated_digests;

constexpr std::array algorithms = {checksum_algorithm::crc32, checksum_algorithm::crc32c, checksum_algorithm::crc64nvme,
                                   checksum_algorithm::md5,   checksum_algorithm::sha1,   checksum_algorithm::sha256,
                                   checksum_algorithm::sha512};

std::vector<std::byte> sum_of(checksum_algorithm algorithm, std::string_view text)
{
    checksum sum(algorithm);
    sum.update(std::as_bytes(std::span(text)));
    return sum.finish();
}

std::string hex(std::span<const std::byte> bytes)
{
    std::string out;
    for (const std::byte each : bytes) {
        out.push_back("0123456789abcdef"[static_cast<unsigned>(each) >> 4]);
        out.push_back("0123456789abcdef"[static_cast<unsigned>(each) & 15]);
    }
    return out;
}

// Check values: the catalogue of CRCs (of "123456789"), RFC 1321, FIPS 180.
TEST_CASE("checksum: the published values come out")
{
    CHECK(hex(sum_of(checksum_algorithm::crc32, "123456789")) == "cbf43926");
    CHECK(hex(sum_of(checksum_algorithm::crc32c, "123456789")) == "e3069283");
    CHECK(hex(sum_of(checksum_algorithm::crc64nvme, "123456789")) == "ae8b14860a799888");
    CHECK(hex(sum_of(checksum_algorithm::crc64nvme, std::string(4096, '\0'))) == "6482d367eb22b64e"); // of the NVM specification
    CHECK(hex(sum_of(checksum_algorithm::crc64nvme, std::string(4096, '\xff'))) == "c0ddba7302eca3ac");
    CHECK(hex(sum_of(checksum_algorithm::md5, "abc")) == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(hex(sum_of(checksum_algorithm::sha1, "abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(hex(sum_of(checksum_algorithm::sha256, "abc"))
          == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hex(sum_of(checksum_algorithm::sha512, "")).starts_with("cf83e1357eefb8bd"));
}

TEST_CASE("checksum: pieces give what the whole gives, and each message begins afresh")
{
    for (const checksum_algorithm algorithm : algorithms) {
        CAPTURE(to_string(algorithm));
        checksum sum(algorithm);
        sum.update({});
        for (const std::string_view piece : {"12", "", "345678", "9"})
            sum.update(std::as_bytes(std::span(piece)));
        CHECK(sum.finish() == sum_of(algorithm, "123456789"));
        CHECK(sum.finish() == sum_of(algorithm, ""));
        CHECK(sum_of(algorithm, "x").size() == weir::http::checksum_size(algorithm));
    }
}

TEST_CASE("checksum: bytes come to the same one by one and many at a time, from any place in memory")
{
    CAPTURE(test::seed());
    std::mt19937_64 random = test::generator(6);
    std::vector<std::byte> content(300);
    for (std::byte& each : content)
        each = static_cast<std::byte>(random());
    for (const checksum_algorithm algorithm : algorithms) {
        CAPTURE(to_string(algorithm));
        for (std::size_t start = 0; start < 9; ++start) {
            const std::span<const std::byte> piece = std::span(content).subspan(start, random() % 250);
            checksum whole(algorithm), single(algorithm);
            whole.update(piece);
            for (const std::byte& each : piece)
                single.update({&each, 1});
            CHECK(whole.finish() == single.finish());
        }
    }
}

// RFC 9530, appendix B.1 and B.10: of `{"hello": "world"}` and a line feed.
TEST_CASE("digests: the examples of RFC 9530 are read, and match")
{
    constexpr std::string_view body = "{\"hello\": \"world\"}\n";
    const stated_digests found =
        digests_of({{"Content-Digest", "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"},
                    {"Repr-Digest",
                     "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCs"
                     "yRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:"}},
                   true);
    CHECK(found.ignored.empty());
    REQUIRE(found.checkable.size() == 2);
    CHECK(found.checkable[0].scope == digest_scope::content);
    CHECK(found.checkable[0].value == sum_of(checksum_algorithm::sha256, body));
    CHECK(found.checkable[0].field == "Content-Digest: sha-256");
    CHECK(found.checkable[1].scope == digest_scope::representation);
    CHECK(found.checkable[1].value == sum_of(checksum_algorithm::sha512, body));
}

TEST_CASE("digests: the lines of a field are one dictionary, and each of its members counts")
{
    const stated_digests found = digests_of({{"Repr-Digest", "crc32c=:4waSgw==:, md5=:kAFQmDzST7DWlj99KOF/cg==:"},
                                             {"repr-digest", "sha=:qZk+NkcGgWq6PiVxeFDCbJzQ2J0=:"}},
                                            true);
    REQUIRE(found.checkable.size() == 3);
    CHECK(found.checkable[2].algorithm == checksum_algorithm::sha1);
    CHECK(digests_of({}, true).checkable.empty());
}

TEST_CASE("digests: what is not known or does not fit is ignored, and said")
{
    const stated_digests found =
        digests_of({{"Content-Digest", "unixsum=:AAA=:, sha-256=:AAAA:, id-sha-256=1, md5=?1"}}, true);
    CHECK(found.checkable.empty());
    CHECK(found.ignored
          == std::vector<std::string>{
              "Content-Digest: unixsum: not known", "Content-Digest: sha-256: not a value of this algorithm",
              "Content-Digest: id-sha-256: not known", "Content-Digest: md5: not a value of this algorithm"});
}

TEST_CASE("digests: a dictionary that is not valid anywhere is ignored whole, other types are skipped")
{
    const std::string good = "md5=:kAFQmDzST7DWlj99KOF/cg==:";
    for (const std::string_view rest : {"", ", a=1", ", a=-1.5", ", a=\"x\\\"y\\\\\"", ", a=tok/en:*", ", a=?0", ", a",
                                        ", a;b;c=1", ", a=(1 \"x\" :AA==:);p", ", a=()", ", a=( 1  2 )",
                                        ",\ta=@1659578233", ", a=%\"f%c3%bc\"", " , *a.b-c_d=1", ", a=:AA:;x=:AA==:"}) {
        CAPTURE(rest);
        const stated_digests found = digests_of({{"Content-Digest", good + std::string(rest)}}, true);
        CHECK(found.checkable.size() == 1);
    }
    for (const std::string_view rest : {",",
                                        ", ",
                                        ", =1",
                                        ", A=1",
                                        ", 1=1",
                                        ", a=",
                                        ", a=1.",
                                        ", a=.5",
                                        ", a=1.2345",
                                        ", a=1234567890123456",
                                        ", a=1234567890123.1",
                                        ", a=--1",
                                        ", a=\"x",
                                        ", a=\"\\x\"",
                                        ", a=:AA==",
                                        ", a=:A:",
                                        ", a=:A A:",
                                        ", a=:AA=:",
                                        ", a=:A===:",
                                        ", a=?2",
                                        ", a=?",
                                        ", a=(1",
                                        ", a=(1,2)",
                                        ", a=(1\"x\")",
                                        ", a;",
                                        ", a;=1",
                                        ", a=1;B",
                                        " a=1",
                                        ", a=1 b=2",
                                        ", a=@1.5",
                                        ", a=@",
                                        ", a=%\"%C3\"",
                                        ", a=%x",
                                        ", a=%\"%c",
                                        ", a=\x80",
                                        ", a=(",
                                        ", a==1"}) {
        CAPTURE(rest);
        const stated_digests found = digests_of({{"Content-Digest", good + std::string(rest)}}, true);
        CHECK(found.checkable.empty());
        CHECK(found.ignored == std::vector<std::string>{"Content-Digest: not a dictionary"});
    }
    // The last of equal keys counts, over lines too.
    const stated_digests twice =
        digests_of({{"Content-Digest", "md5=:AAAAAAAAAAAAAAAAAAAAAA==:"}, {"Content-Digest", good}}, true);
    REQUIRE(twice.checkable.size() == 1);
    CHECK(twice.checkable[0].value == sum_of(checksum_algorithm::md5, "abc"));
}

TEST_CASE("digests: Content-MD5 and S3's checksums count for whole answers, composite ones never")
{
    const fields answer{{"Content-MD5", "kAFQmDzST7DWlj99KOF/cg=="},
                        {"X-Amz-Checksum-CRC32", "y/Q5Jg=="},
                        {"x-amz-checksum-crc32c", "4waSgw=="},
                        {"x-amz-checksum-sha1", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="},
                        {"x-amz-checksum-sha256", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
                        {"x-amz-checksum-crc64nvme", "rosUhgp5mIg="},
                        {"x-amz-checksum-xxhash64", "AAAAAAAAAAA="},
                        {"x-amz-checksum-type", "FULL_OBJECT"}};
    const stated_digests whole = digests_of(answer, true);
    CHECK(whole.checkable.size() == 6);
    CHECK(whole.checkable[5].value == sum_of(checksum_algorithm::crc64nvme, "123456789"));
    CHECK(whole.ignored == std::vector<std::string>{"x-amz-checksum-xxhash64: not known"});
    CHECK(whole.checkable[4].value == sum_of(checksum_algorithm::sha256, "abc"));
    CHECK(whole.checkable[1].value == sum_of(checksum_algorithm::crc32, "123456789"));

    CHECK(digests_of(answer, false).checkable.empty());
    CHECK(digests_of(answer, false).ignored.size() == 7);

    fields composite = answer;
    composite.set("x-amz-checksum-type", "COMPOSITE");
    CHECK(digests_of(composite, true).checkable.size() == 1); // the MD5
    const stated_digests parts = digests_of({{"x-amz-checksum-crc32", "y/Q5Jg==-3"}}, true);
    CHECK(parts.checkable.empty());
    CHECK(parts.ignored == std::vector<std::string>{"x-amz-checksum-crc32: made of the checksums of parts"});
    CHECK(digests_of({{"Content-MD5", "x"}}, true).checkable.empty());
    CHECK(digests_of({{"Content-MD5", ""}}, true).ignored.size() == 1);
}

TEST_CASE("digests: what a trailer will bring is announced by name, or may be one of two")
{
    using enum checksum_algorithm;
    using weir::http::announced_digests;
    CHECK(announced_digests({{"Trailer", "Expires, x-amz-checksum-CRC32, X-Amz-Checksum-xxhash64, x-amz-checksum-"}})
          == std::vector{crc32});
    CHECK(announced_digests({{"Trailer", "repr-digest"}, {"x-amz-trailer", "x-amz-checksum-crc64nvme"}})
          == std::vector{sha256, sha512, crc64nvme});
    CHECK(announced_digests({{"Repr-Digest", "sha-256=:AA==:"}, {"Trailer", "x-amz-checksum"}}).empty());
}

TEST_CASE("digests: what is written is read back")
{
    CAPTURE(test::seed());
    std::mt19937_64 random = test::generator(5);
    for (const checksum_algorithm algorithm : algorithms) {
        std::vector<std::byte> value(weir::http::checksum_size(algorithm));
        for (std::byte& each : value)
            each = static_cast<std::byte>(random());
        const std::string text = weir::http::digest_field_value(algorithm, value);
        if (algorithm == checksum_algorithm::crc32 || algorithm == checksum_algorithm::crc64nvme) {
            CHECK(text.empty());
            continue;
        }
        CAPTURE(text);
        const stated_digests found = digests_of({{"Repr-Digest", text}}, false);
        REQUIRE(found.checkable.size() == 1);
        CHECK(found.checkable[0].algorithm == algorithm);
        CHECK(found.checkable[0].value == value);
    }
}

} // namespace
