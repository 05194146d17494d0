#include "archives/archive_input.hpp"

#include "flow/fair_turns.hpp"

#include <algorithm>
#include <utility>

namespace weir::codecs {

namespace asio = boost::asio;

namespace {

constexpr std::size_t input_block_bytes = std::size_t{128} << 10; // what a decoder gives in one turn
constexpr std::size_t input_blocks = 8; // half of them for an input that is read ahead of what is asked for
constexpr std::uint64_t least_jump = std::uint64_t{1} << 20; // less is read sooner than opened anew

} // namespace

asio::awaitable<bool> archive_input::fill()
{
    if (!at_hand_.empty())
        co_return true;
    if (!memory_)
        memory_.emplace(own_blocks{input_blocks, input_block_bytes});
    at_hand_ = co_await from_->read(memory_->blocks(), input_block_bytes);
    co_return !at_hand_.empty();
}

asio::awaitable<bool> archive_input::gather(std::vector<std::byte>& target, std::size_t size)
{
    while (target.size() < size) {
        if (!co_await fill())
            co_return false;
        const bytes piece = take_at_hand(size - target.size());
        for (const slice& each : piece)
            target.insert(target.end(), each.begin(), each.end());
    }
    co_return true;
}

asio::awaitable<void> archive_input::skip(std::uint64_t& count)
{
    detail::fair_turns turns;
    while (count != 0) {
        if (places_ && count >= at_hand_.size() + least_jump)
            co_await jump(count);
        if (count == 0 || !co_await fill())
            co_return;
        count -= take_at_hand(static_cast<std::size_t>(std::min<std::uint64_t>(count, at_hand_.size()))).size();
        if (turns.is_over()) // a source that has its bytes at hand does not wait
            co_await turns.give_way();
    }
}

asio::awaitable<void> archive_input::jump(std::uint64_t& count)
{
    co_await from_->close();
    at_hand_.clear();
    const std::uint64_t size = places_->size();
    const std::uint64_t to = position_ + std::min(count, size - std::min(position_, size));
    from_ = places_->open(to, size - std::min(to, size));
    count -= to - position_;
    position_ = to;
}

asio::awaitable<bytes> archive_input::take(block_filler& target, reservation& memory, std::size_t max_bytes)
{
    if (memory_->blocks().free_blocks() != 0)
        co_return take_at_hand(max_bytes);
    const std::span<std::byte> room = co_await target.spare(memory);
    const bytes piece = take_at_hand(std::min(max_bytes, room.size()));
    piece.copy_to(room);
    bytes out;
    if (!piece.empty())
        out.append(target.commit(piece.size()));
    co_return out;
}

bytes archive_input::take_at_hand(std::size_t count)
{
    bytes out = at_hand_.take_front(std::min(count, at_hand_.size()));
    position_ += out.size();
    return out;
}

void archive_input::put_back(bytes unused)
{
    position_ -= unused.size();
    unused.append(std::move(at_hand_));
    at_hand_ = std::move(unused);
}

asio::awaitable<void> archive_input::close()
{
    at_hand_.clear();
    co_await from_->close();
    memory_.reset();
}

} // namespace weir::codecs
