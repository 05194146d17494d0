#include "list.hpp"

#include <weir/error.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

const std::string hex(64, 'a');

TEST_CASE("list: every kind of line is read")
{
    const auto file = std::get<tool::listed_file>(tool::parse_listed(
        R"({"type":"file","path":"a","size":3,"chunks":1,"root":")" + hex + R"(","sha512-256":")" + hex + "\"}"));
    CHECK(file.path == "a");
    CHECK(file.size == 3);
    CHECK(file.chunks == 1);
    CHECK(file.root.to_hex() == hex);
    CHECK(file.whole->hash == weir::hash_algorithm::sha512_256);
    CHECK(
        std::get<tool::listed_error>(tool::parse_listed(R"({"type":"error","path":"b","error":"","code":"EIO"})")).path
        == "b");
    CHECK(std::get<tool::listed_summary>(tool::parse_listed(
        R"({"type":"summary","files":2,"chunks":3,"bytes":4,"interrupted":true})")).interrupted);
    CHECK(std::holds_alternative<tool::listed_other>(tool::parse_listed(R"({"type":"of a later release","path":3})")));
}

TEST_CASE("list: members that are not known, and their order, do not matter")
{
    const auto chunk = std::get<tool::listed_chunk>(tool::parse_listed(
        R"( {"length":5, "xxh3-128":"00112233445566778899aabbccddeeff", "new":[1,{}], "offset":18446744073709551615,)"
        R"( "path":"\u00e9\ud83d\ude00", "type":"chunk"} )"));
    CHECK(chunk.path == "\u00e9\U0001f600");
    CHECK(chunk.offset == 18446744073709551615u);
    CHECK(chunk.digest.hash == weir::hash_algorithm::xxh3_128);
}

TEST_CASE("list: a line says what its content lies in")
{
    const std::string rest = R"("offset":0,"length":1,"sha256":")" + hex + "\"}";
    const auto chunk = [&](const std::string& members) {
        return std::get<tool::listed_chunk>(tool::parse_listed(R"({"type":"chunk",)" + members + rest));
    };
    CHECK(!chunk(R"("path":"a",)").is_contained());
    const auto entry = chunk(R"("path":"a.tar/b/c","archive":"a.tar",)");
    CHECK(entry.is_contained());
    CHECK(entry.archive == "a.tar");
    CHECK(chunk(R"("path":"?/b","path_base64":"/y9i","archive":"?","archive_base64":"/w==",)").archive == "\xff");
    const auto coded = chunk(R"("path":"a.gz","codec":"gzip",)");
    CHECK(coded.is_contained());
    CHECK(coded.codec == weir::codec::gzip);
    for (const char* members : {R"("path":"a/b","archive":"b",)", R"("path":"a/b","archive":"a/b",)", R"("path":"ab","archive":"a",)",
                                R"("path":"/b","archive":"",)", R"("path":"a/b","archive":["a"],)", R"("path":"a","codec":"",)",
                                R"("path":"a","codec":"identity2",)", R"("path":"a/b","archive":"a","codec":"gzip",)"}) {
        CAPTURE(members);
        CHECK_THROWS_AS(chunk(members), weir::error);
    }
}

TEST_CASE("list: what is no line is refused by an error that says why")
{
    const std::string chunk = R"({"type":"chunk","path":"a","offset":0,"length":1,"sha256":")";
    for (const std::string& line :
         {std::string("x"), std::string("[]"), std::string("{}"), std::string(R"({"type":3})"), std::string(R"({"type":"chunk","path":"a","offset":0,"length":1})"),
          chunk + "xy\"}", chunk + "aa\"}", chunk + hex + "\"",
          R"({"type":"chunk","path":"a","offset":-1,"length":1,"sha256":")" + hex + "\"}",
          R"({"type":"chunk","path":"a","offset":0.5,"length":1,"sha256":")" + hex + "\"}",
          R"({"type":"chunk","path":"a\u0000b","offset":0,"length":1,"sha256":")" + hex + "\"}",
          R"({"type":"chunk","path":"a","path_base64":"YQBi","offset":0,"length":1,"sha256":")" + hex + "\"}",
          R"({"type":"chunk","path":3,"offset":0,"length":1,"sha256":")" + hex + "\"}",
          R"({"type":"chunk","path":"a","path_base64":"?","offset":0,"length":1,"sha256":")" + hex + "\"}"}) {
        CAPTURE(line);
        try {
            (void)tool::parse_listed(line);
            FAIL_CHECK("accepted");
        }
        catch (const weir::error& failure) {
            CHECK(failure.code() == weir::errc::bad_format);
        }
    }
}

} // namespace
