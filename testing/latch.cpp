#include "latch.hpp"

#include <weir/error.hpp>

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace weir::testing::detail {

latch::latch()
{
    if (::pipe2(ends_, O_CLOEXEC | O_NONBLOCK) != 0)
        throw_system_error(errno, "make a pipe");
}

latch::~latch()
{
    ::close(ends_[0]);
    ::close(ends_[1]);
}

void latch::open() noexcept
{
    if (open_.exchange(true))
        return;
    // What is written is never read. The pipe has room for the one byte.
    [[maybe_unused]] const ssize_t written = ::write(ends_[1], "", 1);
}

} // namespace weir::testing::detail
