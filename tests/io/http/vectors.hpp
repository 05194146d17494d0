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

} // namespace test
