// Official streams with what must happen, fed whole, byte by byte and at random cuts.

#include "coding.hpp"

#include "support/files.hpp"
#include "support/seed.hpp"

#include <weir/hasher.hpp>
#include <weir/parallel_decoding.hpp>

#include <boost/json/src.hpp>
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace vectors_test {
namespace {

std::filesystem::path folder()
{
    const char* named = std::getenv("WEIR_VECTORS");
    return std::filesystem::path(named ? named : ".") / "codecs";
}

std::optional<std::string> read(const std::filesystem::path& path)
{
    if (!std::filesystem::exists(path))
        return std::nullopt;
    return test::content_of(path);
}

std::string text(const boost::json::object& object, std::string_view key)
{
    const boost::json::value* found = object.if_contains(key);
    return found ? std::string(found->as_string()) : std::string();
}

/// libzstd up to 1.5.5 differs from the later ones in some cases.
std::string expected_outcome(const boost::json::object& one)
{
    const std::string version = weir::implementation_of(weir::codec::zstd);
    constexpr std::string_view newer = "libzstd 1.5.6";
    const bool old_zstd = version.size() == newer.size() && version < newer;
    const std::string of_old = text(one, "libzstd_1_5_4");
    return old_zstd && !of_old.empty() ? of_old : text(one, "outcome");
}

/// Whether a failure is of the kind that is said. "corrupt" is whatever breaks a format, in what we tell apart.
bool is_of_kind(std::string_view kind, std::string_view code)
{
    constexpr std::string_view broken[]
        = {"corrupt_data", "truncated", "bad_format", "trailing_data", "checksum_mismatch"};
    if (kind.empty())
        return true;
    return kind == "unsupported" ? code == "unsupported_format" : std::ranges::count(broken, code) != 0;
}

/// Its digest, or the code of its failure.
std::string outcome_of(weir::codec which, const test::byte_vector& stream, const test::cuts& how)
{
    try {
        return weir::digest_of(weir::hash_algorithm::sha256, test::decoded(which, stream, {}, how)).to_hex();
    }
    catch (const weir::error& failure) {
        return weir::code_name(failure.code());
    }
}

/// The same, where the threads find pieces.
std::string outcome_by_threads(weir::codec which, const test::byte_vector& stream)
{
    try {
        weir::hasher content(weir::hash_algorithm::sha256);
        weir::decode_parallel(which, {}, {.threads = 3}, stream, [&](test::byte_span bytes) { content.update(bytes); });
        return content.finish().to_hex();
    }
    catch (const weir::error& failure) {
        return weir::code_name(failure.code());
    }
}

bool is_as_expected(const boost::json::object& one, const std::string& outcome)
{
    const bool failed = outcome.size() != 64;
    const std::string expected = expected_outcome(one);
    const std::string plain = text(one, "plain_sha256");
    if (failed && !is_of_kind(text(one, "error_kind"), outcome))
        return false;
    if (expected == "error")
        return failed;
    if (expected == "either")
        return failed || outcome == plain;
    return plain.empty() ? !failed : outcome == plain;
}

} // namespace

TEST_CASE("vectors: every official stream has the outcome that it must have, however it is cut")
{
    const std::optional<std::string> list = read(folder() / "cases.json");
    if (!list) {
        MESSAGE("skipped: there is no codecs/cases.json where WEIR_VECTORS points");
        return;
    }
    std::mt19937_64 random = test::generator(6);
    const boost::json::value all = boost::json::parse(*list);
    std::size_t count = 0;
    for (const boost::json::value& each : all.at("cases").as_array()) {
        const boost::json::object& one = each.as_object();
        const weir::codec which = weir::parse_codec(text(one, "codec")).value();
        if (!weir::is_built_in(which))
            continue;
        const test::byte_vector stream = test::bytes_of(read(folder() / text(one, "file")).value());
        CAPTURE(text(one, "file"));
        const std::string outcome = outcome_of(which, stream, test::whole());
        CHECK_MESSAGE(is_as_expected(one, outcome), outcome);
        CHECK(outcome_of(which, stream, test::byte_by_byte()) == outcome);
        CHECK(outcome_by_threads(which, stream) == outcome);
        for (int i = 0; i < 3; ++i)
            CHECK(outcome_of(which, stream, test::at_random(random, 1 + random() % 2000)) == outcome);
        ++count;
    }
    CHECK(count > 0);
}
} // namespace vectors_test
