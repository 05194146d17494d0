#pragma once
// Where a sparse file has data, found out as reading comes there.

#include <cstdint>

namespace weir::detail {

class hole_finder {
public:
    /// Without a descriptor, or with a file that is not sparse, everything is data.
    void start(int descriptor) noexcept { descriptor_ = descriptor; }

    /// How many bytes from `position` on, not beyond `end`, are zeros that need not be read; 0 where data is.
    [[nodiscard]] std::uint64_t hole_at(std::uint64_t position, std::uint64_t end) noexcept;
    /// Where the data that `position` lies in ends; `end` if that is not known. Only after `hole_at` gave 0.
    [[nodiscard]] std::uint64_t data_end(std::uint64_t end) const noexcept;

private:
    int descriptor_ = -1;
    std::uint64_t hole_begin_ = 0; // the last hole that was found
    std::uint64_t hole_end_ = 0;
    std::uint64_t data_end_ = 0;   // before here nothing else is looked for
};

} // namespace weir::detail
