#pragma once
// Field lines as they come over a connection.

#include <weir/http/fields.hpp>
#include <weir/http/line_buffer.hpp>

#include <string_view>

namespace weir::http {

/// Adds the field that `line`, the last one of `lines`, holds. Refuses it with its place if it holds none.
/// \see RFC 9112, section 5
void add_field_line(fields& header, std::string_view line, const line_buffer& lines);

} // namespace weir::http
