// However a stream is split over calls, and on every kernel level, a chunker cuts at the same places, within its
// sizes. Options that it refuses are refused by an error, never by anything else.

#include "input.hpp"

#include <weir/chunker.hpp>
#include <weir/error.hpp>

#include <algorithm>
#include <optional>
#include <vector>

namespace {

std::optional<weir::chunker_options> options_from(fuzz::input& input)
{
    weir::chunker_options options;
    options.algorithm = static_cast<weir::chunk_algorithm>(input.byte() % 3);
    options.min = input.number() % 2048;
    options.average = input.number();
    options.max = input.number();
    options.normalization = input.byte() % 5 - 1;
    if (options.algorithm == weir::chunk_algorithm::fastcdc2020)
        options.seed = input.number();
    try {
        return weir::resolve(options);
    }
    catch (const weir::error& refused) {
        fuzz::require(refused.code() == weir::condition::bad_input);
        return std::nullopt;
    }
}

/// Cuts `data` in pieces of the sizes that `sizes` repeats; in one piece if it is empty.
std::vector<std::uint64_t> ends_of(weir::chunker& chunker, std::span<const std::byte> data,
                                   std::span<const std::size_t> sizes)
{
    std::vector<std::uint64_t> ends;
    for (std::size_t turn = 0; !data.empty(); ++turn) {
        const std::size_t wanted = sizes.empty() ? data.size() : sizes[turn % sizes.size()];
        const std::size_t count = std::min(wanted, data.size());
        chunker.push(data.first(count), ends);
        data = data.subspan(count);
    }
    chunker.finish(ends);
    return ends;
}

void require_sizes(std::span<const std::uint64_t> ends, std::uint64_t total, const weir::chunker_options& options)
{
    // FastCDC 2020 tests pairs of bytes: an odd minimum counts as the even number below.
    const bool pairs = options.algorithm == weir::chunk_algorithm::fastcdc2020;
    const std::uint64_t min = pairs ? options.min / 2 * 2 : options.min;
    std::uint64_t begin = 0;
    for (const std::uint64_t end : ends) {
        fuzz::require(end > begin && end - begin <= options.max);
        fuzz::require(end - begin >= min || end == total);
        begin = end;
    }
    fuzz::require(begin == total);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    fuzz::input input(bytes, size);
    const std::optional<weir::chunker_options> options = options_from(input);
    if (!options)
        return 0;
    std::vector<std::size_t> sizes(1 + input.byte() % 4);
    for (std::size_t& piece : sizes)
        piece = 1 + input.number() % 8192;
    // Longer than a fuzzer would make it: the same bytes several times, changed a little each time.
    std::vector<std::byte> data;
    for (unsigned copy = 0; copy <= input.bytes().size() % 8; ++copy)
        for (const std::byte each : input.bytes())
            data.push_back(each ^ static_cast<std::byte>(copy * 29));

    weir::chunker portable(*options, weir::cpu_level::portable);
    const std::vector<std::uint64_t> expected = ends_of(portable, data, {});
    require_sizes(expected, data.size(), *options);
    for (const weir::cpu_level level : weir::available_cpu_levels()) {
        weir::chunker chunker(*options, level);
        fuzz::require(ends_of(chunker, data, sizes) == expected);
        fuzz::require(ends_of(chunker, data, {}) == expected); // after the end of a stream a new one begins
    }
    return 0;
}
