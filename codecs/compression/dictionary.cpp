#include <weir/dictionary.hpp>

#include "compression/stream_start.hpp"

namespace weir {

dictionary::dictionary(std::span<const std::byte> content)
    : content_(std::make_shared<const std::vector<std::byte>>(content.begin(), content.end()))
{}

std::span<const std::byte> dictionary::content() const noexcept
{
    return content_ ? std::span<const std::byte>(*content_) : std::span<const std::byte>();
}

// RFC 8878, section 5: a trained dictionary begins with a magic number and its id.
std::uint32_t dictionary::id() const noexcept
{
    constexpr std::uint32_t magic = 0xec30a437;
    const std::span<const std::byte> all = content();
    if (all.size() < 8 || codecs::little_endian(all.first(4)) != magic)
        return 0;
    return static_cast<std::uint32_t>(codecs::little_endian(all.subspan(4, 4)));
}

} // namespace weir
