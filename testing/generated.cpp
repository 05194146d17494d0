#include <weir/testing/generated.hpp>

#include <algorithm>
#include <array>

namespace weir::testing {
namespace {

constexpr std::uint64_t word(std::uint64_t seed, std::uint64_t number) noexcept
{
    std::uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/// Written so that compilers make one store of it where the machine is little-endian.
void store(std::uint64_t value, std::byte* into) noexcept
{
    for (unsigned i = 0; i != 8; ++i)
        into[i] = static_cast<std::byte>(value >> 8 * i);
}

} // namespace

void generate(std::uint64_t seed, std::uint64_t offset, std::span<std::byte> into) noexcept
{
    std::uint64_t number = offset / 8;
    std::array<std::byte, 8> partial;
    if (const std::size_t inside = offset % 8; inside != 0) {
        store(word(seed, number++), partial.data());
        const std::size_t count = std::min(8 - inside, into.size());
        std::copy_n(partial.data() + inside, count, into.data());
        into = into.subspan(count);
    }
    for (; into.size() >= 8; into = into.subspan(8))
        store(word(seed, number++), into.data());
    store(word(seed, number), partial.data());
    std::copy_n(partial.data(), into.size(), into.data());
}

std::string generated(std::uint64_t seed, std::uint64_t offset, std::size_t size)
{
    std::string bytes(size, '\0');
    generate(seed, offset, std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

bool is_generated(std::uint64_t seed, std::uint64_t offset, std::span<const std::byte> bytes) noexcept
{
    std::array<std::byte, 4096> expected;
    while (!bytes.empty()) {
        const std::size_t count = std::min(bytes.size(), expected.size());
        generate(seed, offset, std::span(expected).first(count));
        if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count), expected.begin()))
            return false;
        bytes = bytes.subspan(count);
        offset += count;
    }
    return true;
}

} // namespace weir::testing
