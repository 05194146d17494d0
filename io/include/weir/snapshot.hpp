#pragma once
// Everything that an engine can say of itself, at one moment: for a metrics page, or a line in a log.

#include <weir/buffer_pool.hpp>
#include <weir/engine.hpp>
#include <weir/export.hpp>
#include <weir/registry.hpp>
#include <weir/statistics.hpp>
#include <weir/worker_pool.hpp>

#include <cstdint>

namespace weir {

struct snapshot {
    /// All streams and jobs of the engine together, ended and running: bytes and chunks that were digested, and what
    /// each stage did and waited. `elapsed` is the age of the engine. Unique chunks are counted by each job alone:
    /// `ingest_summary::as_flow()`.
    flow_statistics flows;
    pool_statistics pool;           ///< shared where the pool is
    worker_statistics workers;      ///< shared where the workers are
    reader_statistics readers;      ///< of the executor's io_context
    registry_statistics resources;  ///< shared where the registry is
    std::uint64_t peak_memory_bytes = 0; ///< of the process
};

/// \par Thread-safety
/// From any thread, at any time in the life of the engine. The parts are each whole, and some microseconds apart.
[[nodiscard]] WEIR_API snapshot take_snapshot(const engine& of);

} // namespace weir
