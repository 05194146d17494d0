#include <weir/snapshot.hpp>

#include <weir/reading.hpp>

namespace weir {

snapshot take_snapshot(const engine& of)
{
    return {of.flows(),
            of.pool().statistics(),
            of.workers().statistics(),
            file_statistics(of.executor()),
            of.resources().statistics(),
            weir::peak_memory_bytes()};
}

} // namespace weir
