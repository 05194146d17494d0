#pragma once
// Many messages over the lanes of the SHA-256 kernels.

#include "block_reader.hpp"
#include "engine.hpp"
#include "sha256_plan.hpp"

#include <array>
#include <vector>

namespace weir::hashing {

/// Works a batch off so that all lanes end at about the same time.
///
/// While there are many messages, each lane takes the next (longest first) when its own is done. When all that are left
/// fit in the lanes, the kernel works a short turn on those that have most left, then looks again: sixteen equal
/// messages over three streams would otherwise leave the last one alone at the end.
class sha256_lanes final : public multi_hasher::engine {
public:
    explicit sha256_lanes(const sha256_plan& plan) noexcept;

    void start(std::span<const multi_hasher::message> batch) override;
    bool run(std::size_t max_bytes) override;
    std::string_view kernel() const noexcept override { return plan_.widest().name; }
    std::size_t lanes() const noexcept override { return plan_.widest().lanes; }

private:
    struct lane {
        sha256_lane work;
        std::size_t run_blocks = 0;    // there are at work.data
        std::uint64_t blocks_left = 0; // of the whole message
        digest* out = nullptr;
        block_reader blocks;
    };

    void sort_longest_first();
    void fill_lanes();
    void open(lane& lane, const multi_hasher::message& message) noexcept;
    void choose() noexcept;
    std::size_t step(std::size_t max_blocks) noexcept;
    void advance(unsigned index, std::size_t blocks) noexcept;

    const sha256_plan& plan_;
    std::span<const multi_hasher::message> batch_;
    std::vector<std::uint32_t> queue_; // indices of batch_
    std::size_t next_ = 0;             // in queue_

    std::array<lane, sha256_max_lanes> lanes_;
    std::array<lane*, sha256_max_lanes> order_; // those in work first; of these, those that the kernel works on first
    unsigned live_ = 0;                         // in work
    unsigned active_ = 0;                       // in the kernel; 0: to be chosen again
    const sha256_kernel* kernel_ = nullptr;     // for the active ones
    std::size_t turn_ = 0;                      // blocks until they are chosen again
    sha256_lane spare_;                         // stands in where the kernel has more lanes than there are messages
};

} // namespace weir::hashing
