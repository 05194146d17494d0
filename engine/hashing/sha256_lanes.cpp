#include "sha256_lanes.hpp"

#include "sha256_end.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace weir::hashing {
namespace {

// A turn is long enough that choosing costs little, and when few messages are left so short that all end together.
constexpr std::uint64_t shortest_turn = 6, longest_turn = 128; // blocks

} // namespace

sha256_lanes::sha256_lanes(const sha256_plan& plan) noexcept : plan_(plan)
{
    for (unsigned i = 0; i < sha256_max_lanes; ++i)
        order_[i] = &lanes_[i];
    std::memcpy(spare_.state, sha256_initial_state, sizeof spare_.state);
}

void sha256_lanes::start(std::span<const multi_hasher::message> batch)
{
    batch_ = batch;
    next_ = 0;
    live_ = active_ = 0;
    queue_.resize(batch.size());
    sort_longest_first();
}

/// By powers of two, in the time of two passes: finer order would cost more than it gains with messages of 1 KiB.
void sha256_lanes::sort_longest_first()
{
    constexpr std::size_t classes = std::numeric_limits<std::size_t>::digits + 1;
    const auto class_of = [](std::size_t size) { return classes - 1 - std::bit_width(size); };
    std::array<std::uint32_t, classes + 1> position{};
    for (const auto& message : batch_)
        ++position[class_of(message.size) + 1];
    for (std::size_t i = 1; i <= classes; ++i)
        position[i] += position[i - 1];
    for (std::uint32_t i = 0; i < batch_.size(); ++i)
        queue_[position[class_of(batch_[i].size)]++] = i;
}

bool sha256_lanes::run(std::size_t max_bytes)
{
    std::size_t blocks = std::max<std::size_t>(max_bytes / sha256_block, 1);
    for (;;) {
        fill_lanes();
        if (live_ == 0)
            return true;
        if (blocks == 0)
            return false;
        blocks -= std::min(blocks, step(blocks));
    }
}

void sha256_lanes::fill_lanes()
{
    const std::size_t waiting = queue_.size() - next_;
    if (waiting == 0)
        return;
    const unsigned wanted = live_ + waiting <= sha256_max_lanes ? sha256_max_lanes : plan_.widest().lanes;
    for (; live_ < wanted && next_ < queue_.size(); ++next_) {
        open(*order_[live_++], batch_[queue_[next_]]);
        active_ = 0;
    }
}

void sha256_lanes::open(lane& lane, const multi_hasher::message& message) noexcept
{
    std::memcpy(lane.work.state, sha256_initial_state, sizeof lane.work.state);
    lane.blocks.open(message.content, message.size);
    lane.blocks_left = block_reader::blocks_of(message.size);
    lane.out = message.out;
    const block_reader::run first = lane.blocks.next();
    lane.work.data = first.data;
    lane.run_blocks = first.blocks;
}

void sha256_lanes::choose() noexcept
{
    kernel_ = plan_.kernels[live_];
    active_ = std::min(kernel_->lanes, live_);
    turn_ = std::numeric_limits<std::size_t>::max();
    if (active_ == live_)
        return;
    std::partial_sort(order_.begin(), order_.begin() + active_, order_.begin() + live_,
                      [](const lane* x, const lane* y) { return x->blocks_left > y->blocks_left; });
    turn_ = longest_turn;
    if (live_ <= 2 * active_)
        turn_ = std::clamp(order_[0]->blocks_left / live_, shortest_turn, longest_turn);
}

/// One call of the kernel, as far as no lane needs attention.
/// \returns  the blocks done in all lanes together
std::size_t sha256_lanes::step(std::size_t max_blocks) noexcept
{
    if (active_ == 0)
        choose();
    const unsigned active = active_;
    std::size_t blocks = std::min(turn_, std::max<std::size_t>(max_blocks / active, 1));
    sha256_lane* work[sha256_max_lanes];
    for (unsigned i = 0; i < active; ++i) {
        blocks = std::min(blocks, order_[i]->run_blocks);
        work[i] = &order_[i]->work;
    }
    spare_.data = work[0]->data;
    std::fill(work + active, work + kernel_->lanes, &spare_);

    kernel_->run(work, blocks);

    turn_ -= blocks;
    if (turn_ == 0)
        active_ = 0;
    for (unsigned i = active; i-- > 0;) // backwards: a lane that is done changes places with one behind it
        advance(i, blocks);
    return blocks * active;
}

void sha256_lanes::advance(unsigned index, std::size_t blocks) noexcept
{
    lane& lane = *order_[index];
    lane.blocks_left -= blocks;
    lane.run_blocks -= blocks;
    if (lane.run_blocks != 0)
        return;
    const block_reader::run next = lane.blocks.next();
    lane.work.data = next.data;
    lane.run_blocks = next.blocks;
    if (next.blocks != 0)
        return;
    *lane.out = sha256_digest(lane.work.state);
    std::swap(order_[index], order_[--live_]);
    active_ = 0;
}

} // namespace weir::hashing
