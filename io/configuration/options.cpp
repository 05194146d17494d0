// What a configuration says in the words of the parts that it configures.
#include <weir/configuration.hpp>

#include <weir/buffer_pool.hpp>
#include <weir/engine.hpp>
#include <weir/ingest.hpp>

namespace weir {

engine_options engine_options_of(const configuration& values)
{
    engine_options options;
    options.memory_bytes = values.performance.max_memory_usage;
    options.block_bytes = values.performance.buffer_size;
    options.workers.threads = values.performance.max_worker_threads;
    options.workers.stack_bytes = values.performance.worker_stack_size;
    return options;
}

ingest_options ingest_options_of(const configuration& values)
{
    const configuration::chunking_keys& keys = values.chunking;
    ingest_options options;
    options.chunker.algorithm = keys.algorithm;
    options.chunker.min = keys.minimum;
    options.chunker.max = keys.maximum;
    options.chunker.normalization = keys.normalization;
    options.chunker.average = keys.average != 0 ? keys.average : keys.sizes.average_for(std::nullopt);
    if (keys.average == 0)
        options.sizes = keys.sizes;
    else
        options.sizes.reset();
    options.batch_files = values.performance.batch_size;
    options.file_cache_size = values.performance.file_cache_size;
    options.memory_map_threshold = values.performance.memory_map_threshold;
    options.backend = values.performance.backend;
    if (!values.performance.async_io && options.backend == backend::auto_)
        options.backend = backend::threads;
    return options;
}

pool_options pool_options_of(const configuration& values)
{
    const configuration::limits_keys& limits = values.limits;
    pool_options options;
    options.tiers = {{limits.small_buffer_size, limits.small_buffers},
                     {limits.medium_buffer_size, limits.medium_buffers}};
    options.max_bytes = limits.pool_bytes;
    options.max_mapped = limits.mapped_regions;
    options.max_mapped_bytes = limits.mapped_region_size;
    return options;
}

} // namespace weir
