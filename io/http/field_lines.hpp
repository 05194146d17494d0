#pragma once
// Field lines as they come over a connection.

#include <weir/http/fields.hpp>
#include <weir/http/line_buffer.hpp>

#include <cstddef>
#include <span>
#include <string_view>

namespace weir::http {

/// Adds the field that `line`, the last one of `lines`, holds. Refuses it with its place if it holds none.
/// \see RFC 9112, section 5
void add_field_line(fields& header, std::string_view line, const line_buffer& lines);

/// Gives the lines of `bytes` to `read_line`, until one of them makes the head `done`.
/// \returns  how many bytes were taken
template <typename Reader>
std::size_t feed_lines(line_buffer& lines, std::span<const std::byte> bytes, const bool& done, Reader&& read_line)
{
    std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (!done) {
        const auto line = lines.take(rest);
        if (!line)
            break;
        read_line(*line);
    }
    return bytes.size() - rest.size();
}

} // namespace weir::http
