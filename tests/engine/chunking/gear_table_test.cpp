// The gear table of FastCDC 2020, computed again as its reference defines it.

#include <chunking/fastcdc2020.hpp>

#include <doctest/doctest.h>

#include <openssl/evp.h>

#include <array>

namespace {

TEST_CASE("fastcdc2020: the gear table is the first eight bytes of MD5 over 64 repetitions of each byte")
{
    EVP_MD* md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
    if (md5 == nullptr) {
        MESSAGE("skipped: this OpenSSL offers no MD5");
        return;
    }
    for (std::size_t byte = 0; byte < 256; ++byte) {
        std::array<unsigned char, 64> message;
        message.fill(static_cast<unsigned char>(byte));
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
        REQUIRE(EVP_Digest(message.data(), message.size(), digest.data(), nullptr, md5, nullptr) == 1);
        std::uint64_t expected = 0;
        for (std::size_t i = 0; i < 8; ++i)
            expected = expected << 8 | digest[i];
        CHECK(weir::detail::published_gear()[byte] == expected);
    }
    EVP_MD_free(md5);
}

} // namespace
