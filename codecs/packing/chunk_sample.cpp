#include "packing/chunk_sample.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace weir::codecs {
namespace {

constexpr std::size_t window_bytes = 64; // a line of the cache
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

template <class Call> void for_each_window(const bytes& content, std::size_t stride, Call call) noexcept
{
    std::size_t next = 0; // where the next window begins, from the start of the slice
    for (const slice& part : content) {
        for (; next < part.size(); next += stride)
            call(part.span().subspan(next, std::min(window_bytes, part.size() - next)));
        next -= part.size();
    }
}

} // namespace

bool looks_random(const bytes& content) noexcept
{
    if (content.size() < least_sample)
        return false; // too little to tell
    const std::size_t windows = std::clamp(content.size() / sampled_part, least_sample, most_sample) / window_bytes;
    const std::size_t stride = std::max(content.size() / windows, window_bytes);
    for_each_window(content, stride, [](std::span<const std::byte> window) { __builtin_prefetch(window.data()); });
    sample seen;
    for_each_window(content, stride, [&](std::span<const std::byte> window) { seen.add(window); });
    return seen.looks_random();
}

} // namespace weir::codecs
