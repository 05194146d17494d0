#include "streams/peeked_source.hpp"

#include "streams/coding_memory.hpp"

#include <weir/codec.hpp>

#include <algorithm>
#include <utility>

namespace weir::codecs {

namespace asio = boost::asio;

namespace {

// Of blocks: what nearly all looks want, and what long ones read at a time.
constexpr std::size_t short_look = 512;
constexpr std::size_t long_step = std::size_t{64} << 10;

} // namespace

asio::awaitable<std::span<const std::byte>> peeked_source::look(std::size_t count)
{
    if (seen_.size() < count && !ended_) {
        // Its own: an input may give a block for every byte, and those of others are not to be waited for.
        coding_memory memory(own_blocks{2, count <= short_look ? short_look : long_step});
        while (seen_.size() < count) {
            const bytes piece = co_await input_->read(memory.blocks(), std::min(count - seen_.size(), long_step));
            ended_ = piece.empty();
            if (ended_)
                break;
            for (const slice& each : piece)
                seen_.insert(seen_.end(), each.begin(), each.end());
        }
    }
    co_return std::span<const std::byte>(seen_).first(std::min(count, seen_.size()));
}

asio::awaitable<bytes> peeked_source::read(reservation& memory, std::size_t max_bytes)
{
    if (!seen_.empty()) {
        const auto kept = std::make_shared<const std::vector<std::byte>>(std::exchange(seen_, {}));
        unread_ = bytes(slice::adopt(*kept, kept));
    }
    if (unread_.empty())
        return input_->read(memory, max_bytes);
    return read_seen(max_bytes);
}

asio::awaitable<bytes> peeked_source::read_seen(std::size_t max_bytes)
{
    bytes out = unread_.take_front(std::min(unread_.size(), max_bytes));
    co_return out;
}

asio::awaitable<std::span<const std::byte>> look_for_codec(peeked_source& input)
{
    for (std::size_t wanted = codec_magic_bytes;;) {
        const std::span<const std::byte> start = co_await input.look(wanted);
        const std::size_t next = bytes_to_detect_codec(start);
        if (start.size() < wanted || next <= start.size())
            co_return start;
        wanted = next;
    }
}

asio::awaitable<void> peeked_source::close()
{
    seen_.clear();
    unread_.clear();
    return input_->close();
}

} // namespace weir::codecs
