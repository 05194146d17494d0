#include "archives/zip_descriptor.hpp"

#include "compression/stream_start.hpp"

namespace weir::codecs::zip {
namespace {

struct form {
    std::size_t before;     ///< bytes of the signature
    std::size_t size_bytes; ///< of each size
};

constexpr form forms[] = {{signature_bytes, 4}, {signature_bytes, 8}, {0, 4}, {0, 8}};
constexpr std::size_t crc_bytes = 4;

bool is_record(std::uint32_t kind) noexcept
{
    return kind == local_signature || kind == directory_signature || kind == extra_data_signature;
}

} // namespace

bool tells_its_end(std::uint16_t method, std::uint16_t flags) noexcept
{
    return method != stored_method && (method != lzma_method || (flags & lzma_marker_flag) != 0);
}

descriptor_match match_descriptor(std::span<const std::byte> next, const entry_numbers& content) noexcept
{
    descriptor_match out;
    for (const form& each : forms) {
        const std::size_t size = each.before + crc_bytes + 2 * each.size_bytes;
        if (next.size() < size + signature_bytes || !is_record(signature_of(next.subspan(size))))
            continue;
        if (each.before != 0 && signature_of(next) != descriptor_signature)
            continue;
        const std::size_t sizes = each.before + crc_bytes;
        if (little_endian(next.subspan(sizes, each.size_bytes)) != content.compressed
            || little_endian(next.subspan(sizes + each.size_bytes, each.size_bytes)) != content.size)
            continue;
        const bool fits = little_endian(next.subspan(each.before, crc_bytes)) == content.crc;
        if (fits || out.size == 0)
            out = {fits, size};
        if (fits)
            break;
    }
    return out;
}

} // namespace weir::codecs::zip
