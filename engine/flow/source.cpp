#include <weir/source.hpp>

#include <boost/asio/use_awaitable.hpp>

#include <cassert>

namespace weir {

namespace asio = boost::asio;

source::~source() = default;

std::optional<std::uint64_t> source::size() const noexcept { return std::nullopt; }
std::size_t source::read_ahead_blocks() const noexcept { return 0; }
std::string_view source::name() const noexcept { return {}; }
asio::awaitable<void> source::close() { co_return; }

asio::awaitable<std::span<std::byte>> block_filler::spare(reservation& memory)
{
    std::span<std::byte> rest = try_spare(memory);
    if (rest.empty()) {
        current_ = co_await memory.async_take(asio::use_awaitable);
        rest = current_.spare();
    }
    co_return rest;
}

std::span<std::byte> block_filler::try_spare(reservation& memory)
{
    if (current_ && !current_.spare().empty())
        return current_.spare();
    // Give the full block up first: it may be the one that the next is waiting for.
    current_ = buffer();
    if (std::optional<buffer> next = memory.try_take())
        current_ = std::move(*next);
    return current_ ? current_.spare() : std::span<std::byte>();
}

slice block_filler::commit(std::size_t count)
{
    assert(count > 0);
    const std::size_t start = current_.size();
    current_.commit(count);
    return current_.freeze(start, count);
}

void block_filler::reset() noexcept { current_ = buffer(); }

} // namespace weir
