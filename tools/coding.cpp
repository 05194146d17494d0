#include "coding.hpp"

#include <weir/decoder.hpp>
#include <weir/encoder.hpp>
#include <weir/error.hpp>
#include <weir/size.hpp>

#include <algorithm>

#include <sys/mman.h>
#include <unistd.h>

namespace tool {
namespace {

using namespace weir::literals;

constexpr std::size_t input_bytes = 512_KiB;

template <class Coder> void pull_all(Coder& coder, block_writer& out)
{
    while (const std::size_t count = coder.pull(out.room()))
        out.commit(count);
}

weir::codec detect(std::span<const std::byte> start, bool pass_unknown, const std::string& name)
{
    if (const auto found = weir::detect_codec(start))
        return *found;
    if (pass_unknown)
        return weir::codec::identity;
    if (start.empty())
        throw weir::error(weir::errc::truncated, "decode", name, 0, "it is empty");
    throw weir::error(weir::errc::bad_format, "decode", name, 0,
                      "no known format begins so; raw deflate and lzma cannot be told by their first bytes and need "
                      "--codec deflate or --codec lzma");
}

/// Takes the pages of a map out of the process: they count as its memory, though they are the page cache's.
void forget(std::span<const std::byte> content)
{
    static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<std::uintptr_t>(content.data());
    const std::uintptr_t first = begin / page * page; // what is taken too soon comes back when it is touched
    (void)::madvise(reinterpret_cast<void*>(first), begin - first + content.size(), MADV_DONTNEED);
}

} // namespace

file_coder::file_coder() : input_(std::make_unique_for_overwrite<std::byte[]>(input_bytes)) {}

coded file_coder::encode(block_reader& in, weir::codec which, const weir::encoder_settings& settings, block_writer& out)
{
    const std::span<std::byte> room(input_.get(), input_bytes);
    weir::encoder encoder(which, settings);
    for (bool is_last = false; !is_last;) {
        // Whole blocks, so that of a small file the encoder knows at the start that it is all.
        const std::span<const std::byte> piece = in.read(room, room.size());
        is_last = piece.size() < room.size();
        encoder.push(piece);
        if (is_last)
            encoder.finish();
        pull_all(encoder, out);
    }
    return {which, encoder.consumed(), encoder.produced()};
}

coded file_coder::encode(block_reader& in, weir::codec which, const weir::encoder_settings& settings,
                         const weir::parallel_options& how, block_writer& out)
{
    const weir::parallel_totals totals = weir::encode_parallel(
        which, settings, how, [&](std::span<std::byte> room) { return in.read(room, room.size()).size(); },
        [&](std::span<const std::byte> bytes) { out.write(bytes); });
    return {which, totals.consumed, totals.produced};
}

coded file_coder::decode(block_reader& in, std::optional<weir::codec> which, bool pass_unknown,
                         weir::decoder_settings settings, bool as_it_comes, block_writer& out)
{
    const std::span<std::byte> room(input_.get(), input_bytes);
    const std::size_t wanted = which ? 1 : weir::codec_magic_bytes;
    std::span<const std::byte> piece = in.read(room, wanted);
    while (!which && piece.size() >= wanted && piece.size() < weir::bytes_to_detect_codec(piece)) {
        const std::size_t more = weir::bytes_to_detect_codec(piece) - piece.size();
        const std::size_t got = in.read(room.subspan(piece.size()), more).size();
        piece = room.first(piece.size() + got);
        if (got < more)
            break;
    }
    const weir::codec found = which ? *which : detect(piece, pass_unknown, in.name());
    weir::decoder decoder(found, weir::settings_for(found, std::move(settings)));
    decoder.set_subject(in.name());
    while (!piece.empty()) {
        decoder.push(piece);
        pull_all(decoder, out);
        if (as_it_comes)
            out.flush();
        piece = in.read(room, 1);
    }
    decoder.finish();
    pull_all(decoder, out);
    return {decoder.which(), decoder.consumed(), decoder.produced()};
}

coded file_coder::decode(const weir::mapped_file& in, std::optional<weir::codec> which, bool pass_unknown,
                         weir::decoder_settings settings, const weir::parallel_decoding_options& how, block_writer& out)
{
    const std::span<const std::byte> content = in.view();
    const weir::codec found = which ? *which : detect(content, pass_unknown, how.subject);
    try {
        const weir::parallel_totals totals = weir::decode_parallel(
            found, weir::settings_for(found, std::move(settings)), how, content,
            [&](std::span<const std::byte> bytes) { out.write(bytes); }, &forget);
        in.verify();
        return {found, totals.consumed, totals.produced};
    }
    catch (const weir::error&) {
        in.verify(); // what was cut off reads as zeros
        throw;
    }
}

} // namespace tool
