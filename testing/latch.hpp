#pragma once
// A flag that poll(2) can wait for: once open it stays open.

#include <atomic>

namespace weir::testing::detail {

/// \par Thread-safety
/// All functions.
class latch {
public:
    /// \throws weir::error  no descriptors are left
    latch();
    latch(const latch&) = delete;
    latch& operator=(const latch&) = delete;
    ~latch();

    void open() noexcept;
    [[nodiscard]] bool is_open() const noexcept { return open_; }
    /// Readable once it is open.
    [[nodiscard]] int descriptor() const noexcept { return ends_[0]; }

private:
    std::atomic<bool> open_ = false;
    int ends_[2]; // of a pipe
};

} // namespace weir::testing::detail
