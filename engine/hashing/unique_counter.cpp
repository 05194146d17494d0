#include <weir/unique_counter.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>
#include <vector>

namespace weir {

/// A set of 64-bit fingerprints by open addressing, split by their high bits into shards that grow by themselves: one
/// large table would need half its size again while it grows.
class unique_counter::fingerprints {
public:
    enum class outcome { added, known, full };

    /// \param room  whether one more may be added
    outcome add(std::uint64_t fingerprint, bool room)
    {
        shard& shard = shards_[fingerprint >> (64 - shard_bits)];
        if (shard.slots.empty())
            shard.slots.resize(smallest);
        if (find(shard.slots, fingerprint) == fingerprint)
            return outcome::known;
        const bool crowded = 4 * (shard.used + 1) > 3 * shard.slots.size();
        if (!room || (crowded && shard.slots.size() == largest))
            return outcome::full;
        if (crowded)
            grow(shard);
        find(shard.slots, fingerprint) = fingerprint;
        ++shard.used;
        return outcome::added;
    }

    template <class Visitor> void for_each(Visitor visit) const
    {
        for (const shard& shard : shards_)
            for (std::uint64_t fingerprint : shard.slots)
                if (fingerprint != 0)
                    visit(fingerprint);
    }

    std::size_t memory_bytes() const noexcept
    {
        std::size_t slots = 0;
        for (const shard& shard : shards_)
            slots += shard.slots.size();
        return sizeof *this + slots * sizeof(std::uint64_t);
    }

private:
    static constexpr int shard_bits = 6;
    static constexpr std::size_t smallest = 16;
    static constexpr std::size_t largest = std::size_t{1} << 14; // 64 shards of 128 KiB are 8 MiB

    struct shard {
        std::vector<std::uint64_t> slots; // 0 is an empty one
        std::size_t used = 0;
    };

    /// Where `fingerprint` is, or the empty slot where it belongs.
    static std::uint64_t& find(std::vector<std::uint64_t>& slots, std::uint64_t fingerprint)
    {
        const std::size_t mask = slots.size() - 1;
        std::size_t i = fingerprint & mask;
        while (slots[i] != 0 && slots[i] != fingerprint)
            i = (i + 1) & mask;
        return slots[i];
    }

    static void grow(shard& shard)
    {
        std::vector<std::uint64_t> larger(2 * shard.slots.size());
        for (std::uint64_t fingerprint : shard.slots)
            if (fingerprint != 0)
                find(larger, fingerprint) = fingerprint;
        shard.slots = std::move(larger);
    }

    std::array<shard, std::size_t{1} << shard_bits> shards_;
};

/// The registers of HyperLogLog: for each value of the low bits, the longest run of zeros seen in the bits above, and
/// one more.
class unique_counter::sketch {
public:
    /// \returns  how likely a fingerprint not seen before was to change a register, if this one did; else 0
    double add(std::uint64_t fingerprint) noexcept
    {
        std::uint8_t& longest = registers_[fingerprint & (count - 1)];
        const auto run = static_cast<std::uint8_t>(std::countl_zero(fingerprint | (count - 1)) + 1);
        if (run <= longest)
            return 0;
        const double likely = changes_ / count;
        changes_ -= std::ldexp(1.0, -longest) - std::ldexp(1.0, -run);
        longest = run;
        return likely;
    }

    std::size_t memory_bytes() const noexcept { return sizeof *this + registers_.size(); }

private:
    static constexpr std::size_t count = std::size_t{1} << 18;

    std::vector<std::uint8_t> registers_ = std::vector<std::uint8_t>(count);
    double changes_ = count; // sum over the registers of the probability that a new fingerprint changes it
};

namespace {

/// The first 64 bits, which are as random as any; 0 stands for an empty slot.
std::uint64_t fingerprint_of(const digest& chunk) noexcept
{
    return std::max<std::uint64_t>(std::hash<digest>()(chunk), 1);
}

} // namespace

unique_counter::unique_counter(std::uint64_t limit)
    : limit_(std::min(limit, default_limit)), fingerprints_(std::make_unique<fingerprints>())
{}

unique_counter::unique_counter(unique_counter&&) noexcept = default;
unique_counter& unique_counter::operator=(unique_counter&&) noexcept = default;
unique_counter::~unique_counter() = default;

void unique_counter::add(const digest& chunk, std::uint64_t length)
{
    const std::uint64_t fingerprint = fingerprint_of(chunk);
    ++calls_;
    bytes_ += length;
    if (fingerprints_) {
        using enum fingerprints::outcome;
        const auto outcome = fingerprints_->add(fingerprint, unique_chunks_ < limit_);
        if (outcome == known)
            return;
        if (outcome == added) {
            unique_chunks_ += 1;
            unique_bytes_ += length;
            return;
        }
        begin_sketch();
    }
    if (const double likely = sketch_->add(fingerprint); likely != 0) {
        more_chunks_ += 1 / likely;
        more_bytes_ += static_cast<double>(length) / likely;
    }
}

void unique_counter::begin_sketch()
{
    sketch_ = std::make_unique<sketch>();
    fingerprints_->for_each([this](std::uint64_t fingerprint) { sketch_->add(fingerprint); });
    fingerprints_.reset();
}

std::uint64_t unique_counter::unique_chunks() const noexcept
{
    return std::min(calls_, unique_chunks_ + static_cast<std::uint64_t>(std::llround(more_chunks_)));
}

std::uint64_t unique_counter::unique_bytes() const noexcept
{
    return std::min(bytes_, unique_bytes_ + static_cast<std::uint64_t>(std::llround(more_bytes_)));
}

bool unique_counter::exact() const noexcept { return fingerprints_ != nullptr; }

std::size_t unique_counter::memory_bytes() const noexcept
{
    return sizeof *this + (fingerprints_ ? fingerprints_->memory_bytes() : sketch_->memory_bytes());
}

} // namespace weir
