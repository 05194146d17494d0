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

    /// Instead of handing linked chains to a ring: a negative error number.
    virtual std::optional<int> on_submit() { return std::nullopt; }
    /// Whether there is no memory for a turn of the ring.
    virtual bool on_turn() { return false; }
    /// What a step of a linked chain (0: open, 1: read, 2: close) came to, in place of what it did come to.
    virtual int on_chain_result(unsigned step, int result)
    {
        (void)step;
        return result;
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

inline bool injected_lack_of_memory()
{
    fault_injector* faults = installed_faults.load(std::memory_order_relaxed);
    return faults && faults->on_turn();
}

inline std::optional<int> injected_submission()
{
    fault_injector* faults = installed_faults.load(std::memory_order_relaxed);
    return faults ? faults->on_submit() : std::nullopt;
}

inline int injected_chain_result(unsigned step, int result)
{
    fault_injector* faults = installed_faults.load(std::memory_order_relaxed);
    return faults ? faults->on_chain_result(step, result) : result;
}

} // namespace weir::detail
