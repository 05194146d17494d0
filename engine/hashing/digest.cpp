#include <weir/digest.hpp>

#include <cassert>

namespace weir {
namespace {

constexpr std::array every_algorithm{hash_algorithm::sha256, hash_algorithm::sha512_256, hash_algorithm::xxh3_128};

int value_of_digit(char digit) noexcept
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

} // namespace

std::string_view to_string(hash_algorithm algorithm) noexcept
{
    switch (algorithm) {
    case hash_algorithm::sha256: return "sha256";
    case hash_algorithm::sha512_256: return "sha512-256";
    case hash_algorithm::xxh3_128: return "xxh3-128";
    }
    return "unknown";
}

std::optional<hash_algorithm> parse_hash_algorithm(std::string_view name) noexcept
{
    for (hash_algorithm algorithm : every_algorithm)
        if (to_string(algorithm) == name)
            return algorithm;
    return std::nullopt;
}

std::size_t digest_size(hash_algorithm algorithm) noexcept { return algorithm == hash_algorithm::xxh3_128 ? 16 : 32; }

digest::digest(std::span<const std::byte> bytes) noexcept : size_(static_cast<std::uint8_t>(bytes.size()))
{
    assert(bytes.size() <= max_size);
    if (!bytes.empty())
        std::memcpy(bytes_.data(), bytes.data(), bytes.size());
}

char* digest::write_hex(char* out) const noexcept
{
    constexpr char digits[] = "0123456789abcdef";
    for (std::byte value : span()) {
        *out++ = digits[std::to_integer<unsigned>(value >> 4)];
        *out++ = digits[std::to_integer<unsigned>(value & std::byte{15})];
    }
    return out;
}

std::string digest::to_hex() const
{
    std::string text(2 * size_, '\0');
    write_hex(text.data());
    return text;
}

std::optional<digest> digest::from_hex(std::string_view text) noexcept
{
    if (text.size() % 2 != 0 || text.size() > 2 * max_size)
        return std::nullopt;
    digest result;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = value_of_digit(text[i]);
        const int low = value_of_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return std::nullopt;
        result.bytes_[result.size_++] = static_cast<std::byte>(high << 4 | low);
    }
    return result;
}

} // namespace weir
