#include "files/hole_finder.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/types.h>
#include <unistd.h>

namespace weir::detail {

#if defined(SEEK_DATA) && defined(SEEK_HOLE)

namespace {

// Then the file is asked again: meanwhile it may have been written to, or have become shorter.
constexpr std::uint64_t most_hole_bytes = std::uint64_t{64} << 20;

std::uint64_t size_of(int descriptor) noexcept
{
    const off_t end = ::lseek(descriptor, 0, SEEK_END);
    return end < 0 ? 0 : static_cast<std::uint64_t>(end);
}

} // namespace

std::uint64_t hole_finder::hole_at(std::uint64_t position, std::uint64_t end) noexcept
{
    if (descriptor_ < 0 || position < data_end_ || position >= end)
        return 0;
    if (position < hole_begin_ || position >= hole_end_) {
        const off_t data = ::lseek(descriptor_, static_cast<off_t>(position), SEEK_DATA);
        const bool only_hole_left = data < 0 && errno == ENXIO && size_of(descriptor_) >= end;
        if (data < 0 && !only_hole_left) {
            descriptor_ = -1; // unknown to the file system, or truncated: reading will tell
            return 0;
        }
        hole_begin_ = position;
        hole_end_ = std::min(data < 0 ? end : static_cast<std::uint64_t>(data), position + most_hole_bytes);
    }
    if (position < hole_end_)
        return std::min(hole_end_, end) - position;
    const off_t hole = ::lseek(descriptor_, static_cast<off_t>(position), SEEK_HOLE);
    // Where a hole begins is data all the same if it was punched just now.
    data_end_ = hole < 0 ? end : std::max(static_cast<std::uint64_t>(hole), position + 1);
    return 0;
}

#else

std::uint64_t hole_finder::hole_at(std::uint64_t, std::uint64_t) noexcept { return 0; }

#endif

std::uint64_t hole_finder::data_end(std::uint64_t end) const noexcept
{
    return descriptor_ < 0 || data_end_ == 0 ? end : std::min(data_end_, end);
}

} // namespace weir::detail
