#pragma once
// The first bytes of a frame, which have to be seen before its library gets them, however the input is cut.

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::codecs {

/// Collects up to `Most` bytes, and hands them on later.
template <std::size_t Most> class stream_start {
public:
    /// Takes from `input` until `wanted` bytes are there.
    /// \returns  whether they are
    bool fill(std::span<const std::byte>& input, std::size_t wanted) noexcept
    {
        assert(wanted <= Most);
        const std::size_t count = std::min(input.size(), wanted - std::min(wanted, size_));
        std::copy_n(input.data(), count, bytes_.data() + size_);
        size_ += count;
        input = input.subspan(count);
        return size_ >= wanted;
    }

    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {bytes_.data(), size_}; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    void clear() noexcept { size_ = 0; }

private:
    std::array<std::byte, Most> bytes_;
    std::size_t size_ = 0;
};

/// Whether `start` agrees with `magic` as far as both go.
template <std::size_t Size>
[[nodiscard]] bool could_be(std::span<const std::byte> start, const std::uint8_t (&magic)[Size]) noexcept
{
    const std::size_t count = std::min(start.size(), Size);
    return std::equal(start.begin(), start.begin() + static_cast<std::ptrdiff_t>(count), magic,
                      [](std::byte left, std::uint8_t right) { return std::to_integer<std::uint8_t>(left) == right; });
}

[[nodiscard]] inline std::uint64_t little_endian(std::span<const std::byte> bytes) noexcept
{
    std::uint64_t out = 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
        out = out << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    return out;
}

} // namespace weir::codecs
