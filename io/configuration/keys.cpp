#include "keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <limits>

namespace weir::detail {
namespace {

using chunking = configuration::chunking_keys;
using performance = configuration::performance_keys;
using limits = configuration::limits_keys;

/// The member that a path of member pointers leads to.
template <auto... Members> constexpr auto& member(auto& object) { return (object.*....*Members); }

template <auto... Members>
constexpr number_key number(std::uint64_t least, std::uint64_t most, bool is_size, std::string_view zero,
                            std::string_view range = {})
{
    return {[](const configuration& values) { return static_cast<std::uint64_t>(member<Members...>(values)); },
            [](configuration& values, std::uint64_t value) {
                auto& field = member<Members...>(values);
                field = static_cast<std::remove_reference_t<decltype(field)>>(value);
            },
            least,
            most,
            is_size,
            zero,
            range};
}

template <auto... Members>
constexpr number_key size(std::uint64_t least, std::uint64_t most, std::string_view zero = {},
                          std::string_view range = {})
{
    return number<Members...>(least, most, true, zero, range);
}

template <auto... Members>
constexpr number_key count(std::uint64_t least, std::uint64_t most, std::string_view zero = {})
{
    return number<Members...>(least, most, false, zero);
}

template <auto... Members> constexpr flag_key flag()
{
    return {[](const configuration& values) { return member<Members...>(values); },
            [](configuration& values, bool value) { member<Members...>(values) = value; }};
}

/// \param Offset  the value of the first word, as an integer
template <int Offset, auto... Members> constexpr choice_key choice(std::span<const std::string_view> words)
{
    return {words,
            [](const configuration& values) {
                return static_cast<std::size_t>(static_cast<int>(member<Members...>(values)) - Offset);
            },
            [](configuration& values, std::size_t index) {
                auto& field = member<Members...>(values);
                field = static_cast<std::remove_reference_t<decltype(field)>>(static_cast<int>(index) + Offset);
            }};
}

// In the order of the enumerators.
constexpr std::array<std::string_view, 3> algorithms = {"weir1", "fastcdc2020", "fixed"};
constexpr std::array<std::string_view, 5> normalizations = {"auto", "0", "1", "2", "3"};
constexpr std::array<std::string_view, 4> backends = {"auto", "uring", "threads", "mmap"};

constexpr std::uint64_t no_limit = std::numeric_limits<std::int64_t>::max();
constexpr auto by_size = &configuration::chunking;
constexpr auto table = &chunking::sizes;
constexpr auto speed = &configuration::performance;
constexpr auto tiers = &configuration::limits;

constexpr std::array keys = {
    configuration_key{"chunking.small_file_chunk_size", "average chunk size of files below small_file_threshold",
                      size<by_size, table, &chunk_size_table::small_file_chunk_size>(256, 4_MiB)},
    configuration_key{"chunking.small_file_threshold", "the first file size that is not small",
                      size<by_size, table, &chunk_size_table::small_file_threshold>(1, no_limit)},
    configuration_key{"chunking.medium_file_chunk_size", "average chunk size of files below medium_file_threshold",
                      size<by_size, table, &chunk_size_table::medium_file_chunk_size>(256, 4_MiB)},
    configuration_key{"chunking.medium_file_threshold", "the first file size that is not medium",
                      size<by_size, table, &chunk_size_table::medium_file_threshold>(1, no_limit)},
    configuration_key{"chunking.large_file_chunk_size",
                      "average chunk size of files below huge_file_threshold, and of streams of unknown length",
                      size<by_size, table, &chunk_size_table::large_file_chunk_size>(256, 4_MiB)},
    configuration_key{"chunking.huge_file_chunk_size", "average chunk size of files from huge_file_threshold on",
                      size<by_size, table, &chunk_size_table::huge_file_chunk_size>(256, 4_MiB)},
    configuration_key{"chunking.huge_file_threshold", "the first file size that is huge",
                      size<by_size, table, &chunk_size_table::huge_file_threshold>(1, no_limit)},
    configuration_key{"chunking.algorithm", "how chunk ends are found",
                      choice<0, by_size, &chunking::algorithm>(algorithms)},
    configuration_key{"chunking.minimum", "the shortest chunk, but for the last of a file",
                      size<by_size, &chunking::minimum>(64, 1_MiB, "a quarter of the average")},
    configuration_key{"chunking.average", "one average chunk size for files of every size",
                      size<by_size, &chunking::average>(64, 16_MiB, "by the size of the file, as above",
                                                    averages_allowed)},
    configuration_key{"chunking.maximum", "the longest chunk",
                      size<by_size, &chunking::maximum>(1_KiB, 16_MiB, "four times the average")},
    configuration_key{"chunking.normalization",
                      "how narrowly sizes gather around the average; auto: 2 for weir1, 1 for fastcdc2020",
                      choice<-1, by_size, &chunking::normalization>(normalizations)},

    configuration_key{"performance.max_worker_threads", "threads that cut and digest",
                      count<speed, &performance::max_worker_threads>(1, 1024, "all cores of the process, at most 16")},
    configuration_key{"performance.worker_stack_size", "the stack of each of them",
                      size<speed, &performance::worker_stack_size>(256_KiB, 1_GiB)},
    configuration_key{"performance.batch_size", "small files that are read as one batch",
                      count<speed, &performance::batch_size>(1, 4096)},
    configuration_key{"performance.buffer_size", "one block of the pool; a power of two",
                      size<speed, &performance::buffer_size>(16_KiB, 16_MiB)},
    configuration_key{"performance.max_memory_usage", "the pool's limit: all bytes in flight",
                      size<speed, &performance::max_memory_usage>(1_MiB, no_limit,
                                                                  "by the number of workers and the machine's memory")},
    configuration_key{"performance.async_io", "whether io_uring may be used", flag<speed, &performance::async_io>()},
    configuration_key{"performance.backend", "what reads files", choice<0, speed, &performance::backend>(backends)},
    configuration_key{"performance.memory_map_threshold", "files of this size and above are mapped",
                      size<speed, &performance::memory_map_threshold>(1, no_limit, "none are mapped")},
    configuration_key{"performance.file_cache_size", "hard-linked files that an ingest remembers, to read each once",
                      count<speed, &performance::file_cache_size>(1, 10'000'000, "none")},

    configuration_key{"limits.small_buffer_size", "one buffer of the pool's first tier",
                      size<tiers, &limits::small_buffer_size>(4_KiB, 1_GiB)},
    configuration_key{"limits.small_buffers", "how many of them there may be",
                      count<tiers, &limits::small_buffers>(1, 1'000'000)},
    configuration_key{"limits.medium_buffer_size", "one buffer of the second tier",
                      size<tiers, &limits::medium_buffer_size>(4_KiB, 1_GiB)},
    configuration_key{"limits.medium_buffers", "how many of them there may be",
                      count<tiers, &limits::medium_buffers>(1, 1'000'000)},
    configuration_key{"limits.mapped_region_size", "the largest memory-mapped region, above the second tier",
                      size<tiers, &limits::mapped_region_size>(4_KiB, 1024_GiB)},
    configuration_key{"limits.mapped_regions", "how many regions there may be",
                      count<tiers, &limits::mapped_regions>(1, 1'000'000)},
    configuration_key{"limits.pool_bytes", "all small and medium buffers together",
                      size<tiers, &limits::pool_bytes>(1_MiB, no_limit)},
};

template <class... F> struct overloaded : F... {
    using F::operator()...;
};
template <class... F> overloaded(F...) -> overloaded<F...>; // clang 14 does not deduce it for aggregates

std::string written_number(const number_key& key, std::uint64_t value)
{
    return key.is_size && value != 0 ? format_size_exactly(value) : fmt::format("{}", value);
}

std::string allowed_numbers(const number_key& key)
{
    std::string text(key.range);
    if (text.empty())
        text = key.most == no_limit
            ? fmt::format("{} and above", written_number(key, key.least))
            : fmt::format("{} to {}", written_number(key, key.least), written_number(key, key.most));
    if (!key.zero.empty())
        text += fmt::format(", or 0: {}", key.zero);
    return text;
}

bool is_number(std::string_view word) { return word[0] >= '0' && word[0] <= '9'; }

} // namespace

std::span<const configuration_key> configuration_keys() noexcept { return keys; }

bool is_allowed(const number_key& key, std::uint64_t value) noexcept
{
    return (value >= key.least && value <= key.most) || (value == 0 && !key.zero.empty());
}

std::string allowed_values(const configuration_key& key)
{
    return std::visit(overloaded{[](const number_key& k) { return allowed_numbers(k); },
                                 [](const flag_key&) { return std::string("true or false"); },
                                 [](const choice_key& k) { return fmt::format("{}", fmt::join(k.words, ", ")); }},
                      key.value);
}

std::string written_value(const configuration_key& key, const configuration& values)
{
    const auto number = [&](const number_key& k) {
        const std::uint64_t value = k.get(values);
        return k.is_size && value != 0 ? fmt::format("\"{}\"", written_number(k, value)) : fmt::format("{}", value);
    };
    const auto word = [&](const choice_key& k) {
        const std::string_view text = k.words[k.get(values)];
        return is_number(text) ? std::string(text) : fmt::format("\"{}\"", text);
    };
    return std::visit(overloaded{number, [&](const flag_key& k) { return fmt::format("{}", k.get(values)); }, word},
                      key.value);
}

} // namespace weir::detail
