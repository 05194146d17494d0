#include "grammar.hpp"

namespace weir::http::grammar {

std::string printable(std::string_view text, std::size_t max_bytes)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const char c : text.substr(0, max_bytes)) {
        if (!is_control(c) && is_ascii(c)) {
            out.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out.append({'\\', 'x', digits[byte >> 4], digits[byte & 15]});
    }
    if (text.size() > max_bytes)
        out.append("...");
    return out;
}

} // namespace weir::http::grammar
