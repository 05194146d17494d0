// Any pattern over any path gives an answer, in a time that libFuzzer's limit allows; a text whose special characters
// are escaped matches itself.

#include "input.hpp"

#include <weir/glob.hpp>

#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    fuzz::input input(bytes, size);
    const std::size_t length = input.byte();
    const std::string_view text = input.text();
    const std::string_view pattern = text.substr(0, length);
    const std::string_view path = text.substr(pattern.size());

    const weir::glob glob{std::string(pattern)};
    const bool matched = glob.matches(path);
    fuzz::require(!matched || glob.matches_name_or_path(path));

    std::string escaped;
    for (const char each : path) {
        if (static_cast<unsigned char>(each) < 0x80) // not between the bytes of one character
            escaped.push_back('\\');
        escaped.push_back(each);
    }
    fuzz::require(weir::glob(escaped).matches(path));
    return 0;
}
