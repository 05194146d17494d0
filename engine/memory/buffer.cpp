#include <weir/buffer.hpp>
#include <weir/error.hpp>

#include <atomic>
#include <memory>
#include <string>

namespace weir {
namespace {

struct slot_group;

struct slot final : detail::block {
    slot_group* group = nullptr;
};

/// The slots of one block, and the share in it that they have together.
struct slot_group {
    slot_group(detail::block_reference whole_block, std::size_t count, std::size_t slot_bytes)
        : whole(std::move(whole_block)), slots(std::make_unique<slot[]>(count)), live(count)
    {
        for (std::size_t i = 0; i < count; ++i) {
            slots[i].data = whole->data + i * slot_bytes;
            slots[i].capacity = slot_bytes;
            slots[i].recycle = &slot_group::release;
            slots[i].group = this;
        }
    }

    static void release(detail::block* target) noexcept
    {
        slot_group* group = static_cast<slot*>(target)->group;
        if (group->live.fetch_sub(1, std::memory_order_acq_rel) == 1)
            delete group;
    }

    detail::block_reference whole;
    std::unique_ptr<slot[]> slots;
    std::atomic<std::size_t> live;
};

} // namespace

void buffer::resize(std::size_t size)
{
    if (size > capacity())
        throw error(errc::invalid_size, "resize", "buffer", std::nullopt,
                    std::to_string(size) + " bytes asked, the capacity is " + std::to_string(capacity()));
    size_ = size;
}

std::vector<buffer> split(buffer whole, std::size_t slot_bytes)
{
    if (slot_bytes == 0 || slot_bytes > whole.capacity())
        throw error(errc::invalid_size, "split", "buffer", std::nullopt,
                    "slots of " + std::to_string(slot_bytes) + " bytes, the capacity is "
                        + std::to_string(whole.capacity()));
    const std::size_t count = whole.capacity() / slot_bytes;
    std::vector<buffer> out;
    out.reserve(count);
    auto group = std::make_unique<slot_group>(std::move(whole).release(), count, slot_bytes);
    for (std::size_t i = 0; i < count; ++i)
        out.emplace_back(detail::block_reference::first(group->slots[i]));
    (void)group.release(); // owned by its slots now
    return out;
}

} // namespace weir
