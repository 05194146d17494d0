#include "poll.hpp"

#include <weir/error.hpp>

#include <array>
#include <cassert>
#include <cerrno>
#include <poll.h>

namespace weir::testing::detail {
namespace {

using std::chrono::steady_clock;

timespec left(steady_clock::time_point until)
{
    const auto time = std::max(until - steady_clock::now(), steady_clock::duration::zero());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    return {static_cast<std::time_t>(seconds.count()),
            static_cast<long>(std::chrono::nanoseconds(time - seconds).count())};
}

} // namespace

short poll_for(int descriptor, short events, std::initializer_list<const latch*> latches,
               std::optional<steady_clock::time_point> until)
{
    std::array<pollfd, 4> watched{{{descriptor, events, 0}}};
    std::size_t count = 1;
    for (const latch* one : latches) {
        assert(count < watched.size());
        watched[count++] = {one->descriptor(), POLLIN, 0};
    }
    for (;;) {
        timespec time{};
        if (until)
            time = left(*until);
        if (::ppoll(watched.data(), count, until ? &time : nullptr, nullptr) >= 0)
            return watched[0].revents;
        if (errno != EINTR)
            throw_system_error(errno, "poll");
    }
}

} // namespace weir::testing::detail
