#pragma once
// An object that the tests of sources fetch, and digests of contents as fields state them.

#include "http/structured.hpp"

#include <weir/http/checksum.hpp>
#include <weir/testing/script.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace test {

inline constexpr std::size_t big = 1'000'003;

inline weir::testing::script one_object()
{
    weir::testing::script played;
    played.object("big", big, 7);
    return played;
}

inline std::string base64_of(weir::http::checksum_algorithm algorithm, std::string_view content)
{
    weir::http::checksum sum(algorithm);
    sum.update(std::as_bytes(std::span(content)));
    return weir::http::encode_base64(sum.finish());
}

/// Of RFC 9530.
inline std::string digest_field(std::string_view content)
{
    return "sha-256=:" + base64_of(weir::http::checksum_algorithm::sha256, content) + ":";
}

} // namespace test
