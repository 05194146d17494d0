#include "files/small_files.hpp"

#include "files/fault_injection.hpp"
#include "files/read_service.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <vector>

#include <unistd.h>

#if defined(__linux__)
#    include <linux/magic.h>
#    include <sys/vfs.h>
#endif

namespace weir {
namespace detail {
namespace {

long read_some(int descriptor, std::span<std::byte> memory, std::uint64_t offset) noexcept
{
    if (const auto fault = injected_read(descriptor, offset, memory.size())) {
        if (*fault <= 0)
            return *fault;
        memory = memory.first(std::min(memory.size(), static_cast<std::size_t>(*fault)));
    }
    const auto got = ::read(descriptor, memory.data(), memory.size());
    return got < 0 ? -errno : static_cast<long>(got);
}

// Elsewhere (/proc, FUSE, network) only a read that gives nothing is the end. Of a directory this says what is true of
// the files in it that are on the same mount.
bool gives_short_reads_at_the_end_only([[maybe_unused]] int descriptor) noexcept
{
#if defined(__linux__)
    constexpr unsigned long xfs = 0x58465342; // in no public header before Linux 6.1
    struct statfs found;
    if (::fstatfs(descriptor, &found) != 0)
        return false;
    const auto type = static_cast<unsigned long>(found.f_type);
    return type == EXT4_SUPER_MAGIC || type == xfs || type == BTRFS_SUPER_MAGIC || type == TMPFS_MAGIC
        || type == OVERLAYFS_SUPER_MAGIC;
#else
    return false;
#endif
}

// Some files that call themselves regular have the reader wait, and give what they have once (/proc/kmsg, trace_pipe). Where
// one was named, a source waits for it.
bool may_be_a_stream(const file_handle& opened) noexcept
{
    std::error_code failure;
    const file_info seen = opened.info(failure);
    return seen.type == file_type::regular && seen.size == 0 && !gives_short_reads_at_the_end_only(opened.descriptor());
}

bool is_regular(const file_handle& file) noexcept
{
    std::error_code failure;
    return file.info(failure).type == file_type::regular;
}

/// What the walk took for a regular file and is none: left out in a tree; an argument is streamed.
void take_irregular(const tree_entry& file, file_handle opened, small_file& result)
{
    result.result = file.directory ? small_file::outcome::skipped : small_file::outcome::large;
    if (!file.directory)
        result.file = std::move(opened);
}

} // namespace

bool was_swapped(const tree_entry& file, const std::error_code& failure) noexcept
{
    const bool is_link = !file.follow_link && failure == std::errc::too_many_symbolic_link_levels;
    const bool is_socket = failure == std::errc::no_such_device_or_address;
    return file.directory && (is_link || is_socket);
}

void read_small_file(const tree_entry& file, buffer& slot, small_file& result)
{
    result = {};
    file_handle opened = file.open(open_flags::none, result.error);
    if (was_swapped(file, result.error)) {
        result.error.clear();
        result.result = small_file::outcome::skipped;
    }
    if (!opened)
        return;
    if (!file.directory && may_be_a_stream(opened))
        return take_irregular(file, std::move(opened), result);
    unsigned retries = 0;
    while (!slot.spare().empty()) {
        const long got = read_some(opened.descriptor(), slot.spare(), slot.size());
        if (is_passing_failure(got) && retries++ < max_retries)
            continue;
        // A FIFO gives nothing, or has the reader wait.
        if ((got == -EAGAIN || (got == 0 && slot.size() == 0)) && !is_regular(opened)) {
            slot.clear();
            return take_irregular(file, std::move(opened), result);
        }
        if (got < 0) {
            slot.clear();
            result.error = std::error_code(static_cast<int>(-got), std::system_category());
            result.file = std::move(opened);
            return;
        }
        if (got == 0) {
            result.result = small_file::outcome::whole;
            return;
        }
        slot.commit(static_cast<std::size_t>(got));
    }
    slot.clear();
    result.result = small_file::outcome::large;
    result.file = std::move(opened);
}

} // namespace detail

void read_small_files(std::span<const tree_entry> files, std::span<buffer> slots, std::span<small_file> results,
                      backend how)
{
    assert(files.size() == slots.size() && files.size() == results.size());
    std::vector<std::size_t> by_ring;
    const file_handle* directory = nullptr;
    bool short_is_end = false;
    for (std::size_t i = 0; i < files.size(); ++i) {
        if (files[i].directory.get() != directory) {
            directory = files[i].directory.get();
            short_is_end = directory && detail::gives_short_reads_at_the_end_only(directory->descriptor());
        }
        if (short_is_end && how != backend::threads)
            by_ring.push_back(i);
        else
            detail::read_small_file(files[i], slots[i], results[i]);
    }
    std::string reason;
    if (by_ring.empty() || detail::read_by_ring(by_ring, files, slots, results, reason))
        return;
    if (how == backend::uring)
        throw error(errc::backend_unavailable, "read", "small files", std::nullopt, reason);
    for (const std::size_t i : by_ring)
        detail::read_small_file(files[i], slots[i], results[i]);
}

} // namespace weir
