#pragma once
// An engine's own part in a clean-up of its registry, before and after that of its flows.

#include <weir/buffer_pool.hpp>
#include <weir/registry.hpp>

#include <atomic>
#include <memory>
#include <utility>

namespace weir::detail {

/// Whether the engine takes new work. Closed before any flow is stopped: one that is registered too late for that
/// finds it closed.
class intake final : public cleanable {
public:
    [[nodiscard]] bool open() const noexcept { return open_; }
    bool release_now() noexcept override { return force_release(); }
    bool force_release() noexcept override
    {
        open_ = false;
        return true;
    }

private:
    std::atomic<bool> open_{true};
};

/// Gives the memory of idle blocks back to the system.
class pool_trimmer final : public cleanable {
public:
    explicit pool_trimmer(std::weak_ptr<buffer_pool> pool) noexcept : pool_(std::move(pool)) {}
    bool release_now() noexcept override { return force_release(); }
    bool force_release() noexcept override
    {
        if (const auto pool = pool_.lock())
            pool->shrink();
        return true;
    }

private:
    std::weak_ptr<buffer_pool> pool_;
};

} // namespace weir::detail
