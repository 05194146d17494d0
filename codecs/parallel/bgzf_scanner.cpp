// BGZF: members of gzip, each of 64 KiB of content at most, which say in an extra field how large they are.
//
//   1f 8b 08 04  time (4)  flags, system (2)  size of extra fields (2)  { id (2)  size (2)  ... }  data  CRC (4)  size (4)
//   the field:   "BC"  2  size of the member - 1 (2)
//
// See the SAM/BAM format specification, section 4.1, and RFC 1952, section 2.3.1.1.

#include "compression/stream_start.hpp"
#include "parallel/piece_scanner.hpp"

#include <algorithm>

namespace weir::codecs {
namespace {

constexpr std::uint8_t start_of_member[] = {0x1f, 0x8b, 0x08, 0x04};
constexpr std::size_t fixed_bytes = 10; // before the size of the extra fields
constexpr std::size_t trailer_bytes = 8;
constexpr std::size_t most_content = std::size_t{64} << 10;

std::size_t take_number(std::span<const std::byte>& from, std::size_t bytes)
{
    return static_cast<std::size_t>(little_endian(take_bytes(from, bytes)));
}

std::size_t size_of_member(std::span<const std::byte> rest)
{
    const std::span<const std::byte> fixed = take_bytes(rest, fixed_bytes);
    if (!could_be(fixed, start_of_member))
        give_up();
    const std::size_t extra_bytes = take_number(rest, 2);
    for (std::span<const std::byte> extra = take_bytes(rest, extra_bytes); !extra.empty();) {
        const std::size_t id = take_number(extra, 2);
        const std::size_t size = take_number(extra, 2);
        std::span<const std::byte> value = take_bytes(extra, size);
        if (id == ('B' | 'C' << 8) && size == 2)
            return take_number(value, 2) + 1;
    }
    give_up();
}

/// The next member, and how large its content is said to be.
struct member {
    explicit member(std::span<const std::byte>& rest) : bytes(take_bytes(rest, size_of_member(rest)))
    {
        if (bytes.size() < fixed_bytes + trailer_bytes)
            give_up();
        content = static_cast<std::size_t>(little_endian(bytes.last(4)));
        if (content > most_content)
            give_up();
    }

    std::span<const std::byte> bytes;
    std::size_t content = 0;
};

/// Each member has to be as large as it says, before and after.
class bgzf_decoder final : public piece_decoder {
public:
    explicit bgzf_decoder(const scan& how) : stream_(codec::gzip, one_member(how.settings), how.contexts) {}

    std::size_t decode(const coded_piece& piece, std::span<std::byte> room) override
    {
        std::span<std::byte> left = room;
        for (std::span<const std::byte> rest = piece.bytes; !rest.empty();) {
            const member next(rest);
            if (next.content > left.size())
                give_up();
            stream_.decode(next.bytes, left.first(next.content));
            left = left.subspan(next.content);
        }
        return room.size() - left.size();
    }

private:
    static decoder_settings one_member(decoder_settings settings)
    {
        settings.concatenated = false;
        return settings;
    }

    stream_decoder stream_;
};

class bgzf_scanner final : public piece_scanner {
public:
    bgzf_scanner(std::span<const std::byte> stream, const scan& how) : how_(how), rest_(stream) {}

    std::optional<coded_piece> next() override
    {
        if (rest_.empty())
            return std::nullopt;
        const std::span<const std::byte> start = rest_;
        coded_piece out;
        do {
            out.room += member(rest_).content;
        } while (!rest_.empty() && out.room + most_content <= std::min(usual_piece_content, how_.max_piece_bytes));
        out.bytes = start.first(start.size() - rest_.size());
        return out;
    }

    std::unique_ptr<piece_decoder> make_decoder() const override { return std::make_unique<bgzf_decoder>(how_); }

private:
    const scan how_;
    std::span<const std::byte> rest_;
};

} // namespace

std::unique_ptr<piece_scanner> make_bgzf_scanner(std::span<const std::byte> stream, const scan& how)
{
    return std::make_unique<bgzf_scanner>(stream, how);
}

} // namespace weir::codecs
