// Small files by linked operations, each file by a chain that needs no answer in between:
//
//   openat_direct(slot of the ring's file table) --link--> read --hard link--> close_direct
//
// The second link is hard, since every small file is a short read, which would break a soft one and leave the slot
// taken. What comes out in an odd way is read once more by plain calls, which know all cases.

#include "files/ring_setup.hpp"
#include "files/small_files.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include <fcntl.h>

namespace weir::detail {
namespace {

constexpr unsigned chains = 64;
constexpr unsigned entries = 256; // three a chain
enum stage : unsigned { opening, reading, closing, stages };

// Belongs to one thread, which alone submits and reaps.
class chain_ring {
public:
    chain_ring() noexcept;
    chain_ring(const chain_ring&) = delete;
    chain_ring& operator=(const chain_ring&) = delete;
    ~chain_ring();

    [[nodiscard]] int setup_result() const noexcept { return setup_result_; }

    void read(std::span<const std::size_t> which, std::span<const tree_entry> files, std::span<buffer> slots,
              std::span<small_file> results);

private:
    struct chain {
        std::size_t file = 0;
        unsigned left = 0; // completions that are still to come
        std::array<int, stages> results{};
    };

    void start(unsigned index, std::size_t file, const tree_entry& entry, buffer& slot) noexcept;
    template <class Finished>
    void reap(Finished finished);

    io_uring ring_{};
    int setup_result_;
    unsigned awaited_ = 0; // completions of all chains that are still to come
    std::array<chain, chains> chains_;
};

chain_ring::chain_ring() noexcept
    : setup_result_(make_ring(ring_, entries,
                              IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL
                                  | IORING_SETUP_CLAMP))
{
    if (setup_result_ < 0)
        return;
    setup_result_ = io_uring_register_files_sparse(&ring_, chains); // Linux 5.19
    if (setup_result_ == 0 && ring_.sq.ring_entries < stages * chains)
        setup_result_ = -ENOMEM; // locked memory is short: a chain must fit into one submission
    if (setup_result_ < 0)
        io_uring_queue_exit(&ring_);
}

chain_ring::~chain_ring()
{
    if (setup_result_ == 0)
        io_uring_queue_exit(&ring_);
}

void chain_ring::start(unsigned index, std::size_t file, const tree_entry& entry, buffer& slot) noexcept
{
    chains_[index] = {file, stages, {}};
    awaited_ += stages;
    const auto add = [&](stage which) {
        io_uring_sqe* added = io_uring_get_sqe(&ring_); // there is room: three entries for each chain
        return std::pair(added, std::uint64_t{index} * stages + which);
    };
    const auto [open, open_data] = add(opening);
    const int directory = entry.directory ? entry.directory->descriptor() : AT_FDCWD;
    // No O_CLOEXEC: what is in the ring's table is no descriptor, and the flag is refused.
    io_uring_prep_openat_direct(open, directory, entry.name(), O_RDONLY | O_NOCTTY, 0, index);
    open->flags |= IOSQE_IO_LINK;
    io_uring_sqe_set_data64(open, open_data);

    const auto [read, read_data] = add(reading);
    io_uring_prep_read(read, static_cast<int>(index), slot.spare().data(),
                       static_cast<unsigned>(slot.spare().size()), 0);
    read->flags |= IOSQE_FIXED_FILE | IOSQE_IO_HARDLINK;
    io_uring_sqe_set_data64(read, read_data);

    const auto [close, close_data] = add(closing);
    io_uring_prep_close_direct(close, index);
    io_uring_sqe_set_data64(close, close_data);
}

template <class Finished>
void chain_ring::reap(Finished finished)
{
    io_uring_cqe* done[stages * chains];
    const unsigned count = io_uring_peek_batch_cqe(&ring_, done, stages * chains);
    for (unsigned i = 0; i < count; ++i) {
        const auto index = static_cast<unsigned>(done[i]->user_data / stages);
        chains_[index].results[done[i]->user_data % stages] = done[i]->res;
        --awaited_;
        if (--chains_[index].left == 0)
            finished(index, chains_[index]);
    }
    io_uring_cq_advance(&ring_, count);
}

void chain_ring::read(std::span<const std::size_t> which, std::span<const tree_entry> files, std::span<buffer> slots,
                      std::span<small_file> results)
{
    std::array<unsigned, chains> free;
    std::size_t free_count = chains;
    for (unsigned i = 0; i < chains; ++i)
        free[i] = i;
    const auto finished = [&](unsigned index, const chain& ended) {
        free[free_count++] = index;
        const std::size_t i = ended.file;
        const int got = ended.results[reading];
        if (ended.results[opening] == 0 && got >= 0 && static_cast<std::size_t>(got) < slots[i].spare().size()) {
            slots[i].commit(static_cast<std::size_t>(got));
            results[i] = {};
            results[i].result = small_file::outcome::whole;
        } else {
            read_small_file(files[i], slots[i], results[i], true); // large, failed, or interrupted
        }
    };
    std::size_t next = 0;
    while (next < which.size() || free_count < chains) {
        while (next < which.size() && free_count > 0) {
            const std::size_t i = which[next++];
            start(free[--free_count], i, files[i], slots[i]);
        }
        // Half of what is still to come: the disk stays busy while that is worked on.
        io_uring_submit_and_wait(&ring_, std::max(awaited_ / 2, 1u));
        reap(finished);
    }
}

} // namespace

bool read_by_ring(std::span<const std::size_t> which, std::span<const tree_entry> files, std::span<buffer> slots,
                  std::span<small_file> results, std::string& reason)
{
    thread_local std::unique_ptr<chain_ring> ring; // no coroutine suspends while it is used
    if (!ring)
        ring = std::make_unique<chain_ring>();
    if (ring->setup_result() < 0) {
        reason = "io_uring: " + std::system_category().message(-ring->setup_result());
        return false;
    }
    ring->read(which, files, slots, results);
    return true;
}

} // namespace weir::detail
