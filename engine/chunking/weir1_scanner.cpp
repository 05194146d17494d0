// Applies minimum, normal length and maximum to what the kernels of weir1 find.

#include <chunking/weir1.hpp>

#include <chunking/boundary_scanner.hpp>
#include <weir/chunker.hpp>

#include <algorithm>
#include <cstring>

namespace weir::detail {
namespace {

struct kernel_choice {
    weir1_search search;
    std::string_view name;
};

kernel_choice choose(cpu_level level)
{
    switch (level) {
#if defined(__x86_64__)
    case cpu_level::sse: return {weir1_search_sse, "weir1-sse"};
    case cpu_level::avx2: return {weir1_search_avx2, "weir1-avx2"};
    case cpu_level::avx512: return {weir1_search_avx512, "weir1-avx512"};
#endif
#if defined(__aarch64__)
    case cpu_level::neon: return {weir1_search_neon, "weir1-neon"};
#endif
    default: return {weir1_search_portable, "weir1-portable"};
    }
}

class weir1_scanner final : public boundary_scanner {
public:
    weir1_scanner(const chunker_options& options, kernel_choice kernel)
        : function_(make_weir1_function(options.secret)), rule_(make_weir1_rule(options)), kernel_(kernel)
    {}

    std::optional<std::uint64_t> next(std::span<const std::uint8_t>& data) override
    {
        const std::size_t count = std::min(data.size(), rule_.max - taken_);
        if (const std::size_t at = find_cut(data.first(count)); at < count)
            return cut(at + 1, data);
        if (taken_ + count == rule_.max)
            return cut(count, data);
        remember(data);
        taken_ += count;
        data = {};
        return std::nullopt;
    }

    std::uint64_t pending() const noexcept override { return taken_; }
    void reset() noexcept override { taken_ = 0; }
    std::string_view kernel() const noexcept override { return kernel_.name; }

private:
    std::uint64_t cut(std::size_t used, std::span<const std::uint8_t>& data)
    {
        const std::size_t length = taken_ + used;
        data = data.subspan(used);
        taken_ = 0;
        return length;
    }

    // The position in `data` of the byte that ends the chunk; data.size() if there is none. The byte that makes the
    // chunk `length` long stands at length - 1 - taken_.
    std::size_t find_cut(std::span<const std::uint8_t> data)
    {
        const auto position = [&](std::size_t length) {
            return std::clamp(length, taken_ + 1, taken_ + data.size() + 1) - 1 - taken_;
        };
        const std::size_t from = position(rule_.first);
        const std::size_t normal = std::max(from, position(rule_.normal));
        const std::size_t to = std::max(normal, position(rule_.max));
        if (const std::size_t at = find(data, from, normal, rule_.strict); at < normal)
            return at;
        const std::size_t at = find(data, normal, to, rule_.loose);
        return at < to ? at : data.size();
    }

    // The first position of [from, to) in `data` that passes the test; `to` if none does. Positions near the front
    // look back on bytes of earlier calls, so they are searched where both stand together.
    std::size_t find(std::span<const std::uint8_t> data, std::size_t from, std::size_t to, const weir1_test& test)
    {
        if (from >= to)
            return to;
        const std::size_t seam = std::min(to, weir1_lookback);
        if (from < seam) {
            std::memcpy(seam_ + weir1_lookback, data.data(), seam);
            if (const std::size_t at = find_in_one_piece(seam_ + weir1_lookback, from, seam, test); at < seam)
                return at;
            from = seam;
        }
        return find_in_one_piece(data.data(), from, to, test);
    }

    std::size_t find_in_one_piece(const std::uint8_t* data, std::size_t from, std::size_t to, const weir1_test& test)
    {
        while (from < to) {
            from += kernel_.search(data + from, to - from, function_, test.mask);
            if (from < to && weir1_value(data + from, function_) >= test.least)
                return from;
            ++from;
        }
        return to;
    }

    // Keeps the last weir1_lookback bytes in front of what comes next.
    void remember(std::span<const std::uint8_t> data)
    {
        const std::size_t fresh = std::min(data.size(), weir1_lookback);
        if (fresh == 0)
            return;
        std::memmove(seam_, seam_ + fresh, weir1_lookback - fresh);
        std::memcpy(seam_ + weir1_lookback - fresh, data.data() + data.size() - fresh, fresh);
    }

    weir1_function function_;
    weir1_rule rule_;
    kernel_choice kernel_;
    std::size_t taken_ = 0;                      // bytes of this chunk
    std::uint8_t seam_[2 * weir1_lookback] = {}; // the last bytes of earlier calls, then the first of this one
};

} // namespace

std::unique_ptr<boundary_scanner> make_weir1_scanner(const chunker_options& options, cpu_level level)
{
    return std::make_unique<weir1_scanner>(options, choose(level));
}

} // namespace weir::detail
