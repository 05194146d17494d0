// Any text is a date that is read back from what is written, or none; any Retry-After is a wait that can be summed.

#include "input.hpp"

#include <weir/http/date.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    using namespace std::chrono;
    const std::string_view text = fuzz::input(bytes, size).text();
    const sys_seconds now(seconds(1'790'000'000));
    const auto date = weir::http::parse_date(text, now);
    if (date && *date < sys_days(year(9999) / December / 31))
        fuzz::require(weir::http::parse_date(weir::http::format_date(*date), now) == date);
    const auto wait = weir::http::parse_retry_after(text, now);
    fuzz::require(!date || wait);
    fuzz::require(!wait || (*wait >= seconds(0) && *wait <= years(100)));
    return 0;
}
