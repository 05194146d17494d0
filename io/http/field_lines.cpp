#include "field_lines.hpp"

#include "grammar.hpp"

#include <string>

namespace weir::http {

void add_field_line(fields& header, std::string_view line, const line_buffer& lines)
{
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (colon == std::string_view::npos)
        lines.refuse("a field line without a colon");
    if (!is_token(name))
        lines.refuse("`" + grammar::printable(name) + "` is no name of a field");
    if (!header.try_add(name, line.substr(colon + 1)))
        lines.refuse("a control character in the value of " + grammar::printable(name));
}

} // namespace weir::http
