// Text is a size or an error of weir's, and what is printed exactly is read back as the same size.

#include "input.hpp"

#include <weir/error.hpp>
#include <weir/size.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    const fuzz::input input(bytes, size);
    try {
        const std::uint64_t value = weir::parse_size(input.text());
        fuzz::require(weir::parse_size(weir::format_size_exactly(value)) == value);
        fuzz::require(!weir::format_size(value).empty());
    }
    catch (const weir::error& refused) {
        fuzz::require(refused.code() == weir::errc::bad_format);
    }
    return 0;
}
