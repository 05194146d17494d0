#include "archives/zip_input.hpp"

#include <algorithm>
#include <utility>

namespace weir::codecs {

namespace asio = boost::asio;

asio::awaitable<std::span<const std::byte>> zip_input::peek(reservation& memory, std::size_t count)
{
    while (copied_.size() < count) {
        if (piece_.empty()) {
            piece_ = co_await from_->read(memory, memory.block_bytes());
            if (piece_.empty())
                break;
        }
        const std::span<const std::byte> front = piece_.begin()->span();
        if (copied_.empty() && front.size() >= count)
            co_return front.first(count);
        const std::size_t part = std::min(front.size(), count - copied_.size());
        copied_.insert(copied_.end(), front.begin(), front.begin() + static_cast<std::ptrdiff_t>(part));
        static_cast<void>(piece_.take_front(part));
    }
    co_return std::span<const std::byte>(copied_).first(std::min(count, copied_.size()));
}

void zip_input::consume(std::size_t count)
{
    position_ += count;
    const std::size_t part = std::min(count, copied_.size());
    copied_.erase(copied_.begin(), copied_.begin() + static_cast<std::ptrdiff_t>(part));
    if (count > part)
        static_cast<void>(piece_.take_front(count - part));
}

asio::awaitable<bytes> zip_input::take(reservation& memory, std::size_t max_bytes)
{
    if (!copied_.empty()) { // only where a look ahead was longer than what came of it
        const auto rest = std::make_shared<const std::vector<std::byte>>(std::exchange(copied_, {}));
        bytes out(slice::adopt(*rest, rest));
        out.append(std::move(piece_));
        piece_ = std::move(out);
    }
    if (piece_.empty())
        piece_ = co_await from_->read(memory, max_bytes);
    bytes out = piece_.take_front(std::min(piece_.size(), max_bytes));
    position_ += out.size();
    co_return out;
}

asio::awaitable<void> zip_input::close()
{
    copied_.clear();
    piece_.clear();
    co_await from_->close();
}

} // namespace weir::codecs
