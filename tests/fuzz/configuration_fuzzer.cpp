// Whatever a configuration file holds, it is read or refused by an error; what was read survives being written.

#include "input.hpp"

#include <weir/configuration.hpp>
#include <weir/error.hpp>

#include <optional>
#include <string_view>

namespace {

std::optional<weir::configuration> read(std::string_view text)
{
    try {
        return weir::parse_configuration(text, "fuzz.toml");
    }
    catch (const weir::error& refused) {
        fuzz::require(refused.code() == weir::errc::bad_configuration);
        return std::nullopt;
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    const fuzz::input input(bytes, size);
    if (const auto values = read(input.text()))
        fuzz::require(weir::parse_configuration(weir::to_commented_toml(*values), "written.toml") == *values);
    return 0;
}
