#pragma once
// Many small files at a time, each whole, by the thread that asks.

#include <weir/backend.hpp>
#include <weir/buffer.hpp>
#include <weir/export.hpp>
#include <weir/file_handle.hpp>
#include <weir/tree_walker.hpp>

#include <span>
#include <system_error>

namespace weir {

/// How reading one small file came out.
struct small_file {
    enum class outcome : std::uint8_t {
        whole,   ///< all of it is in its slot
        large,   ///< it filled its slot: `file` is open, to be read from its start
        failed,  ///< `error`: what reading reported, or opening if `file` is empty; the slot is empty
        skipped, ///< met in a tree, and no regular file any more: not waited for; the slot is empty
    };
    outcome result = outcome::failed;
    std::error_code error;
    file_handle file;
};

/// Reads each of `files` into the slot of the same number, an empty buffer. No sizes are asked for: what leaves room in
/// its slot has been read to its end. An argument that is no regular file any more comes out as `large`, to be streamed, and so does
/// one without a size that is on no disk: some of /proc wait for more.
///
/// `backend::uring` opens, reads and closes by linked operations of a ring that belongs to the calling thread, 64 files
/// at a time: it waits for many disk accesses at once. `backend::threads` makes plain calls. `backend::auto_` takes the
/// ring where there is one: 20,000 files of 1 to 10 KiB cost 0.89 of the CPU time of plain calls when cached, and
/// 0.2 to 0.4 of the time when they are not (one thread, Zen 3, Linux 6.18).
/// \pre the spans have one size
/// \throws weir::error  `errc::backend_unavailable`: the ring was asked for by name, and cannot be had here
/// \par Thread-safety
/// Any threads at once. Blocks on the file system: call it from a worker, with some dozens of files.
WEIR_API void read_small_files(std::span<const tree_entry> files, std::span<buffer> slots,
                               std::span<small_file> results, backend how = backend::auto_);

} // namespace weir
