#pragma once
// Public test suites of HTTP/1 as JSON, read where they lie: WEIR_VECTORS names the folder. A test without them says so
// and passes.

#include "http/structured.hpp"
#include "support/files.hpp"

#include <boost/json.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace test {

inline std::optional<boost::json::value> read_vectors(const std::string& name)
{
    const char* folder = std::getenv("WEIR_VECTORS");
    const std::filesystem::path path = std::filesystem::path(folder ? folder : ".") / "http1" / name;
    if (!std::filesystem::exists(path)) {
        MESSAGE("skipped: there is no http1/" << name << " where WEIR_VECTORS points");
        return std::nullopt;
    }
    return boost::json::parse(content_of(path));
}

inline std::string decoded(const boost::json::value& base64)
{
    const auto bytes = weir::http::decode_base64(std::string_view(base64.as_string())).value();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline bool is_true(const boost::json::value& object, std::string_view key)
{
    const boost::json::value* found = object.as_object().if_contains(key);
    return found && found->is_bool() && found->as_bool();
}

/// Most requests of the suite name no host, which a server must refuse in HTTP/1.1: the same with a `Host`.
inline std::string with_host(std::string raw)
{
    constexpr std::string_view end_of_line = " HTTP/1.1\r\n";
    if (raw.find("\r\nHost:") != std::string::npos || raw.find("\r\nHOST:") != std::string::npos)
        return raw;
    for (std::size_t at = raw.find(end_of_line); at != std::string::npos; at = raw.find(end_of_line, at + 1)) {
        const std::size_t scheme = raw.rfind("http://", at);
        const std::size_t host = scheme == std::string::npos ? 0 : scheme + 7;
        const std::string name = host == 0 ? "a" : raw.substr(host, raw.find_first_of("/? ", host) - host);
        raw.insert(at + end_of_line.size(), "Host: " + name + "\r\n");
    }
    return raw;
}

} // namespace test
