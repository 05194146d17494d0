#pragma once
// Where tests answer instead of the operating system. Without a test it is one relaxed load a call.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace weir::detail {

class fault_injector {
public:
    /// Instead of setting up a ring: a negative error number.
    virtual std::optional<int> on_setup() { return std::nullopt; }
    /// Instead of reading: bytes to read at most (a short read; 0 is the end), or a negative error number.
    virtual std::optional<long> on_read(int descriptor, std::uint64_t offset, std::size_t size)
    {
        (void)descriptor, (void)offset, (void)size;
        return std::nullopt;
    }

protected:
    ~fault_injector() = default;
};

inline std::atomic<fault_injector*> installed_faults = nullptr;

/// For the life of a test case.
class scoped_faults {
public:
    explicit scoped_faults(fault_injector& faults) { installed_faults.store(&faults); }
    scoped_faults(const scoped_faults&) = delete;
    scoped_faults& operator=(const scoped_faults&) = delete;
    ~scoped_faults() { installed_faults.store(nullptr); }
};

inline std::optional<long> injected_read(int descriptor, std::uint64_t offset, std::size_t size)
{
    fault_injector* faults = installed_faults.load(std::memory_order_relaxed);
    return faults ? faults->on_read(descriptor, offset, size) : std::nullopt;
}

inline std::optional<int> injected_setup()
{
    fault_injector* faults = installed_faults.load(std::memory_order_relaxed);
    return faults ? faults->on_setup() : std::nullopt;
}

} // namespace weir::detail
