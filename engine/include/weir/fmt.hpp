#pragma once
// For programs that print with {fmt}: how its functions show weir's values.

#include <weir/digest.hpp>

#include <fmt/format.h>

/// A digest prints as hexadecimal text, and takes the options of a string: `fmt::print("{:>64}", digest)`.
template <> struct fmt::formatter<weir::digest> : fmt::formatter<fmt::string_view> {
    template <class Context> auto format(const weir::digest& value, Context& context) const
    {
        char text[2 * weir::digest::max_size];
        const char* end = value.write_hex(text);
        return fmt::formatter<fmt::string_view>::format({text, static_cast<std::size_t>(end - text)}, context);
    }
};
