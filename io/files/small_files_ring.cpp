// Small files by linked operations, each file by a chain that needs no answer in between:
//
//   openat2_direct(slot of the ring's file table) --link--> read --hard link--> close_direct
//
// A short read is the end of the file, by what its directory's file system is. What is on another mount, by a link that
// is followed or by itself, may be elsewhere (/proc, FUSE): it is not opened here.
// The second link is hard, since every small file is a short read, which would break a soft one and leave the slot
// taken. What comes out in an odd way is read once more by plain calls, which know all cases. A read may also never come
// out: a FIFO took the file's place, and the ring waits for its writer, O_NONBLOCK or not. It is cancelled.

#include "files/fault_injection.hpp"
#include "files/read_service.hpp"
#include "files/ring_setup.hpp"
#include "files/small_files.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <unistd.h>

namespace weir::detail {
namespace {

constexpr unsigned chains = 64;
constexpr unsigned chain_entries = 256; // three a chain
enum chain_stage : unsigned { chain_opening, chain_reading, chain_closing, chain_stages };
constexpr std::uint64_t cancelling = std::uint64_t{chains} * chain_stages; // as user data: of no chain
constexpr __kernel_timespec patience{1, 0};                           // without any completion

// What one call is to read.
struct chain_batch {
    std::span<const std::size_t> which;
    std::span<const tree_entry> files;
    std::span<buffer> slots;
    std::span<small_file> results;

    void read_plainly(std::size_t i) { read_small_file(files[i], slots[i], results[i]); }
};

// Belongs to one thread, which alone submits and reaps, and to one process: after a fork the child drops it untouched.
class chain_ring {
public:
    chain_ring() noexcept;
    chain_ring(const chain_ring&) = delete;
    chain_ring& operator=(const chain_ring&) = delete;
    ~chain_ring();

    /// Negative where there is no ring, or none any more.
    [[nodiscard]] int setup_result() const noexcept { return setup_result_; }
    [[nodiscard]] bool is_of_this_process() const noexcept { return process_ == ::getpid(); }

    /// Reads all of the batch, without the ring if that takes nothing any more.
    void read(chain_batch batch);

private:
    struct chain {
        std::size_t file = 0;
        unsigned left = 0; // completions that are still to come
        std::array<int, chain_stages> results{};
        open_how how{};    // read by the kernel when it takes the entry
    };

    void start(unsigned index, std::size_t file, const tree_entry& entry, buffer& slot) noexcept;
    [[nodiscard]] int submit_and_wait(unsigned count) noexcept;
    void cancel_all() noexcept;
    [[nodiscard]] unsigned lent() const noexcept { return awaited_ - io_uring_sq_ready(&ring_); }
    unsigned reap(chain_batch& batch);
    static void finish(const chain& ended, chain_batch& batch);
    void give_up(int failure, chain_batch& batch);

