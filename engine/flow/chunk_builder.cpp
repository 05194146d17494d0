#include "chunk_builder.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace weir::detail {

void chunk_builder::add(const bytes& piece, unit& out)
{
    for (const slice& part : piece) {
        ends_.clear();
        chunker_.push(part.span(), ends_);
        std::size_t taken = 0;
        for (std::uint64_t end : ends_) {
            // A chunker may decide only now that a chunk ended in front of this part.
            const std::size_t upto = end > position_ ? static_cast<std::size_t>(end - position_) : 0;
            if (upto > taken)
                partial_.append(part.subslice(taken, upto - taken));
            taken = std::max(taken, upto);
            emit(end, out);
        }
        if (taken < part.size())
            partial_.append(part.subslice(taken, part.size() - taken));
        position_ += part.size();
    }
}

void chunk_builder::finish(unit& out)
{
    ends_.clear();
    chunker_.finish(ends_);
    for (std::uint64_t end : ends_)
        emit(end, out);
}

void chunk_builder::emit(std::uint64_t end, unit& out)
{
    const auto size = static_cast<std::size_t>(end - chunk_start_);
    assert(size > 0 && size <= partial_.size());
    if (size == partial_.size()) {
        out.add(chunk_start_, partial_);
    }
    else {
        bytes front = partial_.take_front(size);
        out.add(chunk_start_, front);
    }
    gathered_ = 0;
    chunk_start_ = end;
    ++count_;
}

void chunk_builder::drop() noexcept
{
    partial_.clear();
    gather_.reset();
}

/// A source that gives many blocks with little in each would pin more blocks than the reservation has.
bool chunk_builder::scattered() const noexcept
{
    return gathered_ < partial_.size() && partial_.slice_count() > partial_.size() / block_bytes_ + 2;
}

void chunk_builder::gather(reservation& memory)
{
    if (!scattered())
        return;
    bytes dense = partial_.take_front(gathered_);
    std::vector<slice> scattered = std::move(partial_).take_slices();
    bool has_room = true;
    for (slice& from : scattered) {
        while (has_room && !from.empty()) {
            const std::span<std::byte> to = gather_.try_spare(memory);
            const std::size_t count = std::min(from.size(), to.size());
            has_room = count > 0;
            if (has_room) {
                std::copy_n(from.data(), count, to.data());
                dense.append(gather_.commit(count));
                from.remove_prefix(count);
            }
        }
        if (!has_room)
            break;
        from = slice(); // its block may be the next one to gather in
    }
    gathered_ = dense.size();
    for (slice& rest : scattered)
        dense.append(std::move(rest));
    partial_ = std::move(dense);
}

} // namespace weir::detail
