#include "packing/packing_lane.hpp"

#include "flow/fair_turns.hpp"
#include "packing/chunk_sample.hpp"
#include "packing/packing.hpp"

#include <algorithm>
#include <utility>

namespace weir::codecs {
namespace {

/// Encoded between two looks at the clock. libzstd compresses 128 KiB at a time however it is fed, and faster where it
/// gets the whole of a chunk at once; liblz4 is quick; the others do 16 KiB in a millisecond or so.
std::size_t piece_bytes(codec which) noexcept
{
    return std::size_t{which == codec::zstd || which == codec::lz4 ? 128u : 16u} << 10;
}

} // namespace

bool packing_lane::work(packing& batch)
{
    const detail::fair_turns turn;
    while (!batch.stopped()) {
        if (task_.record) {
            step(batch);
        }
        else {
            const packing_task next = batch.claim();
            if (!next.record)
                return false;
            begin(batch, next);
        }
        if (turn.is_over())
            return true;
    }
    return false;
}

void packing_lane::begin(packing& batch, packing_task task)
{
    const bytes& content = task.record->content;
    if (!batch.reaches_threshold(content.size())) {
        *task.outcome = packing_outcome::below_threshold;
        return;
    }
    if (looks_random(content)) {
        *task.outcome = packing_outcome::by_sample;
        return;
    }
    if (encoder_)
        start(*encoder_, batch.which());
    else
        encoder_ = batch.contexts().take(batch.which(), batch.settings());
    expect(*encoder_, batch.which(), content.size());
    task_ = task;
    most_bytes_ = batch.most_bytes(content.size());
    slice_ = taken_ = written_ = 0;
    ended_ = false;
    start_ = blocks_.empty() ? 0 : blocks_.front().size();
}

void packing_lane::step(packing& batch)
{
    if (blocks_.empty() || blocks_.back().spare().empty())
        blocks_.push_back(batch.take_block());
    // The whole rest of the block, even beyond what the chunk may take: libraries are faster where all is sure to fit.
    buffer& block = blocks_.back();
    const std::size_t count = encode_some(batch, block.spare());
    block.commit(count);
    written_ += count;
    if (ended_ && written_ <= most_bytes_) {
        keep(batch.which());
    }
    else if (ended_ || written_ >= most_bytes_) {
        *task_.outcome = packing_outcome::by_trial;
        give_up();
    }
}

std::size_t packing_lane::encode_some(packing& batch, std::span<std::byte> room)
{
    const std::span<const slice> slices = task_.record->content.slices();
    std::span<const std::byte> input;
    if (slice_ < slices.size())
        input = slices[slice_].span().subspan(taken_);
    const bool is_last_slice = slice_ + 1 >= slices.size();
    const std::size_t piece = std::min(input.size(), piece_bytes(batch.which()));
    const bool last = is_last_slice && piece == input.size();
    input = input.first(piece);
    const std::size_t before = room.size();
    try {
        ended_ = encoder_->run(input, room, last);
    }
    catch (const failure& why) {
        throw error(why.code, "encode", to_string(batch.which()), std::nullopt, why.why);
    }
    taken_ += piece - input.size();
    if (slice_ < slices.size() && taken_ == slices[slice_].size()) {
        ++slice_;
        taken_ = 0;
    }
    return before - room.size();
}

void packing_lane::keep(codec which)
{
    bytes content;
    std::size_t start = start_;
    for (const buffer& each : blocks_) {
        content.append(each.freeze(start, each.size() - start));
        start = 0;
    }
    task_.record->content = std::move(content);
    task_.record->codec = which;
    *task_.outcome = packing_outcome::compressed;
    task_ = {};
    blocks_.erase(blocks_.begin(), blocks_.end() - 1);
    if (blocks_.back().spare().empty())
        blocks_.clear();
}

void packing_lane::give_up() noexcept
{
    task_ = {};
    if (blocks_.empty())
        return;
    blocks_.erase(blocks_.begin() + 1, blocks_.end());
    blocks_.front().resize(start_);
}

void packing_lane::leave(packing& batch, bool failed) noexcept
{
    if (task_.record)
        give_up();
    if (encoder_ && !failed)
        batch.contexts().give_back(batch.which(), batch.settings(), std::move(encoder_));
    encoder_.reset();
}

} // namespace weir::codecs
