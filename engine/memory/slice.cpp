#include <weir/slice.hpp>

namespace weir {
namespace {

/// A block whose memory somebody else owns.
struct adopted_block final : detail::block {
    std::shared_ptr<const void> owner;

    static void release(detail::block* target) noexcept { delete static_cast<adopted_block*>(target); }
};

} // namespace

slice slice::adopt(std::span<const std::byte> memory, std::shared_ptr<const void> owner)
{
    if (!owner)
        return slice(memory, {});
    auto control = std::make_unique<adopted_block>();
    control->capacity = memory.size();
    control->recycle = &adopted_block::release;
    control->owner = std::move(owner);
    return slice(memory, detail::block_reference::first(*control.release()));
}

} // namespace weir
