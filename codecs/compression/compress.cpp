#include <weir/compress.hpp>

#include "compression/pulling.hpp"

#include <weir/decoder.hpp>
#include <weir/encoder.hpp>
#include <weir/error.hpp>

#include <algorithm>

namespace weir {
namespace {

using codecs::fill;
using codecs::is_whole;

// What a message of unknown size gets at first, four times its input within these; it doubles as long as more comes.
constexpr std::size_t least_room = 256;
constexpr std::size_t most_room = std::size_t{1} << 20;

[[noreturn]] void refuse_output(codec which, const char* operation)
{
    throw error(errc::limit_exceeded, operation, to_string(which), std::nullopt, "the room for the output");
}

decoder_settings at_most(decoder_settings settings, std::size_t bytes)
{
    settings.max_output_bytes = std::min<std::uint64_t>(settings.max_output_bytes, bytes);
    return settings;
}

} // namespace

std::size_t compress(std::span<const std::byte> input, codec which, std::span<std::byte> output,
                     const encoder_settings& settings, codec_pool& contexts)
{
    encoder coder(which, settings, contexts);
    coder.push(input);
    coder.finish();
    const std::size_t size = fill(coder, output);
    if (!is_whole(coder))
        refuse_output(which, "encode");
    return size;
}

buffer compress(std::span<const std::byte> input, codec which, buffer_pool& blocks, const encoder_settings& settings,
                codec_pool& contexts)
{
    buffer out = blocks.acquire_now(std::max<std::size_t>(max_compressed_size(which, input.size(), settings), 1));
    out.commit(compress(input, which, out.spare(), settings, contexts));
    return out;
}

std::pmr::vector<std::byte> compress(std::span<const std::byte> input, codec which, const encoder_settings& settings,
                                     std::pmr::memory_resource* memory, codec_pool& contexts)
{
    std::pmr::vector<std::byte> out(max_compressed_size(which, input.size(), settings),
                                    memory ? memory : std::pmr::get_default_resource());
    out.resize(compress(input, which, std::span(out), settings, contexts));
    return out;
}

std::size_t decompress(std::span<const std::byte> input, codec which, std::span<std::byte> output,
                       const decoder_settings& settings, codec_pool& contexts)
{
    decoder coder(which, at_most(settings, output.size()), contexts);
    coder.push(input);
    coder.finish();
    const std::size_t size = fill(coder, output);
    if (!is_whole(coder))
        refuse_output(which, "decode");
    return size;
}

buffer decompress(std::span<const std::byte> input, codec which, std::size_t max_bytes, buffer_pool& blocks,
                  const decoder_settings& settings, codec_pool& contexts)
{
    buffer out = blocks.acquire_now(std::max<std::size_t>(max_bytes, 1));
    out.commit(decompress(input, which, out.spare().first(max_bytes), settings, contexts));
    return out;
}

std::pmr::vector<std::byte> decompress(std::span<const std::byte> input, codec which, std::size_t max_bytes,
                                       const decoder_settings& settings, std::pmr::memory_resource* memory,
                                       codec_pool& contexts)
{
    decoder coder(which, at_most(settings, max_bytes), contexts);
    coder.push(input);
    coder.finish();
    std::pmr::vector<std::byte> out(memory ? memory : std::pmr::get_default_resource());
    std::size_t size = 0;
    std::size_t room = std::clamp(4 * input.size(), least_room, most_room);
    for (; size < max_bytes && !coder.ended(); room *= 2) {
        out.resize(std::min(room, max_bytes));
        size += fill(coder, std::span(out).subspan(size));
    }
    if (!is_whole(coder))
        refuse_output(which, "decode");
    out.resize(size);
    return out;
}

} // namespace weir
