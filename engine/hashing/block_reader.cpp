#include "block_reader.hpp"

#include "sha256_end.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace weir::hashing {

void block_reader::open(std::span<const slice> content, std::uint64_t size) noexcept
{
    content_ = content;
    piece_ = {};
    size_ = rest_ = size;
    padded_ = false;
}

block_reader::run block_reader::next() noexcept
{
    if (rest_ < sha256_block)
        return padded_ ? run{} : pad();
    if (piece_.empty())
        next_piece();
    if (piece_.size() < sha256_block) {
        gather(sha256_block);
        return {buffer_, 1};
    }
    const std::size_t blocks = piece_.size() / sha256_block;
    const auto* data = reinterpret_cast<const unsigned char*>(piece_.data());
    assert(blocks * sha256_block <= rest_);
    piece_ = piece_.subspan(blocks * sha256_block);
    rest_ -= blocks * sha256_block;
    return {data, blocks};
}

void block_reader::next_piece() noexcept
{
    while (piece_.empty()) {
        assert(!content_.empty());
        piece_ = content_.front().span();
        content_ = content_.subspan(1);
    }
}

void block_reader::gather(std::size_t count) noexcept
{
    rest_ -= count;
    for (std::size_t have = 0; have < count;) {
        if (piece_.empty())
            next_piece();
        const std::size_t now = std::min(count - have, piece_.size());
        std::memcpy(buffer_ + have, piece_.data(), now);
        piece_ = piece_.subspan(now);
        have += now;
    }
}

block_reader::run block_reader::pad() noexcept
{
    const auto rest = static_cast<std::size_t>(rest_);
    gather(rest);
    padded_ = true;
    return {buffer_, sha256_pad(buffer_, size_)};
}

} // namespace weir::hashing
