#include "archives/zip_extents.hpp"

#include <algorithm>
#include <iterator>

namespace weir::codecs::zip {

void zip_extents::start(bool in_order, std::size_t entries)
{
    in_order_ = in_order;
    end_ = 0;
    begins_ = {};
    extents_.clear();
    if (in_order)
        begins_.reserve(entries);
    else
        extents_.reserve(entries);
}

bool zip_extents::add(std::uint64_t begin, std::uint64_t end)
{
    if (!in_order_) {
        extents_.push_back({begin, end});
        return true;
    }
    if (begin < end_)
        return false;
    end_ = end;
    begins_.push_back(begin);
    return true;
}

void zip_extents::settle(std::uint64_t limit)
{
    limit_ = limit;
    std::ranges::sort(extents_, {}, &extent::begin);
    std::uint64_t largest = 0;
    for (extent& each : extents_)
        each.end = largest = std::max(largest, each.end);
}

bool zip_extents::overlaps(std::uint64_t begin, std::uint64_t end) const noexcept
{
    if (in_order_)
        return false;
    const auto own = std::ranges::lower_bound(extents_, begin, {}, &extent::begin);
    const auto next = std::ranges::upper_bound(extents_, begin, {}, &extent::begin);
    const bool before = own != extents_.begin() && std::prev(own)->end > begin;
    return before || next - own > 1 || end > next_after(begin);
}

std::uint64_t zip_extents::next_after(std::uint64_t begin) const noexcept
{
    if (in_order_) {
        const auto next = std::ranges::upper_bound(begins_, begin);
        return next == begins_.end() ? limit_ : *next;
    }
    const auto next = std::ranges::upper_bound(extents_, begin, {}, &extent::begin);
    return next == extents_.end() ? limit_ : next->begin;
}

} // namespace weir::codecs::zip
