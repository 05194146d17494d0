#include <weir/memory_source.hpp>

#include <weir/error.hpp>

#include <algorithm>
#include <utility>

namespace weir {
namespace {

slice keep(std::string text)
{
    const auto owner = std::make_shared<const std::string>(std::move(text));
    return slice::adopt(std::as_bytes(std::span(*owner)), owner);
}

} // namespace

memory_source::memory_source(std::span<const std::byte> memory, std::shared_ptr<const void> owner, std::string name)
    : memory_source(slice::adopt(memory, std::move(owner)), std::move(name))
{}

memory_source::memory_source(slice memory, std::string name)
    : rest_(std::move(memory)), size_(rest_.size()), name_(std::move(name))
{}

memory_source::memory_source(std::string text, std::string name)
    : memory_source(keep(std::move(text)), std::move(name))
{}

boost::asio::awaitable<bytes> memory_source::read(reservation&, std::size_t max_bytes)
{
    if (closed_)
        throw error(errc::closed, "read", name_, size_ - rest_.size());
    const std::size_t count = std::min(max_bytes, rest_.size());
    bytes next(rest_.subslice(0, count));
    rest_.remove_prefix(count);
    co_return next;
}

std::optional<std::uint64_t> memory_source::size() const noexcept { return size_; }

std::string_view memory_source::name() const noexcept { return name_; }

boost::asio::awaitable<void> memory_source::close()
{
    closed_ = true;
    rest_ = slice();
    co_return;
}

} // namespace weir
