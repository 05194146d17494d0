#include "list.hpp"

#include <weir/error.hpp>

#include <fmt/format.h>

// Boost.JSON without its library: this is the one source that holds it.
#define BOOST_JSON_NO_LIB
#include <boost/json/src.hpp>

#include <algorithm>
#include <array>

namespace tool {
namespace {

namespace json = boost::json;

[[noreturn]] void refuse(std::string_view why)
{
    throw weir::error(weir::errc::bad_format, "read a line of the list", {}, std::nullopt, why);
}

std::string_view text(const json::object& line, std::string_view key)
{
    const json::value* value = line.if_contains(key);
    if (!value || !value->is_string())
        refuse(fmt::format("'{}' is missing or no text", key));
    return value->get_string();
}

std::uint64_t number(const json::object& line, std::string_view key)
{
    const json::value* value = line.if_contains(key);
    if (value && value->is_uint64())
        return value->get_uint64();
    if (!value || !value->is_int64() || value->get_int64() < 0)
        refuse(fmt::format("'{}' is missing or no whole number", key));
    return static_cast<std::uint64_t>(value->get_int64());
}

weir::digest digest(const json::object& line, std::string_view key)
{
    const std::optional<weir::digest> value = weir::digest::from_hex(text(line, key));
    if (!value || value->empty())
        refuse(fmt::format("'{}' is no digest", key));
    return *value;
}

/// The member whose key is the name of a hash, if there is one.
std::optional<listed_digest> named_digest(const json::object& line)
{
    for (const auto hash :
         {weir::hash_algorithm::sha256, weir::hash_algorithm::sha512_256, weir::hash_algorithm::xxh3_128}) {
        if (!line.contains(weir::to_string(hash)))
            continue;
        const listed_digest found{hash, digest(line, weir::to_string(hash))};
        if (found.value.size() != weir::digest_size(hash))
            refuse(fmt::format("'{}' has another length", weir::to_string(hash)));
        return found;
    }
    return std::nullopt;
}

std::string decode_base64(std::string_view encoded, std::string_view key)
{
    static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : encoded.substr(0, encoded.find('='))) {
        const std::size_t value = digits.find(c);
        if (value == std::string_view::npos)
            refuse(fmt::format("'{}' is no base64", key));
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes += static_cast<char>(bits >> count & 0xff);
        }
    }
    return bytes;
}

std::string path(const json::object& line, std::string_view key)
{
    const std::string exact = fmt::format("{}_base64", key);
    std::string found =
        line.contains(exact) ? decode_base64(text(line, exact), exact) : std::string(text(line, key));
    if (found.find('\0') != std::string::npos)
        refuse(fmt::format("'{}' has a NUL, which no path has", key));
    return found;
}

listed_origin origin(const json::object& line)
{
    listed_origin found{path(line, "path"), {}, {}};
    if (line.contains("archive")) {
        found.archive = path(line, "archive");
        if (found.archive.empty() || !found.path.starts_with(found.archive + '/'))
            refuse("'archive' is not what 'path' begins with");
    }
    if (line.contains("codec")) {
        found.codec = weir::parse_codec(text(line, "codec"));
        if (!found.codec || !found.archive.empty())
            refuse("'codec' is not known, or not of a file");
    }
    return found;
}

listed_chunk chunk(const json::object& line)
{
    const std::optional<listed_digest> found = named_digest(line);
    if (!found)
        refuse("no digest");
    return {origin(line), number(line, "offset"), number(line, "length"), *found};
}

listed_file file(const json::object& line)
{
    return {origin(line), number(line, "size"), number(line, "chunks"), digest(line, "root"), named_digest(line)};
}

listed_summary summary(const json::object& line)
{
    const json::value* interrupted = line.if_contains("interrupted");
    return {interrupted && interrupted->is_bool() && interrupted->get_bool(), number(line, "files"), number(line, "chunks"),
            number(line, "bytes")};
}

} // namespace

listed parse_listed(std::string_view line)
{
    json::error_code failure;
    // Most lines fit here, so that reading them does not allocate.
    std::array<unsigned char, 4096> memory;
    json::monotonic_resource resource(memory.data(), memory.size());
    const json::value value = json::parse(line, failure, &resource);
    if (failure || !value.is_object())
        refuse(failure ? failure.message() : "no object");
    const json::object& object = value.get_object();
    const std::string_view type = text(object, "type");
    if (type == "chunk")
        return chunk(object);
    if (type == "file")
        return file(object);
    if (type == "error")
        return listed_error{path(object, "path")};
    if (type == "summary")
        return summary(object);
    return listed_other{};
}

} // namespace tool
