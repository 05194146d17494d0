#include "files/ring_setup.hpp"

#include "files/fault_injection.hpp"

#include <cerrno>
#include <chrono>
#include <thread>

namespace weir::detail {
namespace {

// Newest first; those in one group depend on each other.
constexpr unsigned flag_groups[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, // Linux 6.1
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,   // 5.19
    IORING_SETUP_SUBMIT_ALL,                                 // 5.18
    IORING_SETUP_CLAMP,                                      // 5.6
};

int init(io_uring& ring, unsigned entries, unsigned flags) noexcept
{
    if (const auto fault = injected_setup())
        return *fault;
    return io_uring_queue_init(entries, &ring, flags);
}

int init_with_known_flags(io_uring& ring, unsigned entries, unsigned flags) noexcept
{
    int result = init(ring, entries, flags);
    for (const unsigned group : flag_groups) {
        if (result != -EINVAL)
            break;
        if ((flags & group) == 0)
            continue;
        flags &= ~group;
        result = init(ring, entries, flags);
    }
    return result;
}

// A sandbox may allow the setup and forbid the rest.
int try_out(io_uring& ring) noexcept
{
    if ((ring.features & IORING_FEAT_NODROP) == 0 || (ring.features & IORING_FEAT_FAST_POLL) == 0)
        return -ENOSYS; // before Linux 5.7
    io_uring_prep_nop(io_uring_get_sqe(&ring));
    if (const int submitted = io_uring_submit_and_wait(&ring, 1); submitted < 0 && submitted != -EINTR)
        return submitted;
    io_uring_cqe* done = nullptr;
    int waited;
    do
        waited = io_uring_wait_cqe(&ring, &done);
    while (waited == -EINTR);
    if (waited == 0)
        io_uring_cqe_seen(&ring, done);
    return waited;
}

} // namespace

int make_ring(io_uring& ring, unsigned entries, unsigned wanted) noexcept
{
    constexpr unsigned fewest = 32;
    int result = init_with_known_flags(ring, entries, wanted);
    // The charge for locked memory of rings that were just closed comes back some milliseconds late.
    for (bool again = true; result == -ENOMEM && entries >= fewest; again = !again) {
        if (again)
            std::this_thread::sleep_for(std::chrono::milliseconds(4));
        else
            entries /= 2;
        result = init_with_known_flags(ring, entries, wanted);
    }
    if (result < 0)
        return result;
    result = try_out(ring);
    if (result < 0)
        io_uring_queue_exit(&ring);
    return result;
}

} // namespace weir::detail
