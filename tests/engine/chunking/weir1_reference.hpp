#pragma once
// weir1 as docs/weir1.md specifies it, a byte at a time over the whole input; it shares no code with the library.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace test {

struct weir1_parameters {
    std::uint64_t min, average, max;
    int level;
    std::optional<std::array<std::uint8_t, 32>> secret;
};

class weir1_reference {
public:
    explicit weir1_reference(const weir1_parameters& parameters) : parameters_(parameters)
    {
        if (parameters.secret)
            derive(*parameters.secret);
        static constexpr std::uint64_t table[4][3] = {
            {339, 339, 1024}, {128, 512, 630}, {64, 1024, 842}, {32, 2048, 933}};
        const auto& row = table[parameters.level];
        strict_ = (std::uint64_t{1} << 32) - (row[0] << 24) / parameters.average;
        loose_ = (std::uint64_t{1} << 32) - (row[1] << 24) / parameters.average;
        normal_ = parameters.average * row[2] / 1024;
    }

    std::vector<std::uint64_t> cut(std::span<const std::uint8_t> data) const
    {
        std::vector<std::uint64_t> ends;
        for (std::uint64_t start = 0; start < data.size(); start = ends.back())
            ends.push_back(start + first_chunk(data.subspan(start)));
        return ends;
    }

    /// The value at every position of `data`; right from position 127 on.
    std::vector<std::uint32_t> values(std::span<const std::uint8_t> data) const
    {
        std::vector<std::uint8_t> f(data.begin(), data.end());
        for (int k = 0; k < 5; ++k)
            for (std::size_t i = f.size(); i-- > std::size_t{1} << k;)
                f[i] = static_cast<std::uint8_t>(f[i] ^ times_x(f[i - (std::size_t{1} << k)], constants_[k]));
        std::vector<std::uint32_t> values(data.size());
        for (std::size_t i = 96; i < data.size(); ++i) {
            const std::uint32_t before = f[i - 32];
            values[i] = (f[i] ^ before) << 24 | (before ^ target_) << 16
                | static_cast<std::uint32_t>(f[i - 64] ^ target_) << 8
                | static_cast<std::uint32_t>(f[i - 96] ^ target_);
        }
        return values;
    }

private:
    static std::uint8_t times_x(std::uint8_t a, std::uint8_t c)
    {
        return static_cast<std::uint8_t>(a >= 128 ? 2 * a ^ c : 2 * a);
    }

    static std::uint64_t mix(std::uint64_t z)
    {
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        return z ^ z >> 31;
    }

    void derive(const std::array<std::uint8_t, 32>& secret)
    {
        std::uint64_t s = 0;
        for (int w = 0; w < 4; ++w) {
            std::uint64_t word = 0;
            for (int b = 7; b >= 0; --b)
                word = word * 256 + secret[static_cast<std::size_t>(8 * w + b)];
            s = mix((s ^ word) + 0x9e3779b97f4a7c15u);
        }
        for (int k = 0; k < 5; ++k) {
            std::uint8_t c = static_cast<std::uint8_t>(s >> 8 * k) | 1;
            int ones = 0;
            for (int b = 0; b < 8; ++b)
                ones += c >> b & 1;
            constants_[k] = static_cast<std::uint8_t>(ones % 2 == 0 ? c : c ^ 2);
        }
        target_ = static_cast<std::uint8_t>(s >> 40);
    }

    std::uint64_t first_chunk(std::span<const std::uint8_t> data) const
    {
        if (data.size() > parameters_.max)
            data = data.first(parameters_.max);
        const std::vector<std::uint32_t> value = values(data);
        for (std::uint64_t length = std::max<std::uint64_t>(parameters_.min, 128); length < data.size(); ++length)
            if (value[length - 1] >= (length < normal_ ? strict_ : loose_))
                return length;
        return data.size();
    }

    weir1_parameters parameters_;
    std::uint8_t constants_[5] = {0x4b, 0x41, 0xaf, 0x39, 0xc3};
    std::uint8_t target_ = 0;
    std::uint64_t strict_, loose_, normal_;
};

} // namespace test
