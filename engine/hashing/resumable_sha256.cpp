#include "resumable_sha256.hpp"

#include "sha256_end.hpp"
#include "sha256_plan.hpp"

#include <algorithm>
#include <cstring>

namespace weir::hashing {
namespace {

sha256_state initial_state()
{
    sha256_state state;
    std::ranges::copy(sha256_initial_state, state.words.begin());
    return state;
}

sha256_function* best_for_one()
{
    const std::span<const sha256_kernel> kernels = sha256_kernels_of(active_cpu_level());
    return kernels.empty() ? &sha256_portable_x1 : kernels.front().run;
}

} // namespace

resumable_sha256::resumable_sha256() : resumable_sha256(initial_state()) {}
resumable_sha256::resumable_sha256(const sha256_state& state) : state_(state), run_(best_for_one()) {}

void resumable_sha256::update(std::span<const std::byte> piece)
{
    const std::size_t begun = state_.size % sha256_block;
    state_.size += piece.size();
    if (begun != 0) {
        const std::size_t more = std::min(piece.size(), sha256_block - begun);
        std::ranges::copy(piece.first(more), state_.tail.begin() + static_cast<std::ptrdiff_t>(begun));
        piece = piece.subspan(more);
        if (begun + more < sha256_block)
            return;
        compress(reinterpret_cast<const unsigned char*>(state_.tail.data()), 1);
    }
    const std::size_t blocks = piece.size() / sha256_block;
    if (blocks != 0)
        compress(reinterpret_cast<const unsigned char*>(piece.data()), blocks);
    std::ranges::copy(piece.subspan(blocks * sha256_block), state_.tail.begin());
}

digest resumable_sha256::value() const
{
    unsigned char end[2 * sha256_block];
    std::memcpy(end, state_.tail.data(), state_.tail.size());
    resumable_sha256 last(*this);
    last.compress(end, sha256_pad(end, state_.size));
    return sha256_digest(last.state_.words.data());
}

void resumable_sha256::compress(const unsigned char* blocks, std::size_t count)
{
    sha256_lane lane;
    std::ranges::copy(state_.words, lane.state);
    lane.data = blocks;
    sha256_lane* const lanes[] = {&lane};
    run_(lanes, count);
    std::ranges::copy(lane.state, state_.words.begin());
}

} // namespace weir::hashing
