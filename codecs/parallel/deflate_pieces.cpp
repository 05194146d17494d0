// gzip, zlib and raw deflate in pieces: those in the middle end by an empty stored block, at a byte.
//
//   head  piece  piece ... last piece  tail
//
// A piece begins with what comes before it as its dictionary, so the cuts cost next to nothing. The checksum of the
// whole is put together from those of the pieces. See RFC 1950, 1951, 1952.

#include "compression/zlib.hpp"
#include "parallel/piece_format.hpp"

#include <algorithm>
#include <climits>
#include <new>
#include <utility>

namespace weir::codecs {
namespace {

constexpr std::size_t usual_deflate_piece_bytes = std::size_t{512} << 10;
constexpr std::size_t empty_block_bytes = 16; // that ends a piece, with what the library holds back before it
constexpr std::uint32_t adler32_of_nothing = 1;

std::span<const Bytef> zlib_bytes(std::span<const std::byte> from) noexcept
{
    return {reinterpret_cast<const Bytef*>(from.data()), from.size()};
}

std::uint32_t check_of(codec which, std::span<const std::byte> content)
{
    const std::span<const Bytef> from = zlib_bytes(content);
    if (which == codec::gzip)
        return static_cast<std::uint32_t>(crc32_z(0, from.data(), from.size()));
    if (which == codec::zlib)
        return static_cast<std::uint32_t>(adler32_z(adler32_of_nothing, from.data(), from.size()));
    return 0;
}

class deflate_piece_encoder final : public piece_encoder {
public:
    deflate_piece_encoder(codec which, const deflate_parameters& chosen, std::shared_ptr<context_pool> contexts)
        : which_(which), window_bytes_(std::size_t{1} << chosen.window_log), contexts_(std::move(contexts)),
          memory_(contexts_->memory())
    {
        use_memory(stream_, memory_);
        if (deflateInit2(&stream_, chosen.level, Z_DEFLATED, window_bits(codec::deflate, chosen.window_log),
                         deflate_memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc();
    }
    ~deflate_piece_encoder() override { deflateEnd(&stream_); }

private:
    void begin(const piece& next, std::span<std::byte>& /*room*/) override
    {
        deflateReset(&stream_);
        flush_ = next.is_last ? Z_FINISH : Z_SYNC_FLUSH;
        const std::span<const Bytef> history =
            zlib_bytes(next.history.last(std::min(next.history.size(), window_bytes_)));
        if (!history.empty())
            deflateSetDictionary(&stream_, history.data(), static_cast<uInt>(history.size()));
    }

    void run(std::span<const std::byte>& input, std::span<std::byte>& room, bool ends) override
    {
        static_assert(most_piece_bytes <= UINT_MAX / 2); // with its room it can be counted by the library
        stream_.next_in = const_cast<Bytef*>(zlib_bytes(input).data());
        stream_.avail_in = static_cast<uInt>(input.size());
        stream_.next_out = reinterpret_cast<Bytef*>(room.data());
        stream_.avail_out = static_cast<uInt>(room.size());
        const int result = deflate(&stream_, ends ? flush_ : Z_NO_FLUSH);
        if (result != (ends && flush_ == Z_FINISH ? Z_STREAM_END : Z_OK) && (ends || result != Z_BUF_ERROR))
            throw failure{errc::internal, stream_.msg ? stream_.msg : "deflate"};
        input = input.last(stream_.avail_in);
        room = room.last(stream_.avail_out);
    }

    std::uint64_t finish(const piece& whole, std::span<std::byte> /*encoded*/) override
    {
        return check_of(which_, whole.content);
    }

    const codec which_;
    const std::size_t window_bytes_;
    const std::shared_ptr<context_pool> contexts_; // has the memory
    library_memory memory_;
    z_stream stream_ = {};
    int flush_ = Z_SYNC_FLUSH;
};

class deflate_pieces final : public piece_format {
public:
    deflate_pieces(codec which, const sizes& of, const deflate_parameters& chosen,
                   std::shared_ptr<context_pool> contexts)
        : piece_format(of), which_(which), chosen_(chosen), contexts_(std::move(contexts)), check_(check_of(which, {}))
    {}

    std::unique_ptr<piece_encoder> make_encoder() const override
    {
        return std::make_unique<deflate_piece_encoder>(which_, chosen_, contexts_);
    }

    std::vector<std::byte> head() const override
    {
        switch (which_) {
        case codec::gzip: return gzip_header();
        case codec::zlib: return zlib_header();
        default: return {};
        }
    }

    void join(const piece& whole, const encoded_piece& encoded) override
    {
        const auto size = static_cast<z_off_t>(whole.content.size());
        const auto check = static_cast<uLong>(encoded.note);
        if (which_ == codec::gzip)
            check_ = static_cast<std::uint32_t>(crc32_combine(check_, check, size));
        if (which_ == codec::zlib)
            check_ = static_cast<std::uint32_t>(adler32_combine(check_, check, size));
        content_bytes_ += whole.content.size();
    }

    std::vector<std::byte> tail() const override
    {
        std::vector<std::byte> out;
        if (which_ == codec::deflate)
            return out;
        append_little_endian(out, check_, 4);
        if (which_ == codec::zlib)
            std::ranges::reverse(out);
        else
            append_little_endian(out, content_bytes_, 4); // modulo 2^32
        return out;
    }

private:
    // Both say of the level what zlib says.
    std::vector<std::byte> gzip_header() const
    {
        constexpr std::uint32_t deflate_without_flags = 0x00088b1f;
        constexpr std::uint32_t no_time = 0;
        constexpr std::uint32_t of_unix = 3;
        const std::uint32_t effort = chosen_.level == 9 ? 2 : chosen_.level < 2 ? 4 : 0;
        std::vector<std::byte> out;
        append_little_endian(out, deflate_without_flags, 4);
        append_little_endian(out, no_time, 4);
        append_little_endian(out, effort | of_unix << 8, 2);
        return out;
    }

    std::vector<std::byte> zlib_header() const
    {
        const int level = chosen_.level;
        const unsigned effort = level < 2 ? 0 : level < 6 ? 1 : level == 6 ? 2 : 3;
        unsigned both = (static_cast<unsigned>(chosen_.window_log - 8) << 12) | 0x800 | effort << 6;
        both += 31 - both % 31;
        return {static_cast<std::byte>(both >> 8), static_cast<std::byte>(both)};
    }

    const codec which_;
    const deflate_parameters chosen_;
    const std::shared_ptr<context_pool> contexts_;
    std::uint32_t check_;
    std::uint64_t content_bytes_ = 0;
};

} // namespace

std::unique_ptr<piece_format> make_deflate_pieces(codec which, const encoder_settings& settings,
                                                  std::size_t piece_bytes, std::shared_ptr<context_pool> contexts)
{
    const deflate_parameters chosen = deflate_parameters_of(which, settings);
    piece_format::sizes sizes;
    sizes.piece = piece_bytes == 0 ? usual_deflate_piece_bytes : piece_bytes;
    sizes.history = std::size_t{1} << chosen.window_log;
    sizes.room = find_implementation(which).bound(sizes.piece, settings) + empty_block_bytes;
    return std::make_unique<deflate_pieces>(which, sizes, chosen, std::move(contexts));
}

} // namespace weir::codecs
