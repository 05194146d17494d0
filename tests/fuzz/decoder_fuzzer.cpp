// Any bytes are a stream of any codec or refused, with the same outcome however they are cut, and within the limits.
// What is decoded is encoded and decoded again.

#include "input.hpp"

#include <weir/decoder.hpp>
#include <weir/encoder.hpp>
#include <weir/error.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace {

constexpr std::size_t most_output = std::size_t{1} << 20;

struct outcome {
    std::error_code code;
    std::vector<std::byte> content;

    friend bool operator==(const outcome&, const outcome&) = default;
};

template <class Coder>
std::vector<std::byte> run(Coder& coder, std::span<const std::byte> input, std::size_t piece, std::size_t room)
{
    std::vector<std::byte> out;
    do {
        coder.push(input.first(std::min(input.size(), piece)));
        input = input.subspan(std::min(input.size(), piece));
        if (input.empty())
            coder.finish();
        for (std::size_t count = 1; count != 0;) {
            const std::size_t before = out.size();
            out.resize(before + room);
            count = coder.pull(std::span(out).subspan(before));
            fuzz::require(count <= room);
            out.resize(before + count);
        }
    } while (!input.empty() && !coder.ended());
    fuzz::require(coder.ended());
    return out;
}

outcome decode(weir::codec which, const weir::decoder_settings& settings, std::span<const std::byte> input,
               std::size_t piece, std::size_t room)
{
    weir::decoder coder(which, settings);
    try {
        outcome out{{}, run(coder, input, piece, room)};
        fuzz::require(out.content.size() <= settings.max_output_bytes);
        return out;
    }
    catch (const weir::error& refused) {
        fuzz::require(refused.offset() && *refused.offset() <= input.size());
        return {refused.code(), {}};
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    fuzz::input input(bytes, size);
    const std::span<const weir::codec> codecs = weir::all_codecs();
    const weir::codec which = codecs[input.byte() % codecs.size()];
    const std::size_t piece = 1 + input.byte();
    if (!weir::is_built_in(which))
        return 0;
    const weir::decoder_settings settings{.max_output_bytes = most_output, .max_memory_bytes = 16 << 20};
    const outcome whole = decode(which, settings, input.bytes(), input.bytes().size() + 1, most_output + 1);
    fuzz::require(decode(which, settings, input.bytes(), piece, 1 + piece * 7) == whole);

    weir::encoder coder(which, {.level = weir::codec_level::fastest});
    const std::vector<std::byte> again = run(coder, whole.content, piece * 100, 1000);
    fuzz::require(decode(which, settings, again, piece, 4096).content == whole.content);
    return 0;
}