    io_uring ring_{};
    pid_t process_ = ::getpid();
    int setup_result_;
    unsigned awaited_ = 0; // completions of all chains that are still to come
    std::array<chain, chains> chains_;
    std::array<unsigned, chains> free_{};
    std::size_t free_count_ = 0;
};

chain_ring::chain_ring() noexcept
    : setup_result_(make_ring(ring_, chain_entries,
                              IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL
                                  | IORING_SETUP_CLAMP))
{
    if (setup_result_ < 0)
        return;
    setup_result_ = io_uring_register_files_sparse(&ring_, chains); // Linux 5.19
    if (setup_result_ == 0 && ring_.sq.ring_entries < chain_stages * chains)
        setup_result_ = -ENOMEM; // locked memory is short: a chain must fit into one submission
    if (setup_result_ < 0) {
        io_uring_queue_exit(&ring_);
        return;
    }
    io_uring_ring_dontfork(&ring_); // a child that touches the ring of its parent would break both
    while (free_count_ < chains) {
        free_[free_count_] = static_cast<unsigned>(free_count_);
        ++free_count_;
    }
}

chain_ring::~chain_ring()
{
    if (setup_result_ < 0)
        return;
    if (is_of_this_process())
        io_uring_queue_exit(&ring_);
    else
        ::close(ring_.ring_fd); // it stays the parent's; its memory is not even mapped here
}

void chain_ring::start(unsigned index, std::size_t file, const tree_entry& entry, buffer& slot) noexcept
{
    chain& mine = chains_[index] = {file, chain_stages, {}, {}};
    awaited_ += chain_stages;
    const auto add = [&](chain_stage which) {
        io_uring_sqe* added = io_uring_get_sqe(&ring_); // there is room: three entries for each chain
        return std::pair(added, std::uint64_t{index} * chain_stages + which);
    };
    const auto [open, open_data] = add(chain_opening);
    const int directory = entry.directory ? entry.directory->descriptor() : AT_FDCWD;
    // No O_CLOEXEC: what is in the ring's table is no descriptor, and the flag is refused.
    mine.how.flags = static_cast<std::uint64_t>(O_RDONLY | O_NOCTTY | O_NONBLOCK | (entry.follow_link ? 0 : O_NOFOLLOW));
    mine.how.resolve = RESOLVE_NO_XDEV;
    io_uring_prep_openat2_direct(open, directory, entry.name(), &mine.how, index);
    open->flags |= IOSQE_IO_LINK;
    io_uring_sqe_set_data64(open, open_data);

    const auto [read, read_data] = add(chain_reading);
    io_uring_prep_read(read, static_cast<int>(index), slot.spare().data(), static_cast<unsigned>(slot.spare().size()),
                       0);
    read->flags |= IOSQE_FIXED_FILE | IOSQE_IO_HARDLINK;
    io_uring_sqe_set_data64(read, read_data);

    const auto [close, close_data] = add(chain_closing);
    io_uring_prep_close_direct(close, index);
    io_uring_sqe_set_data64(close, close_data);
}

int chain_ring::submit_and_wait(unsigned count) noexcept
{
    const auto fault = injected_submission();
    io_uring_cqe* first = nullptr;
    __kernel_timespec limit = patience;
    const int submitted = fault ? *fault : io_uring_submit_and_wait_timeout(&ring_, &first, count, &limit, nullptr);
    if (submitted < 0 && submitted != -ETIME && lent() > 0) { // it takes nothing now: what it has must come back first
        io_uring_cqe* done = nullptr;
        io_uring_wait_cqe_timeout(&ring_, &done, &limit);
    }
    return submitted == -ETIME ? 0 : submitted;
}

// What waits for a disk is not cancelled by this, or is read by plain calls.
void chain_ring::cancel_all() noexcept
{
    io_uring_sqe* const cancel = io_uring_get_sqe(&ring_);
    if (!cancel)
        return; // the entries before it were not taken yet
    io_uring_prep_cancel64(cancel, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    io_uring_sqe_set_data64(cancel, cancelling);
    ++awaited_;
}

void chain_ring::finish(const chain& ended, chain_batch& batch)
{
    buffer& slot = batch.slots[ended.file];
    const bool read_well = ended.results[chain_opening] == 0 && ended.results[chain_reading] > 0;
    const auto got = static_cast<std::size_t>(read_well ? ended.results[chain_reading] : 0);
    if (read_well && got < slot.spare().size() && may_be_the_end(got)) {
        slot.commit(got);
        batch.results[ended.file] = {};
        batch.results[ended.file].result = small_file::outcome::whole;
    }
    else {
        batch.read_plainly(ended.file); // empty, large, failed, interrupted, cancelled, elsewhere, or perhaps not all
    }
}

// How many completions there were.
unsigned chain_ring::reap(chain_batch& batch)
{
    io_uring_cqe* done[chain_stages * chains];
    const unsigned count = io_uring_peek_batch_cqe(&ring_, done, chain_stages * chains);
    for (unsigned i = 0; i < count; ++i) {
        --awaited_;
        if (done[i]->user_data == cancelling)
            continue;
        const auto index = static_cast<unsigned>(done[i]->user_data / chain_stages);
        const auto which = static_cast<unsigned>(done[i]->user_data % chain_stages);
        chains_[index].results[which] = injected_chain_result(which, done[i]->res);
        if (--chains_[index].left == 0) {
            free_[free_count_++] = index;
            finish(chains_[index], batch);
        }
    }
    io_uring_cq_advance(&ring_, count);
    return count;
}

// Only when nothing is lent to the kernel: it would write into slots that others have by then.
void chain_ring::give_up(int failure, chain_batch& batch)
{
    io_uring_queue_exit(&ring_);
    setup_result_ = failure;
    for (const chain& each : chains_)
        if (each.left > 0)
            batch.read_plainly(each.file);
    for (const std::size_t i : batch.which)
        batch.read_plainly(i);
}

void chain_ring::read(chain_batch batch)
{
    unsigned failures = 0; // in a row, without a completion
    while (!batch.which.empty() || awaited_ > 0) {
        for (; !batch.which.empty() && free_count_ > 0; batch.which = batch.which.subspan(1)) {
            const std::size_t i = batch.which.front();
            start(free_[--free_count_], i, batch.files[i], batch.slots[i]);
        }
        // Half of what is still to come: the disk stays busy while that is worked on.
        const int submitted = submit_and_wait(std::max(awaited_ / 2, 1u));
        const bool completed = reap(batch) > 0;
        if (submitted >= 0 && !completed)
            cancel_all();
        if (submitted >= 0 || completed)
            failures = 0;
        else if (++failures > max_retries && lent() == 0)
            return give_up(submitted, batch);
    }
}

} // namespace

bool read_by_ring(std::span<const std::size_t> which, std::span<const tree_entry> files, std::span<buffer> slots,
                  std::span<small_file> results, std::string& reason)
{
    thread_local std::unique_ptr<chain_ring> ring; // no coroutine suspends while it is used
    if (!ring || !ring->is_of_this_process()) {
        ring.reset();
        ring = std::make_unique<chain_ring>();
    }
    if (ring->setup_result() < 0) {
        reason = "io_uring: " + std::system_category().message(-ring->setup_result());
        return false;
    }
    ring->read({which, files, slots, results});
    return true;
}

} // namespace weir::detail
