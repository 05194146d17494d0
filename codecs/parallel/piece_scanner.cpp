#include "parallel/piece_scanner.hpp"

#include "weir_config.h"

#include <weir/codec.hpp>

#include <algorithm>
#include <utility>

namespace weir::codecs {

stream_decoder::stream_decoder(codec which, const decoder_settings& settings, std::shared_ptr<context_pool> contexts)
    : which_(which), settings_(settings), contexts_(std::move(contexts)), context_(contexts_->take(which_, settings_))
{}

stream_decoder::~stream_decoder()
{
    if (is_whole_)
        contexts_->give_back(which_, settings_, std::move(context_));
}

void stream_decoder::decode(std::span<const std::byte> input, std::span<std::byte> room)
{
    is_whole_ = false;
    context_->start();
    while (!is_whole_ && !room.empty()) {
        std::span<std::byte> step = room.first(std::min(room.size(), output_step_bytes));
        const std::size_t wanted = step.size();
        const std::size_t before = input.size();
        is_whole_ = context_->run(input, step, true);
        room = room.subspan(wanted - step.size());
        if (input.size() == before && step.size() == wanted)
            give_up();
    }
    if (!is_whole_) { // some formats have yet to read their end
        std::byte one_more;
        std::span<std::byte> none(&one_more, 1);
        is_whole_ = context_->run(input, none, true);
        if (none.empty())
            give_up();
    }
    if (!is_whole_ || !room.empty() || !input.empty())
        give_up();
}

void give_up() { throw failure{errc::corrupt_data, "not in pieces"}; }

std::span<const std::byte> take_bytes(std::span<const std::byte>& from, std::size_t count)
{
    if (from.size() < count)
        give_up();
    const std::span<const std::byte> out = from.first(count);
    from = from.subspan(count);
    return out;
}

std::unique_ptr<piece_scanner> make_scanner([[maybe_unused]] codec which,
                                            [[maybe_unused]] std::span<const std::byte> stream,
                                            [[maybe_unused]] const scan& how)
{
#if WEIR_HAVE_ZSTD
    if (which == codec::zstd)
        return make_zstd_scanner(stream, how);
#endif
#if WEIR_HAVE_LZMA
    if (which == codec::xz)
        return make_xz_scanner(stream, how);
#endif
#if WEIR_HAVE_LZ4
    if (which == codec::lz4)
        return make_lz4_scanner(stream, how);
#endif
#if WEIR_HAVE_ZLIB
    if (which == codec::gzip)
        return make_bgzf_scanner(stream, how);
#endif
    return nullptr;
}

} // namespace weir::codecs
