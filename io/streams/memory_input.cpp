#include <weir/memory_input.hpp>

#include <weir/memory_source.hpp>

#include <cassert>
#include <utility>

namespace weir {

memory_input::memory_input(std::span<const std::byte> memory, std::shared_ptr<const void> owner, std::string name)
    : memory_(slice::adopt(memory, std::move(owner))), name_(std::move(name))
{}

std::unique_ptr<source> memory_input::open(std::uint64_t offset, std::uint64_t length)
{
    assert(offset <= memory_.size() && length <= memory_.size() - offset);
    return std::make_unique<memory_source>(
        memory_.subslice(static_cast<std::size_t>(offset), static_cast<std::size_t>(length)), name_);
}

} // namespace weir
