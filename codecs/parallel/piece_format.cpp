#include "parallel/piece_format.hpp"

#include "weir_config.h"

#include <algorithm>

namespace weir::codecs {
namespace {

using make_format = std::unique_ptr<piece_format> (*)(codec, const encoder_settings&, std::size_t,
                                                      std::shared_ptr<context_pool>);

make_format format_of(codec which) noexcept
{
    switch (which) {
#if WEIR_HAVE_ZLIB
    case codec::gzip:
    case codec::zlib:
    case codec::deflate: return make_deflate_pieces;
#endif
#if WEIR_HAVE_LZMA
    case codec::xz: return make_xz_pieces;
#endif
#if WEIR_HAVE_LZ4
    case codec::lz4: return make_lz4_pieces;
#endif
#if WEIR_HAVE_ZSTD
    case codec::zstd: return make_zstd_pieces;
#endif
    default: return nullptr;
    }
}

} // namespace

piece_encoder::~piece_encoder() = default;
piece_format::~piece_format() = default;

void piece_encoder::start(const piece& next, std::span<std::byte> room)
{
    piece_ = next;
    rest_ = next.content;
    whole_ = room_ = room;
    begin(piece_, room_);
}

bool piece_encoder::work(std::size_t most)
{
    std::span<const std::byte> next = how_ == work_on::whole ? rest_ : rest_.first(std::min(most, rest_.size()));
    rest_ = rest_.subspan(next.size());
    run(next, room_, rest_.empty());
    if (!next.empty())
        throw failure{errc::internal, "a piece takes more room than its format says"};
    if (!rest_.empty())
        return false;
    note_ = finish(piece_, whole_.first(whole_.size() - room_.size()));
    return true;
}

std::unique_ptr<piece_format> make_pieces(codec which, const encoder_settings& settings, std::size_t piece_bytes,
                                          codec_pool& contexts)
{
    static_cast<void>(encoder_memory(which, settings)); // looks at them all
    if (settings.threads != 0)
        refuse_setting(which, "threads", "pieces are encoded by other threads than the library's");
    if (piece_bytes != 0 && (piece_bytes < least_piece_bytes || piece_bytes > most_piece_bytes))
        refuse_setting(which, "pieces", "of 16 KiB to 1 GiB are possible");
    const make_format make = format_of(which);
    if (!make)
        refuse_setting(which, "pieces", "its streams cannot be made of them");
    return make(which, settings, piece_bytes, contexts.contexts());
}

void append_little_endian(std::vector<std::byte>& out, std::uint64_t value, std::size_t count)
{
    for (std::size_t i = 0; i < count; ++i)
        out.push_back(static_cast<std::byte>(value >> (8 * i)));
}

} // namespace weir::codecs
