#pragma once
// Ready-made pools for the whole process, for code that has no engine at hand: 1 KiB, 64 KiB and 1 MiB.

#include <weir/buffer.hpp>
#include <weir/buffer_pool.hpp>
#include <weir/export.hpp>

#include <cstddef>
#include <optional>
#include <vector>

namespace weir {

/// The common pool that serves `bytes`: the one with the smallest blocks that fit. It is made on first use
/// and lives as long as the process. They hold up to 16, 64 and 128 MiB.
/// \throws weir::error  `errc::invalid_size`: 0, or more than 1 MiB.
[[nodiscard]] WEIR_API buffer_pool& common_pool(std::size_t bytes);

/// Takes a buffer of at least `bytes` from its common pool.
/// \throws weir::error  `errc::invalid_size` as `common_pool`; `errc::exhausted` if that pool has none left.
[[nodiscard]] WEIR_API buffer get_buffer(std::size_t bytes);

/// As `get_buffer`, but gives nothing if the pool has none left.
[[nodiscard]] WEIR_API std::optional<buffer> try_get_buffer(std::size_t bytes);

/// Gives all free memory of the common pools back to the system, and starts their peaks anew.
WEIR_API void clear_common_pools();

/// The statistics of the common pools that were used so far, by block size.
[[nodiscard]] WEIR_API std::vector<pool_statistics> common_pool_statistics();

} // namespace weir
