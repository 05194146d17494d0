#pragma once
// How many different chunks there are, and how many bytes they have: in bounded memory, whatever the input.

#include <weir/digest.hpp>
#include <weir/export.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace weir {

/// Counts different digests: exactly up to a limit, estimated beyond.
///
/// Up to the limit it keeps 64 bits of every digest (two different ones are taken for one with a probability of less
/// than 2^-26 over all). Beyond, it keeps a HyperLogLog sketch of 256 KiB which has seen all digests before, and adds
/// to both counts whenever a digest changes the sketch, by the inverse of how likely a new one was to do so. The
/// counts neither jump at the limit nor ever fall; the standard error of what comes after the limit is 0.2%.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one call at a time.
/// \see Flajolet et al., HyperLogLog (AofA 2007); Ting, Streamed approximate counting of distinct elements (KDD 2014)
class WEIR_API unique_counter {
public:
    static constexpr std::uint64_t default_limit = 700'000;

    /// \param limit  exact up to so many different digests; at most `default_limit`, which takes 8 MiB
    explicit unique_counter(std::uint64_t limit = default_limit);
    unique_counter(unique_counter&&) noexcept;
    unique_counter& operator=(unique_counter&&) noexcept;
    ~unique_counter();

    /// Counts a chunk. Digests of one counter come from one algorithm.
    /// \par Cost
    /// A cache miss or two; allocates when its memory grows, at most 8 MiB in all.
    void add(const digest& chunk, std::uint64_t length);

    /// How many different digests were added; never more than there were calls.
    [[nodiscard]] std::uint64_t unique_chunks() const noexcept;

    /// How many bytes they have, each counted once.
    [[nodiscard]] std::uint64_t unique_bytes() const noexcept;

    /// Whether both are exact.
    [[nodiscard]] bool exact() const noexcept;

    /// What it holds, in bytes.
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    class fingerprints;
    class sketch;
    void begin_sketch();

    std::uint64_t limit_;
    std::unique_ptr<fingerprints> fingerprints_;         // up to the limit
    std::unique_ptr<sketch> sketch_;                     // beyond
    std::uint64_t calls_ = 0, bytes_ = 0;                // of everything that was added
    std::uint64_t unique_chunks_ = 0, unique_bytes_ = 0; // up to the limit
    double more_chunks_ = 0, more_bytes_ = 0;            // estimated since
};

} // namespace weir
