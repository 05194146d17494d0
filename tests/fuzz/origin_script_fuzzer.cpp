// Whatever a script of an origin holds, it is read, or refused with the line that is wrong.

#include "input.hpp"

#include <weir/testing/script.hpp>

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    const fuzz::input input(bytes, size);
    try {
        static_cast<void>(weir::testing::script::parse(input.text(), "fuzz.script"));
    }
    catch (const weir::testing::script_error& refused) {
        const auto lines = 1 + static_cast<std::uint64_t>(std::ranges::count(input.text(), '\n'));
        fuzz::require(refused.line() >= 1 && refused.line() <= lines);
        fuzz::require(refused.code() == weir::errc::bad_format || refused.code() == weir::errc::bad_configuration);
    }
    return 0;
}
