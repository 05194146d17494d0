#pragma once
// What an error says besides its parts, for who says it again with more.

#include <weir/error.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

/// What stands in parentheses behind the cause; empty where nothing does.
[[nodiscard]] inline std::string detail_of(const error& known)
{
    const error bare(known.code(), known.operation(), known.subject(), known.offset());
    std::string_view rest = known.what();
    const std::string_view start = bare.what();
    constexpr std::string_view open = " (";
    if (!rest.starts_with(start) || rest.size() <= start.size() + open.size())
        return {};
    rest.remove_prefix(start.size() + open.size());
    rest.remove_suffix(1);
    return std::string(rest);
}

/// Where in its subject; nothing where it does not say.
[[nodiscard]] inline std::optional<std::uint64_t> offset_of(const std::exception_ptr& failure)
{
    try {
        std::rethrow_exception(failure);
    }
    catch (const error& known) {
        return known.offset();
    }
    catch (...) {
        return std::nullopt;
    }
}

/// The same, with a remark behind what it says.
[[nodiscard]] inline error with_remark(const error& known, std::string_view remark)
{
    return {known.code(), known.operation(), known.subject(), known.offset(), detail_of(known).append("; ").append(remark)};
}

} // namespace weir::http
