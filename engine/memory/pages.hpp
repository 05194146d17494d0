#pragma once
// Memory straight from the system, in whole pages that can be given back one by one.

#include <cstddef>
#include <span>

namespace weir::detail {

/// The system's page size.
[[nodiscard]] std::size_t page_bytes() noexcept;

[[nodiscard]] constexpr std::size_t round_up(std::size_t value, std::size_t multiple) noexcept
{
    return (value + multiple - 1) / multiple * multiple;
}

/// Mapped anonymous memory. Move-only; empty when the system refused.
class page_region {
public:
    enum class pages { small, huge };

    page_region() noexcept = default;
    /// Maps `size` bytes (rounded up to whole pages), at a multiple of `alignment`, a power of two. Small pages
    /// are asked for expressly: a system that always makes huge ones would charge 2 MiB for the first byte.
    page_region(std::size_t size, std::size_t alignment, pages kind) noexcept;
    page_region(page_region&& other) noexcept;
    page_region& operator=(page_region&& other) noexcept;
    ~page_region();

    explicit operator bool() const noexcept { return data_ != nullptr; }
    [[nodiscard]] std::byte* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Gives the memory of all pages that lie wholly in [offset, offset + count) back; they read as zeros next.
    void give_back(std::size_t offset, std::size_t count) noexcept;

private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace weir::detail
