#pragma once
// The two ways to read small files.

#include <weir/small_files.hpp>

#include <cstddef>
#include <string>

namespace weir::detail {

/// Whether a read that gave fewer bytes than it might is the end of the file, where that ends at `offset`. A disk error
/// behind the first pages makes a read short too, at the end of a page; the next one reports it.
constexpr bool may_be_the_end(std::size_t offset) noexcept
{
    constexpr std::size_t smallest_page = 4096;
    return offset == 0 || offset % smallest_page != 0;
}

/// Whether what `failure` kept from being opened is no regular file any more, but was one when the walk met it.
[[nodiscard]] bool was_swapped(const tree_entry& file, const std::error_code& failure) noexcept;

/// By plain calls, until one gives nothing: that is the end everywhere.
void read_small_file(const tree_entry& file, buffer& slot, small_file& result);

/// Those at `which` by the ring of this thread; all of directories on file systems that give short reads at the end only.
/// \returns false, and why, where there is no ring: then nothing was read.
bool read_by_ring(std::span<const std::size_t> which, std::span<const tree_entry> files, std::span<buffer> slots,
                  std::span<small_file> results, std::string& reason);

} // namespace weir::detail
