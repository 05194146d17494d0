#pragma once
// What messages call the content of an entry.

#include <string>
#include <string_view>

namespace weir::codecs {

/// "ARCHIVE/ENTRY".
[[nodiscard]] inline std::string name_of_content(std::string_view archive, std::string_view entry)
{
    std::string out(archive);
    out += '/';
    out += entry;
    return out;
}

} // namespace weir::codecs
