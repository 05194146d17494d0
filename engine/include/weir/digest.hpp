#pragma once
// The name of a chunk's content: a few bytes that say which hash function made them only by where they stand.

#include <weir/export.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir {

/// The hash functions that chunks and files are named by.
enum class hash_algorithm : std::uint8_t {
    sha256,     ///< SHA-256 of FIPS 180-4; many messages at a time where the CPU can
    sha512_256, ///< SHA-512/256 of FIPS 180-4; faster than SHA-256 on CPUs without instructions for it
    xxh3_128,   ///< XXH3, 128 bits, big-endian. Not cryptographic: who chooses the content can make two chunks collide
};

/// The name users and programs know: `sha256`, `sha512-256`, `xxh3-128`.
[[nodiscard]] WEIR_API std::string_view to_string(hash_algorithm algorithm) noexcept;

/// The algorithm of that name, or nothing.
[[nodiscard]] WEIR_API std::optional<hash_algorithm> parse_hash_algorithm(std::string_view name) noexcept;

/// How many bytes a digest of `algorithm` has.
[[nodiscard]] WEIR_API std::size_t digest_size(hash_algorithm algorithm) noexcept;

/// The outcome of a hash function: up to 32 bytes, a plain value that is trivial to copy.
///
/// Digests of one algorithm are ordered as their bytes, and so as their hexadecimal texts.
class digest {
public:
    static constexpr std::size_t max_size = 32;

    /// No digest yet: size 0.
    constexpr digest() noexcept = default;

    /// \param bytes  at most `max_size` of them (asserted)
    WEIR_API explicit digest(std::span<const std::byte> bytes) noexcept;

    [[nodiscard]] std::span<const std::byte> span() const noexcept { return {bytes_.data(), size_}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

    /// Two lower-case hexadecimal digits a byte.
    [[nodiscard]] WEIR_API std::string to_hex() const;

    /// Writes what `to_hex` returns without allocating.
    /// \param out  has room for `2 * size()` characters
    /// \returns    the end of what was written
    WEIR_API char* write_hex(char* out) const noexcept;

    /// The digest whose `to_hex` is `text`; upper case is read too. Nothing if there is an odd number of digits,
    /// more than `max_size` bytes, or a character that is no digit.
    [[nodiscard]] WEIR_API static std::optional<digest> from_hex(std::string_view text) noexcept;

    friend bool operator==(const digest&, const digest&) noexcept = default;
    friend std::strong_ordering operator<=>(const digest&, const digest&) noexcept = default;

private:
    std::array<std::byte, max_size> bytes_{}; // zeros beyond size_, so that comparing all of it is right
    std::uint8_t size_ = 0;
};

} // namespace weir

/// The first bytes of a digest are as good as any hash of it.
template <> struct std::hash<weir::digest> {
    std::size_t operator()(const weir::digest& value) const noexcept
    {
        std::size_t first = 0;
        std::memcpy(&first, value.span().data(), value.size() < sizeof first ? value.size() : sizeof first);
        return first;
    }
};
