// What a configuration says in the words of the parts that it configures.
#include <weir/configuration.hpp>

#include <weir/buffer_pool.hpp>

namespace weir {

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
