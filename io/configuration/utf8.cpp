#include "utf8.hpp"

namespace weir::detail {

std::size_t character_length(std::string_view text) noexcept
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (byte(0) < 0x80)
        return 1;
    const std::size_t length = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
    if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < length)
        return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80)
            return 0;
    const unsigned start = byte(0) * 256u + byte(1);
    const bool overlong = start < 0xE0A0 ? length == 3 : start >= 0xF000 && start < 0xF090;
    const bool surrogate = start >= 0xEDA0 && start <= 0xEDBF;
    return overlong || surrogate || start >= 0xF490 ? 0 : length;
}

void append_utf8(std::string& out, std::uint32_t character)
{
    const auto add = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (character < 0x80)
        return add(character);
    if (character < 0x800) {
        add(0xC0 | character >> 6);
    }
    else {
        if (character < 0x10000) {
            add(0xE0 | character >> 12);
        }
        else {
            add(0xF0 | character >> 18);
            add(0x80 | (character >> 12 & 0x3F));
        }
        add(0x80 | (character >> 6 & 0x3F));
    }
    add(0x80 | (character & 0x3F));
}

} // namespace weir::detail
