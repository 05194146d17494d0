#include "memory/slab.hpp"

#include <new>
#include <utility>

namespace weir::detail {
namespace {

std::size_t alignment_of(std::size_t size) noexcept
{
    constexpr std::size_t huge_page = std::size_t(2) << 20;
    return size >= huge_page ? huge_page : page_bytes();
}

} // namespace

void block_list::push(pool_block& added) noexcept
{
    added.next = top_;
    top_ = &added;
    ++size_;
}

pool_block* block_list::pop() noexcept
{
    pool_block* out = top_;
    if (out) {
        top_ = std::exchange(out->next, nullptr);
        --size_;
    }
    return out;
}

block_list block_list::take_oldest(std::size_t count) noexcept
{
    if (count == size_)
        return take_all();
    block_list out;
    if (count == 0)
        return out;
    pool_block* last_kept = top_;
    for (std::size_t kept = 1; kept < size_ - count; ++kept)
        last_kept = last_kept->next;
    out.top_ = std::exchange(last_kept->next, nullptr);
    out.size_ = count;
    size_ -= count;
    return out;
}

block_list block_list::take_all() noexcept
{
    block_list out;
    std::swap(out, *this);
    return out;
}

slab::slab(tier& home, std::size_t block_bytes, std::size_t stride, std::size_t count, page_region::pages kind)
    : home_(home), memory_(stride * count, alignment_of(stride * count), kind), stride_(stride), count_(count)
{
    if (!memory_)
        throw std::bad_alloc();
    blocks_ = std::make_unique<pool_block[]>(count);
    for (std::size_t i = count; i-- > 0;) {
        blocks_[i].data = memory_.data() + i * stride;
        blocks_[i].capacity = block_bytes;
        blocks_[i].recycle = &recycle_pool_block;
        blocks_[i].origin = this;
        cold_.push(blocks_[i]); // so that the first is on top
    }
}

pool_block& slab::warm_one() noexcept
{
    pool_block& out = *cold_.pop();
    out.cold = false;
    return out;
}

void slab::cool(pool_block& target) noexcept
{
    target.cold = true;
    cold_.push(target);
    cooled_ = true;
}

void slab::give_back() noexcept
{
    if (!std::exchange(cooled_, false))
        return;
    // In runs, so that pages shared by small blocks go too, once all of them are cold.
    for (std::size_t first = 0; first < count_;) {
        std::size_t last = first;
        while (last < count_ && blocks_[last].cold)
            ++last;
        memory_.give_back(first * stride_, (last - first) * stride_);
        first = last + 1;
    }
}

} // namespace weir::detail
