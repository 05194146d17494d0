#include <weir/bytes.hpp>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <iterator>

namespace weir {

bytes::bytes(bytes&& other) noexcept : slices_(std::move(other.slices_)), size_(std::exchange(other.size_, 0))
{
    other.slices_.clear();
}

bytes& bytes::operator=(bytes&& other) noexcept
{
    if (this != &other) {
        slices_ = std::move(other.slices_);
        size_ = std::exchange(other.size_, 0);
        other.slices_.clear();
    }
    return *this;
}

void bytes::append(slice next)
{
    if (next.empty())
        return;
    const std::size_t gained = next.size();
    if (slices_.empty() || !slices_.back().try_merge(next))
        slices_.push_back(std::move(next));
    size_ += gained;
}

void bytes::append(const bytes& next)
{
    // By index and by number: `next` may be this object.
    const std::size_t count = next.slices_.size();
    for (std::size_t i = 0; i < count; ++i)
        append(slice(next.slices_[i]));
}

void bytes::append(bytes&& next)
{
    if (empty()) {
        *this = std::move(next);
        return;
    }
    for (slice& each : next.slices_)
        append(std::move(each));
    next.clear();
}

void bytes::clear() noexcept
{
    slices_.clear();
    size_ = 0;
}

bytes bytes::subrange(std::size_t offset, std::size_t count) const
{
    assert(offset <= size_ && count <= size_ - offset);
    bytes out;
    for (const slice& each : slices_) {
        if (count == 0)
            break;
        if (offset >= each.size()) {
            offset -= each.size();
            continue;
        }
        const std::size_t taken = std::min(count, each.size() - offset);
        out.append(each.subslice(offset, taken));
        offset = 0;
        count -= taken;
    }
    return out;
}

bytes bytes::take_front(std::size_t count)
{
    assert(count <= size_);
    bytes front;
    auto next = slices_.begin();
    while (count > 0 && next->size() <= count) {
        count -= next->size();
        front.append(std::move(*next++));
    }
    if (count > 0) {
        front.append(next->subslice(0, count));
        next->remove_prefix(count);
    }
    slices_.erase(slices_.begin(), next);
    size_ -= front.size();
    return front;
}

std::vector<slice> bytes::take_slices() &&
{
    std::vector<slice> out(std::move_iterator(slices_.begin()), std::move_iterator(slices_.end()));
    clear();
    return out;
}

void bytes::copy_to(std::span<std::byte> target) const noexcept
{
    assert(target.size() >= size_);
    std::byte* place = target.data();
    for (const slice& each : slices_) {
        std::memcpy(place, each.data(), each.size());
        place += each.size();
    }
}

std::vector<std::byte> bytes::copy_out() const
{
    std::vector<std::byte> out;
    out.reserve(size_);
    for (const slice& each : slices_)
        out.insert(out.end(), each.begin(), each.end());
    return out;
}

} // namespace weir
