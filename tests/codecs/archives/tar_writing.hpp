#pragma once
// Tar archives as a test wants them, also such as no program writes.

#include <weir/archive.hpp>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace test {

struct tar_fields {
    std::string_view name = "file";
    std::uint64_t size = 0;
    char type = '0';
    std::string_view link = {};
    std::string_view prefix = {};
    std::string_view magic = std::string_view("ustar\00000", 8);
    std::uint64_t modified = 1'600'000'000;
    std::uint32_t mode = 0644;
};

inline constexpr std::string_view gnu_magic("ustar  \0", 8);
inline constexpr std::string_view no_magic("\0\0\0\0\0\0\0\0", 8);

inline void put(std::string& block, std::size_t offset, std::string_view value)
{
    block.replace(offset, value.size(), value);
}

/// `digits` octal digits and a NUL.
inline std::string octal(std::uint64_t value, int digits)
{
    char text[32];
    std::snprintf(text, sizeof(text), "%0*llo", digits, static_cast<unsigned long long>(value));
    return {text, static_cast<std::size_t>(digits) + 1};
}

/// Twelve bytes of base 256.
inline std::string base_256(std::int64_t value)
{
    std::string out(12, value < 0 ? '\xff' : '\0');
    for (std::size_t i = 0; i < 8; ++i)
        out[11 - i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
    out[0] = static_cast<char>(out[0] | '\x80');
    return out;
}

/// Gives a header the checksum that it has.
inline void sign(std::string& block)
{
    put(block, 148, "        ");
    std::uint64_t sum = 0;
    for (const char each : block)
        sum += static_cast<unsigned char>(each);
    put(block, 148, octal(sum, 6));
}

inline std::string tar_header(const tar_fields& of)
{
    std::string out(512, '\0');
    put(out, 0, of.name);
    put(out, 100, octal(of.mode, 7));
    put(out, 108, octal(0, 7));
    put(out, 116, octal(0, 7));
    put(out, 124, octal(of.size, 11));
    put(out, 136, octal(of.modified, 11));
    out[156] = of.type;
    put(out, 157, of.link);
    put(out, 257, of.magic);
    put(out, 345, of.prefix);
    sign(out);
    return out;
}

inline std::string padded(std::string content)
{
    content.resize((content.size() + 511) / 512 * 512);
    return content;
}

inline std::string tar_file(std::string_view name, std::string_view content, char type = '0',
                            std::string_view magic = tar_fields().magic)
{
    return tar_header({.name = name, .size = content.size(), .type = type, .magic = magic})
        + padded(std::string(content));
}

inline std::string pax_record(std::string_view key, std::string_view value)
{
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t size = rest + std::to_string(rest).size();
    size = rest + std::to_string(size).size();
    return std::to_string(size) + " " + std::string(key) + "=" + std::string(value) + "\n";
}

inline std::string pax_header(std::string_view records, char type = 'x')
{
    return tar_file("PaxHeader", records, type);
}

inline std::string tar_end() { return std::string(1024, '\0'); }

} // namespace test
