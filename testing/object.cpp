#include "object.hpp"

#include <weir/testing/generated.hpp>

#include <algorithm>

namespace weir::testing::detail {
namespace {

/// FNV-1a, which is enough to tell the contents of one script apart.
std::uint64_t fingerprint(std::string_view content)
{
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char byte : content)
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    return hash;
}

std::string quoted_hex(std::uint64_t first, std::uint64_t second)
{
    std::string text = "\"";
    for (const std::uint64_t number : {first, second})
        for (int shift = 60; shift >= 0; shift -= 4)
            text += "0123456789abcdef"[number >> shift & 15];
    return text + '"';
}

} // namespace

object::object(std::uint64_t size, std::uint64_t seed)
    : size_(size), seed_(seed), generated_(true), etag_(quoted_hex(size, seed))
{}

object::object(std::string_view content)
    : size_(content.size()),
      content_(content),
      generated_(false),
      etag_(quoted_hex(content.size(), fingerprint(content)))
{}

void object::read(std::uint64_t offset, std::span<char> into) const noexcept
{
    if (generated_) {
        generate(seed_, offset, std::as_writable_bytes(into));
        return;
    }
    const std::size_t there = offset < size_ ? std::min<std::uint64_t>(size_ - offset, into.size()) : 0;
    std::copy_n(content_.data() + std::min(offset, size_), there, into.data());
    std::fill(into.begin() + static_cast<std::ptrdiff_t>(there), into.end(), '\0');
}

} // namespace weir::testing::detail
