#pragma once
// Numbers and texts in the content of records.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::detail {

/// Puts fields one behind the other, numbers little-endian.
class packer {
public:
    explicit packer(std::vector<std::byte>& out) noexcept : out_(out) {}

    template <class Number> packer& number(Number value)
    {
        for (std::size_t i = 0; i != sizeof value; ++i)
            out_.push_back(static_cast<std::byte>(value >> (8 * i)));
        return *this;
    }
    packer& raw(std::span<const std::byte> bytes)
    {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    /// With its length before it.
    packer& bytes(std::span<const std::byte> value)
    {
        return number(static_cast<std::uint32_t>(value.size())).raw(value);
    }
    packer& text(std::string_view value) { return bytes(std::as_bytes(std::span(value))); }

private:
    std::vector<std::byte>& out_;
};

/// Takes fields out again. What is not there is zero or empty, and `good` says so from then on.
class unpacker {
public:
    explicit unpacker(std::span<const std::byte> from) noexcept : rest_(from) {}

    template <class Number> Number number() noexcept
    {
        Number value = 0;
        const std::span<const std::byte> bytes = raw(sizeof value);
        for (std::size_t i = 0; i != bytes.size(); ++i)
            value = static_cast<Number>(value | std::to_integer<Number>(bytes[i]) << (8 * i));
        return value;
    }
    std::span<const std::byte> raw(std::size_t count) noexcept
    {
        good_ = good_ && count <= rest_.size();
        if (!good_)
            return {};
        const std::span<const std::byte> taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }
    std::span<const std::byte> bytes() noexcept { return raw(number<std::uint32_t>()); }
    std::string text()
    {
        const std::span<const std::byte> value = bytes();
        return {reinterpret_cast<const char*>(value.data()), value.size()};
    }
    std::span<const std::byte> rest() noexcept { return raw(rest_.size()); }

    /// Whether everything asked for was there.
    [[nodiscard]] bool good() const noexcept { return good_; }
    /// Whether that was all, too.
    [[nodiscard]] bool done() const noexcept { return good_ && rest_.empty(); }

private:
    std::span<const std::byte> rest_;
    bool good_ = true;
};

} // namespace weir::detail
