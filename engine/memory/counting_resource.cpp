#include <weir/counting_resource.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <unordered_map>

namespace weir {

struct counting_resource::state {
    struct allocation {
        std::size_t bytes;
        const std::string* name; // null without a label
    };

    state(std::size_t most, std::pmr::memory_resource* from) : limit(most), upstream(from) {}

    const std::size_t limit;
    std::pmr::memory_resource* const upstream;
    mutable std::mutex mutex;
    std::set<std::string> names; // of labels, also of those that are gone
    std::unordered_map<void*, allocation> live;
    std::size_t current = 0;
    std::size_t peak = 0;
    std::uint64_t total = 0;
    std::uint64_t refused = 0;
};

counting_resource::counting_resource(std::size_t limit, std::pmr::memory_resource* upstream)
    : state_(std::make_unique<state>(limit, upstream))
{
}

counting_resource::~counting_resource() = default;

void* counting_resource::allocate_named(std::size_t bytes, std::size_t alignment, const std::string* name)
{
    std::lock_guard lock(state_->mutex);
    if (bytes > state_->limit - state_->current) {
        ++state_->refused;
        throw std::bad_alloc();
    }
    void* const memory = state_->upstream->allocate(bytes, alignment);
    try {
        state_->live.emplace(memory, state::allocation{bytes, name});
    }
    catch (...) {
        state_->upstream->deallocate(memory, bytes, alignment);
        throw;
    }
    state_->current += bytes;
    state_->peak = std::max(state_->peak, state_->current);
    ++state_->total;
    return memory;
}

void* counting_resource::do_allocate(std::size_t bytes, std::size_t alignment)
{
    return allocate_named(bytes, alignment, nullptr);
}

void counting_resource::do_deallocate(void* memory, std::size_t bytes, std::size_t alignment)
{
    std::lock_guard lock(state_->mutex);
    state_->live.erase(memory);
    state_->current -= bytes;
    state_->upstream->deallocate(memory, bytes, alignment);
}

std::size_t counting_resource::current_bytes() const
{
    std::lock_guard lock(state_->mutex);
    return state_->current;
}

std::size_t counting_resource::peak_bytes() const
{
    std::lock_guard lock(state_->mutex);
    return state_->peak;
}

std::size_t counting_resource::current_count() const
{
    std::lock_guard lock(state_->mutex);
    return state_->live.size();
}

std::uint64_t counting_resource::total_count() const
{
    std::lock_guard lock(state_->mutex);
    return state_->total;
}

std::uint64_t counting_resource::refused_count() const
{
    std::lock_guard lock(state_->mutex);
    return state_->refused;
}

std::vector<counting_resource::held> counting_resource::held_now() const
{
    std::map<std::string, held> by_name;
    {
        std::lock_guard lock(state_->mutex);
        for (const auto& [memory, each] : state_->live) {
            held& sum = by_name[each.name ? *each.name : std::string()];
            ++sum.count;
            sum.bytes += each.bytes;
        }
    }
    std::vector<held> out;
    for (auto& [name, sum] : by_name) {
        sum.name = name;
        out.push_back(std::move(sum));
    }
    std::stable_sort(out.begin(), out.end(), [](const held& a, const held& b) { return a.bytes > b.bytes; });
    return out;
}

std::string counting_resource::leak_report() const
{
    std::string out;
    for (const held& each : held_now())
        out += (each.name.empty() ? std::string("(no label)") : each.name) + ": " + std::to_string(each.bytes)
            + " bytes in " + std::to_string(each.count) + (each.count == 1 ? " allocation\n" : " allocations\n");
    return out;
}

counting_resource::label::label(counting_resource& counter, std::string_view name) : counter_(counter)
{
    std::lock_guard lock(counter.state_->mutex);
    name_ = &*counter.state_->names.emplace(name).first;
}

counting_resource::label::~label() = default;

void* counting_resource::label::do_allocate(std::size_t bytes, std::size_t alignment)
{
    return counter_.allocate_named(bytes, alignment, name_);
}

void counting_resource::label::do_deallocate(void* memory, std::size_t bytes, std::size_t alignment)
{
    counter_.deallocate(memory, bytes, alignment);
}

bool counting_resource::label::do_is_equal(const std::pmr::memory_resource& other) const noexcept
{
    const auto* const named = dynamic_cast<const label*>(&other);
    return named && &named->counter_ == &counter_;
}

} // namespace weir
