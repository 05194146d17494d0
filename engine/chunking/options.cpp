#include <weir/chunker.hpp>
#include <weir/error.hpp>
#include <weir/size.hpp>

#include <string>

namespace weir {
namespace {

struct size_range {
    std::size_t least;
    std::size_t most;
};

constexpr size_range min_range{64, 1_MiB};
constexpr size_range average_range{256, 4_MiB};
constexpr size_range max_range{1_KiB, 16_MiB};
constexpr size_range fixed_range{64, 16_MiB};

[[noreturn]] void refuse(errc code, std::string_view what, const std::string& detail)
{
    throw error(code, "configure chunker", what, std::nullopt, detail);
}

void require(std::string_view name, std::size_t value, size_range range)
{
    if (value < range.least || value > range.most)
        refuse(errc::bad_chunk_sizes, std::string(name) + " " + std::to_string(value),
               "allowed: " + std::to_string(range.least) + " to " + std::to_string(range.most) + " bytes");
}

void require_order(std::string_view lesser, std::size_t less, std::string_view greater, std::size_t more)
{
    if (less > more)
        refuse(errc::bad_chunk_sizes, std::string(lesser) + " " + std::to_string(less),
               "above the " + std::string(greater) + " " + std::to_string(more));
}

void resolve_fixed(chunker_options& options)
{
    require("chunk size", options.average, fixed_range);
    for (std::size_t* bound : {&options.min, &options.max}) {
        if (*bound != 0 && *bound != options.average)
            refuse(errc::bad_chunk_sizes, "minimum or maximum " + std::to_string(*bound),
                   "fixed chunks all have the size " + std::to_string(options.average));
        *bound = options.average;
    }
    if (options.normalization > 0)
        refuse(errc::bad_configuration, "normalization " + std::to_string(options.normalization),
               "fixed chunks have none");
    options.normalization = 0;
}

void resolve_content_defined(chunker_options& options)
{
    require("average", options.average, average_range);
    if (options.min == 0)
        options.min = options.average / 4;
    if (options.max == 0)
        options.max = options.average * 4;
    require("minimum", options.min, min_range);
    require("maximum", options.max, max_range);
    require_order("minimum", options.min, "average", options.average);
    require_order("average", options.average, "maximum", options.max);
    if (options.normalization == -1)
        options.normalization = options.algorithm == chunk_algorithm::weir1 ? 2 : 1;
    if (options.normalization < 0 || options.normalization > 3)
        refuse(errc::bad_configuration, "normalization " + std::to_string(options.normalization), "allowed: 0 to 3");
}

chunker_options of_average(chunk_algorithm algorithm, std::size_t average) noexcept
{
    chunker_options options;
    options.algorithm = algorithm;
    options.average = average;
    return options;
}

} // namespace

std::string_view to_string(chunk_algorithm algorithm) noexcept
{
    switch (algorithm) {
    case chunk_algorithm::weir1: return "weir1";
    case chunk_algorithm::fastcdc2020: return "fastcdc2020";
    case chunk_algorithm::fixed: return "fixed";
    }
    return "unknown";
}

std::optional<chunk_algorithm> parse_chunk_algorithm(std::string_view name) noexcept
{
    for (chunk_algorithm algorithm : {chunk_algorithm::weir1, chunk_algorithm::fastcdc2020, chunk_algorithm::fixed})
        if (name == to_string(algorithm))
            return algorithm;
    return std::nullopt;
}

chunker_options weir1(std::size_t average) noexcept { return of_average(chunk_algorithm::weir1, average); }
chunker_options fastcdc2020(std::size_t average) noexcept { return of_average(chunk_algorithm::fastcdc2020, average); }
chunker_options fixed(std::size_t size) noexcept { return of_average(chunk_algorithm::fixed, size); }

chunker_options resolve(const chunker_options& options)
{
    chunker_options resolved = options;
    if (options.seed != 0 && options.algorithm != chunk_algorithm::fastcdc2020)
        refuse(errc::bad_configuration, "seed", "only fastcdc2020 has one");
    if (options.secret && options.algorithm != chunk_algorithm::weir1)
        refuse(errc::bad_configuration, "secret", "only weir1 has one");
    if (options.algorithm == chunk_algorithm::fixed)
        resolve_fixed(resolved);
    else
        resolve_content_defined(resolved);
    return resolved;
}

} // namespace weir
