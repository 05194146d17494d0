#include "files/hole_finder.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/types.h>
#include <unistd.h>

namespace weir::detail {

#if defined(SEEK_DATA) && defined(SEEK_HOLE)

namespace {

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
        hole_end_ = data < 0 ? end : static_cast<std::uint64_t>(data);
    }
    if (position < hole_end_)
        return std::min(hole_end_, end) - position;
    const off_t hole = ::lseek(descriptor_, static_cast<off_t>(position), SEEK_HOLE);
    data_end_ = hole < 0 ? end : static_cast<std::uint64_t>(hole);
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
