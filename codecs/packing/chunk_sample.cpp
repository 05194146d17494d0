#include "packing/chunk_sample.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace weir::codecs {
namespace {

constexpr std::size_t line_bytes = 64; // a line of the cache
constexpr std::size_t least_sample = 512;
constexpr std::size_t most_sample = std::size_t{4} << 10;
constexpr std::size_t sampled_part = 128; // one byte of so many

class sample {
public:
    void add(std::span<const std::byte> window) noexcept
    {
        for (; window.size() >= sizeof(std::uint32_t); window = window.subspan(1)) {
            std::uint32_t word = 0;
            std::memcpy(&word, window.data(), sizeof word);
            pairs_ += counts_[std::to_integer<std::size_t>(window.front())]++;
            std::uint32_t& last = words_[word * 0x9e3779b1u >> 24];
            repeats_ += last == word;
            last = word;
            ++size_;
        }
    }

    /// Of random bytes two are equal once in 256 times. That grows by 14% for each tenth of a bit of entropy that a
    /// byte has less. Allowed are 6%, or 0.6% that an order-0 code could save, and two standard deviations of what
    /// random bytes give. Random words of four bytes never come again.
    [[nodiscard]] bool looks_random() const noexcept
    {
        const std::uint64_t count = size_;
        const bool is_even = pairs_ * std::uint64_t{512} * 100 <= count * (106 * count + 4500);
        return is_even && repeats_ * std::uint64_t{64} <= count;
    }

private:
    std::array<std::uint16_t, 256> counts_{};
    std::array<std::uint32_t, 256> words_{}; ///< the last of each hash
    std::uint32_t size_ = 0;
    std::uint32_t pairs_ = 0;   ///< of equal bytes
    std::uint32_t repeats_ = 0; ///< of words
};

/// Reads slices as if they were one.
class cursor {
public:
    explicit cursor(const bytes& content) noexcept : slices_(content.slices()) {}

    [[nodiscard]] bool ended() const noexcept { return slices_.empty(); }
    [[nodiscard]] std::span<const std::byte> rest_of_slice() const noexcept
    {
        return slices_.front().span().subspan(taken_);
    }

    void skip(std::size_t count) noexcept
    {
        for (taken_ += count; !ended() && taken_ >= slices_.front().size(); slices_ = slices_.subspan(1))
            taken_ -= slices_.front().size();
    }

    /// \returns  how many: fewer than there is room for only at the end
    std::size_t read(std::span<std::byte> room) noexcept
    {
        const std::size_t wanted = room.size();
        while (!room.empty() && !ended()) {
            const std::span<const std::byte> here = rest_of_slice();
            const std::size_t count = std::min(room.size(), here.size());
            std::memcpy(room.data(), here.data(), count);
            room = room.subspan(count);
            skip(count);
        }
        return wanted - room.size();
    }

private:
    std::span<const slice> slices_;
    std::size_t taken_ = 0; ///< of the first
};

} // namespace

bool looks_random(const bytes& content) noexcept
{
    if (content.size() < least_sample)
        return false; // too little to tell
    const std::size_t windows = std::clamp(content.size() / sampled_part, least_sample, most_sample) / line_bytes;
    const std::size_t stride = std::max(content.size() / windows, line_bytes);
    for (cursor at(content); !at.ended(); at.skip(stride))
        __builtin_prefetch(at.rest_of_slice().data());
    sample seen;
    std::array<std::byte, line_bytes> window;
    for (cursor at(content); !at.ended(); at.skip(stride - line_bytes)) {
        const std::size_t count = at.read(window);
        seen.add(std::span(window).first(count));
    }
    return seen.looks_random();
}

} // namespace weir::codecs
