#pragma once
// What a service or the command can be told in one TOML file: every key, its default, and the file itself.

#include <weir/backend.hpp>
#include <weir/chunk_sizes.hpp>
#include <weir/chunker.hpp>
#include <weir/export.hpp>
#include <weir/size.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace weir {

struct engine_options;
struct ingest_options;
struct pool_options;

/// Every key of the configuration file, by its section; the values here are the defaults.
///
/// Sizes are in bytes; in the file they may also be texts such as `"256 KiB"` (see `parse_size`).
/// \par Thread-safety
/// A value.
struct configuration {
    /// `[chunking]`: where files are cut.
    struct chunking_keys {
        /// The average follows the size that a file has when it is opened, unless `average` is set. Its members are
        /// keys of the section.
        chunk_size_table sizes;
        chunk_algorithm algorithm = chunk_algorithm::weir1;
        std::uint64_t minimum = 0;    ///< 0: a quarter of the average
        std::uint64_t average = 0;    ///< 0: by the size of the file, as above
        std::uint64_t maximum = 0;    ///< 0: four times the average
        int normalization = -1;       ///< 0 to 3; -1: the algorithm's default, 2 for weir1, 1 for fastcdc2020
        bool operator==(const chunking_keys&) const = default;
    };

    /// `[performance]`: threads, memory and back ends.
    struct performance_keys {
        std::uint64_t max_worker_threads = 0;        ///< 0: all cores the process may use, at most 16
        std::uint64_t worker_stack_size = 8_MiB;
        std::uint64_t batch_size = 64;               ///< small files that are read as one batch
        std::uint64_t buffer_size = 256_KiB;         ///< a block of the engine's pool; a power of two
        std::uint64_t max_memory_usage = 0;          ///< the engine's pool; 0: by the number of workers
        bool async_io = true;                        ///< whether io_uring may be used
        weir::backend backend = weir::backend::auto_;
        std::uint64_t memory_map_threshold = 0;      ///< files of this size and above are mapped; 0: none
        std::uint64_t file_cache_size = 1024;        ///< hard-linked files that are remembered; 0: none
        bool operator==(const performance_keys&) const = default;
    };

    /// `[limits]`: the tiers of a stand-alone `buffer_pool`.
    struct limits_keys {
        std::uint64_t small_buffer_size = 64_KiB;
        std::uint64_t small_buffers = 1024;
        std::uint64_t medium_buffer_size = 1_MiB;
        std::uint64_t medium_buffers = 128;
        std::uint64_t mapped_region_size = 1_GiB;    ///< the largest region
        std::uint64_t mapped_regions = 16;
        std::uint64_t pool_bytes = 192_MiB;          ///< small and medium buffers together
        bool operator==(const limits_keys&) const = default;
    };

    chunking_keys chunking;
    performance_keys performance;
    limits_keys limits;
    bool operator==(const configuration&) const = default;
};

/// Reads a configuration; what the file leaves out has its default.
///
/// \throws weir::error
///   `errc::bad_configuration`: no TOML, an unknown section or key, a value of the wrong type or out of range, or
///     values that contradict each other. The message names file, line, key and what is allowed.
///   system category: what opening or reading reported
[[nodiscard]] WEIR_API configuration load_configuration(const std::filesystem::path& path);

/// The same from text; `name` stands for the file in messages.
/// \throws weir::error  as `load_configuration`
[[nodiscard]] WEIR_API configuration parse_configuration(std::string_view text, std::string_view name);

/// Checks values that a program has set.
/// \throws weir::error `errc::bad_configuration`: two of them contradict each other; the message names both and what is
///   allowed
WEIR_API void check(const configuration& values);

/// The configuration as a TOML file with every key, each with a comment that says what it means, its default and the
/// values allowed. Reads back as the same configuration.
[[nodiscard]] WEIR_API std::string to_commented_toml(const configuration& values);

/// What `[performance]` says of an engine.
[[nodiscard]] WEIR_API engine_options engine_options_of(const configuration& values);
/// What `[chunking]` and `[performance]` say of an ingest.
[[nodiscard]] WEIR_API ingest_options ingest_options_of(const configuration& values);
/// What `[limits]` says of a stand-alone pool.
[[nodiscard]] WEIR_API pool_options pool_options_of(const configuration& values);

} // namespace weir
