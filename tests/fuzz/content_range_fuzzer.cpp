// Any text is a Content-Range that makes sense, and is read back from what is written, or none.

#include "input.hpp"

#include <weir/http/range.hpp>

#include <limits>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    const auto read = weir::http::parse_content_range(fuzz::input(bytes, size).text());
    if (!read)
        return 0;
    fuzz::require(weir::http::parse_content_range(to_string(*read)) == read);
    fuzz::require(read->sent || read->complete_length);
    if (!read->sent)
        return 0;
    fuzz::require(read->sent->first <= read->sent->last);
    fuzz::require(read->sent->last <= std::numeric_limits<std::int64_t>::max());
    fuzz::require(!read->complete_length || read->sent->last < *read->complete_length);
    fuzz::require(weir::http::byte_range::from(read->sent->first).is_answered_by(*read));
    return 0;
}
