#pragma once
// Files, pipes, terminals and devices as sources of a flow.

#include <weir/backend.hpp>
#include <weir/engine.hpp>
#include <weir/export.hpp>
#include <weir/file_handle.hpp>
#include <weir/source.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace weir {

/// How a file is read.
struct file_source_options {
    weir::backend backend = weir::backend::auto_;
    /// Around the page cache (O_DIRECT). Where the file system refuses, the cache is used all the same, and
    /// `reader_statistics::direct_refused` counts it.
    bool direct = false;
    /// Blocks that may be with the operating system at a time, where it does not read ahead by itself.
    std::size_t read_ahead_blocks = 8;
};

/// Opens a file as a source: its bytes from start to end.
///
/// What is in the page cache is read by the worker that will cut and digest it; a miss goes to the back end, so that no
/// worker waits for a disk. Holes are not read but given as shared zeros. A file that grows is read up to its size at
/// the opening, and what is there when that is reached. The engine outlives the source, and so does the `io_context` of
/// its executor. FIFOs, terminals, other devices and sockets are opened as by `open_descriptor`; a
/// Unix socket of streams with this name, of up to 107 bytes, is connected to, at once or not at all (`EAGAIN`), and gives what
/// its server sends.
/// \throws weir::error, with the path
///   `errc::backend_unavailable`: a back end was named and cannot be used here; `backend::mmap` without
///                                `install_mapping_guard()`.
///   system category: what `open(2)` reports; `EISDIR` for a directory.
///
/// The source's `read` throws, with path and offset
///   `errc::file_shrank`: the end came before the size that was seen at the opening.
///   `errc::mapping_broken`: it was truncated under its map. `close()` throws it too: call that when all is used.
///   system category: what the read reported. No later call succeeds.
[[nodiscard]] WEIR_API std::unique_ptr<source> open_file(engine& owner, const std::filesystem::path& path,
                                                         const file_source_options& options = {});
/// The same for a file that is open already, such as a `tree_entry` gives. `name` is for messages.
[[nodiscard]] WEIR_API std::unique_ptr<source> open_file(engine& owner, file_handle file, std::string name,
                                                         const file_source_options& options = {});

/// Makes a source of a descriptor that is open already: standard input, a pipe, a socket, a terminal; a regular file
/// from its current position on. Takes a copy of the descriptor. Its mode is not changed: others may share it.
///
/// However small the writes on the other side are, blocks are filled. Reading never keeps a worker waiting, as long as
/// no other process reads from the same pipe.
/// \throws weir::error, with `name`: what copying or looking at the descriptor reports.
[[nodiscard]] WEIR_API std::unique_ptr<source> open_descriptor(engine& owner, int descriptor, std::string name,
                                                               const file_source_options& options = {});

} // namespace weir
