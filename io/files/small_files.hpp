#pragma once
// The two ways to read small files.

#include <weir/small_files.hpp>

#include <string>

namespace weir::detail {

/// By plain calls. `short_is_end`: the file system gives short reads at the end of a file only.
void read_small_file(const tree_entry& file, buffer& slot, small_file& result, bool short_is_end);

/// Those at `which` by the ring of this thread; all on file systems that give short reads at the end only.
/// \returns false, and why, where there is no ring: then nothing was read.
bool read_by_ring(std::span<const std::size_t> which, std::span<const tree_entry> files, std::span<buffer> slots,
                  std::span<small_file> results, std::string& reason);

} // namespace weir::detail
