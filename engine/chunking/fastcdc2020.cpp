// FastCDC 2020 as its reference implementation cuts: bytes in pairs, hash 0 at the pair in which the minimum ends, and
// the byte that matched left to the next chunk.

#include <chunking/fastcdc2020.hpp>

#include <chunking/boundary_scanner.hpp>
#include <weir/chunker.hpp>

#include <algorithm>

namespace weir::detail {
namespace {

constexpr std::size_t even(std::size_t value) { return value & ~std::size_t{1}; }

class fastcdc2020_scanner final : public boundary_scanner {
public:
    explicit fastcdc2020_scanner(const chunker_options& options)
        : tables_(options.seed), first_(even(options.min)), normal_(even(options.average)), max_(options.max)
    {
        const int bits = rounded_log2(options.average);
        strict_ = fastcdc2020_mask(bits + options.normalization);
        loose_ = fastcdc2020_mask(bits - options.normalization);
    }

    std::optional<std::uint64_t> next(std::span<const std::uint8_t>& data) override
    {
        if (data.empty())
            return std::nullopt;
        if (half_pair()) {
            if (const std::size_t length = finish_pair(data.front()); length <= taken_)
                return cut(length, 0, data);
            data = data.subspan(1);
            ++taken_;
        }
        const std::size_t end = std::min(max_, taken_ + data.size());
        for (const auto& [limit, mask] : {phase{normal_, strict_}, phase{even(max_), loose_}}) {
            const std::size_t from = std::max(taken_, first_);
            const std::size_t to = even(std::min(end, limit));
            if (from >= to)
                continue;
            const std::size_t at = find_gear_cut(tables_, data.data() + (from - taken_), to - from, mask, hash_);
            if (at < to - from)
                return cut(from + at, from + at - taken_, data);
            data = data.subspan(to - taken_);
            taken_ = to;
        }
        if (end == max_)
            return cut(max_, max_ - taken_, data);
        if (end != taken_)
            last_ = data.back();
        data = {};
        taken_ = end;
        return std::nullopt;
    }

    std::uint64_t pending() const noexcept override { return taken_; }

    void reset() noexcept override
    {
        taken_ = 0;
        hash_ = 0;
    }

    std::string_view kernel() const noexcept override { return "fastcdc2020-x3"; }

private:
    struct phase {
        std::size_t limit;
        std::uint64_t mask;
    };

    // The first byte of a pair was taken, and waits for the second: only a whole pair is tested.
    bool half_pair() const { return taken_ % 2 == 1 && taken_ > first_; }

    // The chunk's length if the pair of `last_` and `second` ends it, more than `taken_` if not.
    std::size_t finish_pair(std::uint8_t second)
    {
        const std::uint8_t pair[] = {last_, second};
        const std::size_t start = taken_ - 1;
        return start + find_gear_cut(tables_, pair, 2, start < normal_ ? strict_ : loose_, hash_);
    }

    // Ends the chunk after `length` bytes, of which `used` are the front of `data`. What was taken beyond belongs to
    // the next chunk.
    std::uint64_t cut(std::size_t length, std::size_t used, std::span<const std::uint8_t>& data)
    {
        data = data.subspan(used);
        taken_ = taken_ + used - length;
        hash_ = 0;
        return length;
    }

    gear_tables tables_;
    std::size_t first_;
    std::size_t normal_;
    std::size_t max_;
    std::uint64_t strict_;
    std::uint64_t loose_;
    std::uint64_t hash_ = 0;
    std::size_t taken_ = 0; // bytes of this chunk
    std::uint8_t last_ = 0; // the last of them, when half a pair waits
};

} // namespace

std::unique_ptr<boundary_scanner> make_fastcdc2020_scanner(const chunker_options& options)
{
    return std::make_unique<fastcdc2020_scanner>(options);
}

} // namespace weir::detail
