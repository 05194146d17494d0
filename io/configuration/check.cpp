// What the values of a configuration have to do with each other.
#include "keys.hpp"

#include <weir/error.hpp>

#include <fmt/format.h>

#include <bit>
#include <initializer_list>

namespace weir {
namespace {

using detail::contradiction;
using finding = std::optional<contradiction>;

finding must_exceed(std::string_view key, std::uint64_t value, std::string_view other, std::uint64_t bound)
{
    if (value > bound)
        return std::nullopt;
    return contradiction{key, other, fmt::format("allowed are sizes above {}, {}", other, format_size_exactly(bound))};
}

finding first_of(std::initializer_list<finding> candidates)
{
    for (const finding& candidate : candidates)
        if (candidate)
            return candidate;
    return std::nullopt;
}

/// \param key  where the average comes from
finding find_in_sizes(const configuration::chunking_keys& keys, std::string_view key, std::size_t average)
{
    if (keys.algorithm != chunk_algorithm::fixed && (average < 256 || average > 4_MiB))
        return contradiction{key, "chunking.algorithm", fmt::format("allowed are {}", detail::averages_allowed)};
    if (keys.minimum > average)
        return contradiction{"chunking.minimum", key,
                             fmt::format("allowed are 64 B to {}, {}", key, format_size_exactly(average))};
    if (keys.maximum != 0 && keys.maximum < average)
        return contradiction{"chunking.maximum", key,
                             fmt::format("allowed are {}, {}, to 16 MiB", key, format_size_exactly(average))};
    try {
        chunker_options options;
        options.algorithm = keys.algorithm;
        options.min = keys.minimum;
        options.average = average;
        options.max = keys.maximum;
        options.normalization = keys.normalization;
        (void)resolve(options);
        return std::nullopt;
    }
    catch (const error& failure) {
        return contradiction{key, "chunking.algorithm", failure.what()};
    }
}

finding find_in_fixed(const configuration::chunking_keys& keys)
{
    const auto refuse = [](std::string_view key, std::string_view allowed) {
        return contradiction{key, "chunking.algorithm",
                             fmt::format("allowed is {}: fixed chunks have one size", allowed)};
    };
    if (keys.algorithm != chunk_algorithm::fixed)
        return std::nullopt;
    if (keys.minimum != 0)
        return refuse("chunking.minimum", "0");
    if (keys.maximum != 0)
        return refuse("chunking.maximum", "0");
    if (keys.normalization != -1)
        return refuse("chunking.normalization", "auto");
    return std::nullopt;
}

finding find_in_chunking(const configuration::chunking_keys& keys)
{
    if (finding found = find_in_fixed(keys))
        return found;
    if (keys.average != 0)
        return find_in_sizes(keys, "chunking.average", keys.average);
    const chunk_size_table& sizes = keys.sizes;
    return first_of({
        must_exceed("chunking.medium_file_threshold", sizes.medium_file_threshold, "chunking.small_file_threshold",
                    sizes.small_file_threshold),
        must_exceed("chunking.huge_file_threshold", sizes.huge_file_threshold, "chunking.medium_file_threshold",
                    sizes.medium_file_threshold),
        find_in_sizes(keys, "chunking.small_file_chunk_size", sizes.small_file_chunk_size),
        find_in_sizes(keys, "chunking.medium_file_chunk_size", sizes.medium_file_chunk_size),
        find_in_sizes(keys, "chunking.large_file_chunk_size", sizes.large_file_chunk_size),
        find_in_sizes(keys, "chunking.huge_file_chunk_size", sizes.huge_file_chunk_size),
    });
}

finding find_in_performance(const configuration::performance_keys& keys)
{
    if (!std::has_single_bit(keys.buffer_size))
        return contradiction{"performance.buffer_size", {}, "allowed are powers of two from 16 KiB to 16 MiB"};
    if (!keys.async_io && keys.backend == backend::uring)
        return contradiction{"performance.backend", "performance.async_io",
                             "allowed are auto, threads, mmap where performance.async_io is false"};
    return std::nullopt;
}

finding find_in_limits(const configuration::limits_keys& keys)
{
    return first_of({
        must_exceed("limits.medium_buffer_size", keys.medium_buffer_size, "limits.small_buffer_size",
                    keys.small_buffer_size),
        must_exceed("limits.mapped_region_size", keys.mapped_region_size, "limits.medium_buffer_size",
                    keys.medium_buffer_size),
        must_exceed("limits.pool_bytes", keys.pool_bytes, "limits.medium_buffer_size", keys.medium_buffer_size),
    });
}

/// Values that a program has set may be out of their keys' ranges.
finding find_out_of_range(const configuration& values)
{
    for (const detail::configuration_key& key : detail::configuration_keys())
        if (const auto* number = std::get_if<detail::number_key>(&key.value))
            if (!detail::is_allowed(*number, number->get(values)))
                return contradiction{key.full_name, {}, fmt::format("allowed are {}", detail::allowed_values(key))};
    return std::nullopt;
}

} // namespace

finding detail::find_contradiction(const configuration& values)
{
    return first_of({find_out_of_range(values), find_in_chunking(values.chunking),
                     find_in_performance(values.performance), find_in_limits(values.limits)});
}

void check(const configuration& values)
{
    if (const finding found = detail::find_contradiction(values))
        throw error(errc::bad_configuration, "check", found->key, std::nullopt, found->why);
}

} // namespace weir
