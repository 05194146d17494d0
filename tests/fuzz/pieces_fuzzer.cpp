// Any bytes have the same outcome whether one thread decodes them or several do, which look for pieces first.

#include "input.hpp"

#include <weir/error.hpp>
#include <weir/parallel_decoding.hpp>

#include <vector>

namespace {

struct outcome {
    std::error_code code;
    std::vector<std::byte> content; ///< of what is whole

    friend bool operator==(const outcome&, const outcome&) = default;
};

outcome decode(weir::codec which, std::span<const std::byte> input, std::size_t threads, std::size_t max_piece_bytes)
{
    const weir::decoder_settings settings{.max_output_bytes = 4 << 20, .max_ratio = 5000, .ratio_free_bytes = 1 << 20,
                                          .max_memory_bytes = 16 << 20};
    outcome out;
    try {
        const weir::parallel_totals totals = weir::decode_parallel(
            which, settings, {.threads = threads, .max_piece_bytes = max_piece_bytes}, input,
            [&](std::span<const std::byte> bytes) { out.content.insert(out.content.end(), bytes.begin(), bytes.end()); });
        fuzz::require(totals.produced == out.content.size() && totals.consumed == input.size());
        return out;
    }
    catch (const weir::error& refused) {
        fuzz::require(refused.code() != weir::errc::internal && out.content.size() <= settings.max_output_bytes);
        return {refused.code(), {}};
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    constexpr weir::codec with_pieces[] = {weir::codec::zstd, weir::codec::lz4, weir::codec::gzip, weir::codec::xz};
    fuzz::input input(bytes, size);
    const weir::codec which = with_pieces[input.byte() % 4];
    const std::size_t piece = std::size_t{64 << 10} << input.byte() % 5;
    if (weir::is_built_in(which))
        fuzz::require(decode(which, input.bytes(), 2, piece) == decode(which, input.bytes(), 1, piece));
    return 0;
}
