#pragma once
// Reads small decisions off a fuzzer's input; the rest of it is data.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fuzz {

class input {
public:
    input(const std::uint8_t* data, std::size_t size) noexcept : rest_(data, size) {}

    /// One byte, 0 when there are no more.
    std::uint8_t byte() noexcept
    {
        if (rest_.empty())
            return 0;
        const std::uint8_t value = rest_.front();
        rest_ = rest_.subspan(1);
        return value;
    }

    /// Two bytes, the low one first.
    std::size_t number() noexcept
    {
        const std::size_t low = byte();
        return low | std::size_t{byte()} << 8;
    }

    [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return std::as_bytes(rest_); }
    [[nodiscard]] std::string_view text() const noexcept
    {
        return {reinterpret_cast<const char*>(rest_.data()), rest_.size()};
    }

private:
    std::span<const std::uint8_t> rest_;
};

/// Ends the program as a finding.
inline void require(bool held)
{
    if (!held)
        __builtin_trap();
}

} // namespace fuzz
