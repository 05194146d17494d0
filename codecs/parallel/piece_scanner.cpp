#include "parallel/piece_scanner.hpp"

#include "weir_config.h"

#include <weir/codec.hpp>

#include <utility>

namespace weir::codecs {
namespace {

class stream_decoder final : public piece_decoder {
public:
    stream_decoder(codec which, const scan& how)
        : which_(which), settings_(how.settings), contexts_(how.contexts), context_(contexts_->take(which_, settings_))
    {}
    ~stream_decoder() override
    {
        if (is_whole_)
            contexts_->give_back(which_, settings_, std::move(context_));
    }

    std::size_t decode(const coded_piece& piece, std::span<std::byte> room) override
    {
        is_whole_ = false;
        context_->start();
        std::span<const std::byte> input = piece.bytes;
        std::span<std::byte> rest = room;
        while (!is_whole_ && !rest.empty()) {
            const std::size_t before = input.size() + rest.size();
            is_whole_ = context_->run(input, rest, true);
            if (input.size() + rest.size() == before)
                give_up();
        }
        if (!is_whole_) { // some formats have yet to read their end
            std::byte one_more;
            std::span<std::byte> none(&one_more, 1);
            is_whole_ = context_->run(input, none, true);
        }
        if (!is_whole_ || !rest.empty() || !input.empty())
            give_up();
        return room.size();
    }

private:
    const codec which_;
    const decoder_settings settings_;
    const std::shared_ptr<context_pool> contexts_;
    std::unique_ptr<context> context_;
    bool is_whole_ = true; // else it may be in any state
};

} // namespace

void give_up() { throw failure{errc::corrupt_data, "not in pieces"}; }

std::span<const std::byte> take_bytes(std::span<const std::byte>& from, std::size_t count)
{
    if (from.size() < count)
        give_up();
    const std::span<const std::byte> out = from.first(count);
    from = from.subspan(count);
    return out;
}

std::unique_ptr<piece_decoder> make_stream_decoder(codec which, const scan& how)
{
    return std::make_unique<stream_decoder>(which, how);
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
